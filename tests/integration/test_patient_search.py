"""Search: in any order and script, by every criterion, and bounded where names are common."""

import itertools
import json

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server.patient import keys
from tests.fix_patient import Registry


@pytest.fixture
def amit(registry):
    return registry.create(
        "Amit Prakash",
        "Sharma",
        telecoms=[{"system": "phone", "value": "+91 98765 43210"}],
        identifiers=[{"system": "urn:abha", "value": "91-1234"}, {"value": "91-1234-5"}],
        birth_date="1975-04-21",
    )


@pytest.mark.parametrize(
    "query",
    [
        "amit",
        "AMIT SHARMA",
        "sharma amit",
        "sha ami",
        "prakash sharma amit",
        "अमित शर्मा",
        "शर्मा",
        "அமித்",
        "rma mit",
        "9876543210",
        "98765 43210",
        "+91 98765-43210",
        "98765",
        "43210",
        "amit 98765 43210",
        "p",
        "a s",
    ],
)
def test_a_name_in_any_order_and_script(registry, amit, query):
    registry.create("Ravi", "Verma", telecoms=[{"system": "phone", "value": "1234567890"}])
    assert registry.search(query) == [amit.id]


@pytest.mark.parametrize("query", ["amit verma", "amitt", "zz", "amit 1976", "0123456789"])
def test_whoever_lacks_a_word_is_not_found(registry, amit, query):
    assert registry.search(query) == []


def test_names_in_many_scripts(registry):
    for given, family, query in [
        ("मुरली", "अय्यर", "murli"),
        ("முருகன்", "கண்ணன்", "kannan murugan"),
        ("王", "小明", "小明"),
        ("محمد", "علی", "محمد"),
        ("Zoë", "Müller", "muller zoe"),
        ("Seán", "O’Brien", "o'brien"),
    ]:
        made = registry.create(given, family)
        assert registry.search(query) == [made.id], query
        assert registry.search(f"{family} {given}") == [made.id], query


def test_earlier_names_and_whole_names_are_found(registry):
    names = [{"text": "Smt. Meena Kumari"}, {"use": "maiden", "family_name": "Nair"}]
    made = registry.CreatePatient(pb.CreatePatientRequest(patient=pb.Patient(names=names)))
    assert registry.search("nair meena") == [made.id]


def test_a_uhid_however_it_is_typed(registry, amit):
    for query in (amit.uhid, amit.uhid.lower(), amit.uhid[:6], f"{amit.uhid[0]} {amit.uhid[1:]}"):
        assert amit.id in registry.search(query), query
    assert registry.search(uhid=f" {amit.uhid[:4]}-{amit.uhid[4:].lower()}") == [amit.id]
    assert registry.search(uhid=amit.uhid[:-1]) == []


def test_exact_criteria(registry, amit):
    twin = registry.create(
        "Amit", "Sharma", birth_date="1975", identifiers=[{"system": "urn:x", "value": "1"}]
    )
    assert registry.search(phone="098765 43210") == [amit.id]
    assert registry.search(phone="98765") == []
    assert registry.search(identifier="urn:abha|91-1234") == [amit.id]
    assert registry.search(identifier="91-1234") == [amit.id]
    assert registry.search(identifier="urn:x|91-1234") == []
    assert registry.search(identifier="91-12") == []
    assert set(registry.search(birth_date="1975")) == {amit.id, twin.id}
    assert registry.search(birth_date="1975-04") == [amit.id]
    assert registry.search(birth_date="1975-04-21") == [amit.id]
    assert registry.search(birth_date="1975-04-22") == []


CRITERIA = {
    "query": ("shar", "verma"),
    "uhid": (None, "H999999999"),
    "phone": ("9876543210", "1111111111"),
    "identifier": ("urn:abha|91-1234", "urn:abha|0"),
    "birth_date": ("1975-04", "1976"),
}


@pytest.mark.parametrize("fields", list(itertools.combinations(CRITERIA, 2)))
def test_every_criterion_must_hold(registry, amit, fields):
    registry.create("Ravi", "Sharma", birth_date="1980-04-21")
    registry.create("Ravi", "Nair", birth_date="1975-04-21")
    right = {field: CRITERIA[field][0] or amit.uhid for field in fields}
    assert registry.search(**right) == [amit.id]
    for field in fields:
        assert registry.search(**{**right, field: CRITERIA[field][1]}) == []


def test_whole_words_come_first(registry):
    longer = registry.create("Ramesh", "Kumar")
    middle = registry.create("Ram Lal", "Kumar")
    exact = registry.create("Ram", "Kumar")
    assert registry.search("ram kumar") == [exact.id, middle.id, longer.id]


def test_a_change_of_name_and_phone_moves_the_patient(registry, amit):
    registry.UpdatePatient(
        pb.UpdatePatientRequest(
            patient=pb.Patient(
                id=amit.id, family_name="Verma", telecoms=[{"system": "phone", "value": "5550001111"}]
            )
        )
    )
    assert registry.search("sharma") == []
    assert registry.search(phone="9876543210") == []
    assert registry.search("verma amit", phone="5550001111") == [amit.id]


@pytest.mark.parametrize(("size", "shown"), [(0, 20), (5, 5), (1000, 30)])
def test_truncated_says_that_there_are_more(registry, size, shown):
    for i in range(30):
        registry.create(f"Kamal Kavita Kumar Kishor{i}", "Khan")
    answer = registry.SearchPatients(pb.SearchPatientsRequest(query="k", page_size=size))
    assert len(answer.patients) == shown
    assert answer.truncated == (shown < 30)


def test_who_is_found_is_audited(registry, amit, owner):
    registry.search("amit")
    registry.search("nobody")
    named = owner.execute(
        "SELECT patient_ids::text[], outcome FROM audit_outbox"
        " WHERE tenant_id = %s AND record->>'action' = 'READ' ORDER BY position",
        [registry.tenant.id],
    ).fetchall()
    assert named == [([amit.id], "OK"), ([], "OK")]


# A hospital where names are so common that no search may read all who have them.
COMMON = 6000


@pytest.fixture(scope="module")
def crowd(owner):
    """Fills a hospital: Amit Kumar, Anita Kumar, Amit Devi, ... by turns, born in 1975 or 1976."""

    def fill(tenant):
        given = ["Amit", "Anita", "Ravi", "Sita", "Ram", "Geeta", "Suresh"]
        family = ["Kumar", "Devi", "Singh", "Sharma", "Das"]
        with owner.cursor() as cursor:
            for i in range(COMMON):
                patient_id = f"00000000-0000-7000-8000-{i:012d}"
                document = {
                    "names": [{"given_names": [given[i % 7]], "family_name": family[i % 5]}],
                    "birth_date": f"{1975 + i % 2}-01-01",
                }
                if i == COMMON - 1:
                    document["names"].append({"given_names": ["Rarely"], "family_name": "Seen"})
                derived = keys.derive(document, f"H{i:09d}")
                cursor.execute(
                    "INSERT INTO patient (tenant_id, id, uhid, document, name_key, birth_date, search_text,"
                    " actor_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [
                        tenant.id,
                        patient_id,
                        f"H{i:09d}",
                        json.dumps(document),
                        derived.name_key,
                        derived.birth_date,
                        derived.search_text,
                        tenant.user_id,
                    ],
                )
                cursor.execute(
                    "INSERT INTO patient_key (tenant_id, kind, value, patient_id)"
                    " SELECT %s, kind, value, %s FROM unnest(%s::text[], %s::text[]) AS k (kind, value)",
                    [tenant.id, patient_id, derived.kinds, derived.values],
                )
        owner.execute("ANALYZE patient, patient_key")

    return fill


def test_common_names(servicer, new_tenant, owner, crowd):
    tenant = new_tenant()
    with owner.transaction():
        crowd(tenant)
    registry = Registry(servicer, tenant)

    def names(query, **fields):
        answer = registry.SearchPatients(pb.SearchPatientsRequest(query=query, page_size=100, **fields))
        return answer, {(p.given_name, p.family_name, p.birth_date[:4]) for p in answer.patients}

    for query, expected in {
        "kumar": (None, "Kumar"),
        "amit": ("Amit", None),
        "kumar amit": ("Amit", "Kumar"),
        "ami kum": ("Amit", "Kumar"),
        "k a": (None, "Kumar"),
        "s d": (None, None),
    }.items():
        answer, found = names(query)
        assert answer.truncated, query
        assert len(answer.patients) == 100, query
        given, family = expected
        assert all(given in (None, g) and family in (None, f) for g, f, _ in found), query

    # all of both words, all of one year, few of all three
    answer, found = names("ravi das", birth_date="1975")
    assert found == {("Ravi", "Das", "1975")}
    expected = sum(1 for i in range(COMMON) if i % 7 == 2 and i % 5 == 4 and i % 2 == 0)
    assert answer.truncated == (expected > 100)
    assert len(answer.patients) == min(expected, 100)

    last = f"00000000-0000-7000-8000-{COMMON - 1:012d}"
    for query in ("rarely", "seen rarely", "rar see", "arely een", "rarely kumar devi das"):
        answer, _ = names(query)
        wanted = [last] if "kumar" not in query else []
        assert [p.id for p in answer.patients] == wanted, query
        assert not answer.truncated
