"""The generator of patients for benches: deterministic, uneven, and found by the registry's own keys."""

import collections
from datetime import timedelta

import pytest

from bench import generator, people, rows
from bench.figures import percentile, shown
from bench.h2load import check, frame
from hms_server import ids
from hms_server.patient import keys

OWNER = rows.Owner("11111111-1111-7111-8111-111111111111", "22222222-2222-7222-8222-222222222222")


def registrations(seed=1, hospital=1, size=3000, of=3):
    return [each for number in range(of) for each in people.piece(seed, hospital, number, of, size)]


def test_the_same_seed_makes_the_same_patients():
    assert registrations() == registrations()


@pytest.mark.parametrize("other", [{"seed": 2}, {"hospital": 2}])
def test_another_seed_or_hospital_makes_others(other):
    ours, others = registrations(), registrations(**other)
    assert {each.id for each in ours}.isdisjoint(each.id for each in others)
    assert [each.document for each in ours] != [each.document for each in others]


def test_a_piece_does_not_depend_on_those_before_it():
    assert people.piece(1, 1, 2, 3, 3000) == registrations()[2000:]


def test_patients_come_by_number_and_time_with_ids_of_that_time():
    made = registrations()
    assert [each.number for each in made] == list(range(1, 3001))
    assert [each.time for each in made] == sorted(each.time for each in made)
    assert [each.id for each in made] == sorted(each.id for each in made) or all(
        earlier.id[:13] <= later.id[:13] for earlier, later in zip(made, made[1:], strict=False)
    )
    assert all(ids.is_uuid(each.id) and each.id[14] == "7" for each in made)
    assert len({each.id for each in made}) == len(made)
    assert made[0].time >= people.FIRST_DAY
    assert made[-1].time <= people.FIRST_DAY + timedelta(days=people.DAYS)


def test_sizes_are_uneven():
    assert generator.sizes(9000, 3) == [9000, 2250, 1000]


def test_every_patient_of_every_hospital_is_in_one_piece():
    of = generator.pieces(10_100)
    for size in (10_000, 99, 1):
        made = [each.number for n in range(of) for each in people.piece(1, 7, n, of, size)]
        assert made == list(range(1, size + 1))


def test_names_are_skewed_with_a_long_tail():
    families = collections.Counter(each.document["names"][0]["family_name"] for each in registrations())
    assert families.most_common(1)[0][1] > 3000 * 0.02
    assert sum(count == 1 for count in families.values()) > 100


def test_some_names_are_written_in_devanagari_too():
    documents = [each.document for each in registrations() if len(each.document["names"]) > 1]
    assert documents
    for document in documents:
        assert not document["names"][1]["family_name"].isascii()


def test_lines_hold_what_the_registry_derives():
    (registration, *_) = registrations(size=3)
    made = rows.lines([(OWNER, "H000000015", registration)])
    derived = keys.derive(registration.document, "H000000015")
    fields = made.patients.decode().rstrip("\n").split("\t")
    assert fields[:3] == [OWNER.tenant_id, registration.id, "H000000015"]
    assert fields[4:7] == [derived.name_key, derived.birth_date, derived.search_text]
    pairs = [line.split("\t")[1:3] for line in made.keys.decode().splitlines()]
    assert [tuple(pair) for pair in pairs] == [(kind, rows.escape(value)) for kind, value in derived.pairs]


@pytest.mark.parametrize(
    ("text", "escaped"), [("plain", "plain"), ("a\\b", "a\\\\b"), ("a\tb\nc\rd", "a\\tb\\nc\\rd")]
)
def test_copy_takes_any_text(text, escaped):
    assert rows.escape(text) == escaped


def test_figures():
    assert percentile([5, 1, 4, 2, 3], 0.95) == 5
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert [shown(value) for value in (0, 0.123456, 12.3456, 1234.56)] == [0, 0.123, 12.3, 1235]


def test_a_grpc_frame():
    assert frame(b"abc") == b"\0\0\0\0\3abc"


def test_h2load_must_have_every_call_answered():
    from bench.errors import BenchError

    line = "requests: 100 total, 100 started, {0} done, {0} succeeded, {1} failed, {1} errored, 0 timeout"
    check(line.format(100, 0), 100)
    for printed in (line.format(99, 1), "Unable to connect", ""):
        with pytest.raises(BenchError, match="not every call was answered"):
            check(printed, 100)
