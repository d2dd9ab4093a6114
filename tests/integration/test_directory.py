"""Departments, practitioners, organizations and locations on the real database."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest

from hms.admin.v1 import directory_pb2 as pb
from hms_server import errors, ids
from hms_server.admin import directory as directory_room
from hms_server.admin.kinds import KINDS
from hms_server.database import transaction as transactions

NAMES = [pytest.param(kind, id=kind.table) for kind in KINDS.values()]


class Desk:
    """The directory as one hospital's administrator uses it, whatever the kind."""

    def __init__(self, hospital):
        self.hospital = hospital
        self.id = hospital.id

    def create(self, kind, request_id="", **fields):
        request = getattr(pb, f"Create{kind.name}Request")(request_id=request_id)
        getattr(request, kind.table).CopyFrom(kind.new(**{**named(kind, "Ward"), **fields}))
        return self.hospital.do(f"AdminService/Create{kind.name}", request)

    def get(self, kind, entry_id):
        request = getattr(pb, f"Get{kind.name}Request")(id=entry_id)
        return self.hospital.do(f"AdminService/Get{kind.name}", request)

    def update(self, kind, entry_id, mask=(), request_id="", **fields):
        request = getattr(pb, f"Update{kind.name}Request")(request_id=request_id)
        getattr(request, kind.table).CopyFrom(kind.new(id=entry_id, **fields))
        request.update_mask.paths.extend(mask)
        return self.hospital.do(f"AdminService/Update{kind.name}", request)

    def page(self, kind, **fields):
        request = getattr(pb, f"List{kind.name}sRequest")(**fields)
        return self.hospital.do(f"AdminService/List{kind.name}s", request)

    def names(self, kind, **fields):
        return [shown(kind, e) for e in getattr(self.page(kind, **fields), kind.plural)]


def named(kind, name):
    return {"names": [{"text": name}]} if "names" in kind.fields else {"display_name": name}


def shown(kind, entry):
    return entry.names[0].text if "names" in kind.fields else entry.display_name


def violations(caught):
    return {violation.field for violation in caught.value.violations}


@pytest.fixture
def desk(hospital):
    return Desk(hospital)


DEPARTMENT, PRACTITIONER = KINDS["DEPARTMENT"], KINDS["PRACTITIONER"]
ORGANIZATION, LOCATION = KINDS["ORGANIZATION"], KINDS["LOCATION"]
TREES = [pytest.param(kind, id=kind.table) for kind in (DEPARTMENT, ORGANIZATION)]


@pytest.mark.parametrize("kind", NAMES)
def test_an_entry_comes_back_as_it_was_made_and_is_audited(desk, kind):
    above = desk.create(KINDS[kind.above])
    made = desk.create(
        kind,
        **{kind.code: " C-1 ", kind.parent: above.id.upper()},
        telecoms=[{"system": "phone", "value": "+91 20 1234"}],
    )
    assert (getattr(made, kind.code), getattr(made, kind.parent)) == ("C-1", above.id)
    assert (made.active, made.etag) == (True, "1")
    assert made.HasField("create_time")
    assert desk.get(kind, made.id) == made
    assert getattr(desk.page(kind, **{kind.code: "C-1"}), kind.plural) == [made]
    record = desk.hospital.outbox()[-1]
    assert (record["action"], record["entity_type"], record["entity_id"], record["new_version"]) == (
        "CREATE",
        kind.table,
        made.id,
        1,
    )


def test_everything_a_type_can_hold_is_kept(desk):
    ward = desk.create(DEPARTMENT, specialities=[{"codings": [{"system": "s", "code": "394579002"}]}])
    clinic = desk.create(ORGANIZATION, types=[{"text": "clinic"}], addresses=[{"city": "पुणे"}])
    place = desk.create(LOCATION, latitude=0.0, longitude=73.85, address={"city": "Pune"}, description="x")
    doctor = desk.create(
        PRACTITIONER,
        gender="female",
        qualifications=[{"text": "MBBS"}],
        identifiers=[{"system": "npi", "value": "1"}],
        roles=[
            {"organization_id": clinic.id, "department_id": ward.id, "codes": [{"text": "doctor"}]},
            {"id": "own", "active": False},
        ],
    )
    for kind, made in (
        (DEPARTMENT, ward),
        (ORGANIZATION, clinic),
        (LOCATION, place),
        (PRACTITIONER, doctor),
    ):
        assert desk.get(kind, made.id) == made
    assert place.HasField("latitude")
    assert ids.is_uuid(doctor.roles[0].id)
    assert (doctor.roles[1].id, doctor.roles[1].HasField("active")) == ("own", True)


@pytest.mark.parametrize("kind", NAMES)
def test_nothing_is_found_under_another_id_or_in_another_hospital(desk, house, kind):
    made, other = desk.create(kind), Desk(house.hospital())
    for stranger, entry_id in ((desk, ids.uuid7()), (other, made.id)):
        with pytest.raises(errors.NotFound):
            stranger.get(kind, entry_id)
        with pytest.raises(errors.NotFound):
            stranger.update(kind, entry_id, active=False)
    assert desk.get(kind, made.id) == made


@pytest.mark.parametrize("kind", NAMES)
def test_an_entry_without_a_name_is_refused(desk, kind):
    made = desk.create(kind)
    empty = {"names": []} if "names" in kind.fields else {"display_name": " "}
    for call in (
        lambda: desk.create(kind, **empty),
        lambda: desk.update(kind, made.id, mask=tuple(empty), **empty),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            call()
        assert violations(caught) == {f"{kind.table}.{next(iter(empty))}"}


@pytest.mark.parametrize("kind", NAMES)
def test_a_code_is_unique_in_the_hospital_where_it_is_set(desk, house, kind):
    desk.create(kind)
    desk.create(kind)
    first = desk.create(kind, **{kind.code: "C1"})
    second = desk.create(kind, **{kind.code: "C2"})
    for call in (
        lambda: desk.create(kind, **{kind.code: "C1"}),
        lambda: desk.update(kind, second.id, **{kind.code: "C1"}),
    ):
        with pytest.raises(errors.AlreadyExists) as caught:
            call()
        assert violations(caught) == {f"{kind.table}.{kind.code}"}
    assert desk.get(kind, second.id) == second
    desk.update(kind, first.id, mask=(kind.code,))
    assert getattr(desk.update(kind, second.id, **{kind.code: "C1"}), kind.code) == "C1"
    Desk(house.hospital()).create(kind, **{kind.code: "C1"})


def test_of_many_who_take_a_number_at_once_one_has_it(desk):
    def take(_):
        try:
            return desk.create(PRACTITIONER, registration_number="MH-77")
        except errors.AlreadyExists:
            return None

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        made = [entry for entry in threads.map(take, range(8)) if entry is not None]
    assert len(made) == 1
    assert desk.page(PRACTITIONER).practitioners == made


@pytest.mark.parametrize("kind", NAMES)
def test_a_repeated_request_happens_once(desk, kind):
    request_id = ids.uuid7()
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: desk.create(kind, request_id=request_id), range(4)))
    assert made == made[:1] * 4
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.create(kind, request_id=request_id, active=False)
    assert caught.value.reason == "REQUEST_ID_REUSED"
    again = ids.uuid7()
    changed = [desk.update(kind, made[0].id, request_id=again, active=False) for _ in range(2)]
    assert [entry.etag for entry in changed] == ["2", "2"]
    assert desk.hospital.outbox()[-1]["action"] == "READ"


@pytest.mark.parametrize("kind", NAMES)
def test_each_version_is_kept_and_a_change_of_nothing_makes_none(desk, house, kind):
    made = desk.create(kind, **{kind.code: "K"})
    assert desk.update(kind, made.id, **named(kind, "Ward")) == made
    changed = desk.update(kind, made.id, etag="1", **named(kind, "Hall"))
    assert (shown(kind, changed), getattr(changed, kind.code), changed.etag) == ("Hall", "K", "2")
    assert changed.update_time.ToDatetime() > made.update_time.ToDatetime()
    kept = house.owner.execute(
        f"SELECT version, document, actor_id::text FROM {kind.table}_version WHERE id = %s", [made.id]
    ).fetchall()
    assert kept == [
        (1, {**named(kind, "Ward"), kind.code: "K", "active": True}, desk.hospital.session.user_id)
    ]
    record = desk.hospital.outbox()[-1]
    assert (record["action"], record["old_version"], record["new_version"]) == ("UPDATE", 1, 2)
    with pytest.raises(errors.Aborted) as caught:
        desk.update(kind, made.id, etag="1", active=False)
    assert caught.value.reason == "ETAG_MISMATCH"
    for path in ("id", "etag", "create_time", "nose"):
        with pytest.raises(errors.InvalidArgument) as refused:
            desk.update(kind, made.id, mask=(path,))
        assert violations(refused) == {"update_mask"}


@pytest.mark.parametrize("kind", NAMES)
def test_what_is_not_in_use_is_listed_on_demand_only(desk, kind):
    made = desk.create(kind, **named(kind, "Old"))
    desk.create(kind, **named(kind, "New"))
    assert desk.update(kind, made.id, active=False).active is False
    assert desk.names(kind) == ["New"]
    assert desk.names(kind, show_inactive=True) == ["New", "Old"]
    assert desk.get(kind, made.id).active is False
    desk.update(kind, made.id, mask=("active",))
    assert desk.names(kind) == ["New", "Old"]


@pytest.mark.parametrize("kind", NAMES)
def test_what_an_entry_points_to_must_be_there(desk, house, kind):
    stranger = Desk(house.hospital()).create(KINDS[kind.above])
    made = desk.create(kind)
    for nothing in (ids.uuid7(), stranger.id):
        for call in (
            lambda nothing=nothing: desk.create(kind, **{kind.parent: nothing}),
            lambda nothing=nothing: desk.update(kind, made.id, **{kind.parent: nothing}),
        ):
            with pytest.raises(errors.InvalidArgument) as caught:
                call()
            assert violations(caught) == {f"{kind.table}.{kind.parent}"}


def test_what_roles_point_to_must_be_there(desk):
    ward, clinic = desk.create(DEPARTMENT), desk.create(ORGANIZATION)
    roles = [
        {"department_id": ward.id, "organization_id": clinic.id},
        {"department_id": clinic.id, "organization_id": ward.id},
    ]
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.create(PRACTITIONER, roles=roles, department_id=ward.id)
    expected = {"practitioner.roles[1].department_id", "practitioner.roles[1].organization_id"}
    assert violations(caught) == expected
    doctor = desk.create(PRACTITIONER, roles=roles[:1])
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.update(PRACTITIONER, doctor.id, roles=roles)
    assert violations(caught) == expected
    assert desk.update(PRACTITIONER, doctor.id, mask=("roles",)).roles == []


# Trees


@pytest.mark.parametrize("kind", TREES)
def test_nothing_becomes_a_part_of_itself(desk, kind):
    top = desk.create(kind)
    middle = desk.create(kind, parent_id=top.id)
    leaf = desk.create(kind, parent_id=middle.id)
    for above in (top, middle, leaf):
        with pytest.raises(errors.InvalidArgument) as caught:
            desk.update(kind, top.id, parent_id=above.id)
        assert violations(caught) == {f"{kind.table}.parent_id"}
    assert desk.get(kind, top.id) == top
    assert desk.update(kind, leaf.id, parent_id=top.id).parent_id == top.id
    assert desk.update(kind, middle.id, parent_id=leaf.id).parent_id == leaf.id
    assert not desk.update(kind, leaf.id, mask=("parent_id",)).parent_id


@pytest.mark.parametrize("kind", TREES)
def test_two_moves_at_once_make_no_circle(desk, kind, monkeypatch):
    """Both have read the tree before either changes it."""
    one, other = desk.create(kind, **named(kind, "One")), desk.create(kind, **named(kind, "Other"))
    both = threading.Barrier(2, timeout=10)
    original = directory_room.entries.changed_document

    def changed(*arguments):
        both.wait()
        return original(*arguments)

    monkeypatch.setattr(directory_room.entries, "changed_document", changed)

    def move(entry, above):
        try:
            return desk.update(kind, entry.id, parent_id=above.id)
        except errors.InvalidArgument:
            return None

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        moved = list(threads.map(move, (one, other), (other, one)))
    assert sum(entry is not None for entry in moved) == 1
    above = {e.id: e.parent_id for e in getattr(desk.page(kind), kind.plural)}
    assert min(above.values()) == ""


# Lists


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("inside", [False, True], ids=["all", "inside"])
def test_pages_there_and_back(desk, kind, inside):
    above = desk.create(KINDS[kind.above], **named(KINDS[kind.above], "Zz"))
    names = ["Ward 2", "ward 1", "Áron", "शल्य", "Ward 2", "---", "Theatre"]
    for name in names:
        desk.create(kind, **named(kind, name), **({kind.parent: above.id} if inside else {}))
    filters = {kind.parent: above.id} if inside else {}
    expected = ["---", "Áron", "शल्य", "Theatre", "ward 1", "Ward 2", "Ward 2"]
    if not inside and KINDS[kind.above] is kind:
        expected.append("Zz")
    pages = [desk.page(kind, page_size=3, **filters)]
    while pages[-1].next_page_token:
        pages.append(desk.page(kind, page_size=3, page_token=pages[-1].next_page_token, **filters))
    listed = [[e.id for e in getattr(page, kind.plural)] for page in pages]
    assert [shown(kind, e) for page in pages for e in getattr(page, kind.plural)] == expected
    back = [pages[-1]]
    while back[-1].previous_page_token:
        back.append(desk.page(kind, page_size=3, page_token=back[-1].previous_page_token, **filters))
    assert [[e.id for e in getattr(page, kind.plural)] for page in reversed(back)] == listed
    for other in ({"show_inactive": True}, {"query": "w"}, {kind.code: "x"}):
        with pytest.raises(errors.InvalidArgument) as caught:
            desk.page(kind, page_token=pages[0].next_page_token, **filters, **other)
        assert caught.value.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("kind", NAMES)
def test_a_query_is_beginnings_of_words(desk, kind):
    for name in ("Intensive Care Unit", "Care of the Old", "हृदय रोग", "O'Brien"):
        desk.create(kind, **named(kind, name))
    for query, found in (
        ("car", ["Care of the Old", "Intensive Care Unit"]),
        ("UNIT, care", ["Intensive Care Unit"]),
        ("are", []),
        ("hriday", ["हृदय रोग"]),
        ("obr", ["O'Brien"]),
        ("%", None),
        (" ", ["Care of the Old", "हृदय रोग", "Intensive Care Unit", "O'Brien"]),
    ):
        if found is None:
            with pytest.raises(errors.InvalidArgument) as caught:
                desk.names(kind, query=query)
            assert violations(caught) == {"query"}
        else:
            assert sorted(desk.names(kind, query=query)) == sorted(found), query


@pytest.mark.parametrize("kind", NAMES)
def test_filters_hold_together(desk, kind):
    above = desk.create(KINDS[kind.above], **named(KINDS[kind.above], "Above"))
    inside = {kind.parent: above.id}
    desk.create(kind, **named(kind, "In use"), **inside, **{kind.code: "A"})
    closed = desk.create(kind, **named(kind, "In the past"), **inside, **{kind.code: "B"})
    desk.update(kind, closed.id, active=False)
    desk.create(kind, **named(kind, "Elsewhere"), **{kind.code: "C"})
    assert desk.names(kind, **inside) == ["In use"]
    assert desk.names(kind, **inside, show_inactive=True) == ["In the past", "In use"]
    assert desk.names(kind, **inside, show_inactive=True, query="past") == ["In the past"]
    assert desk.names(kind, **{kind.code: "A"}, **inside, query="use") == ["In use"]
    assert desk.names(kind, **{kind.code: "B"}) == []
    assert desk.names(kind, **{kind.code: "B"}, show_inactive=True) == ["In the past"]
    assert desk.names(kind, **{kind.code: "C"}, **inside) == []
    assert desk.names(kind, **{kind.code: "A"}, query="else") == []


@pytest.mark.parametrize("kind", NAMES)
def test_a_read_is_one_round_trip_and_a_write_two(desk, kind, monkeypatch):
    above, made = desk.create(KINDS[kind.above]), desk.create(kind)
    sent = []
    original = transactions.run

    def run(connection, commands, seconds):
        sent.append(len(commands))
        return original(connection, commands, seconds)

    monkeypatch.setattr(transactions, "run", run)
    for trips, call in (
        (1, lambda: desk.get(kind, made.id)),
        (1, lambda: desk.page(kind, query="w")),
        (2, lambda: desk.create(kind, request_id=ids.uuid7(), **{kind.parent: above.id})),
        (2, lambda: desk.update(kind, made.id, request_id=ids.uuid7(), **{kind.parent: above.id})),
    ):
        sent.clear()
        call()
        assert len(sent) == trips
