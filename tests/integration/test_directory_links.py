"""Who works where and in what, rooms inside of wards, accounts, batches, trees, and deletion."""

from __future__ import annotations

import concurrent.futures

import psycopg
import pytest

from hms.admin.v1 import directory_act_pb2 as act
from hms.admin.v1 import directory_pb2 as pb
from hms_server import errors, ids
from tests.fix_client import eventually
from tests.integration.test_directory import (
    DEPARTMENT,
    LOCATION,
    ORGANIZATION,
    PRACTITIONER,
    Desk,
    named,
    violations,
)

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"
HEART, CHILDREN = "394579002", "394537008"


@pytest.fixture
def desk(hospital):
    return Desk(hospital)


def speciality(code, system="http://snomed.info/sct"):
    return {"codings": [{"system": system, "code": code}]}


def call(desk, name, **fields):
    return desk.hospital.do(f"AdminService/{name}", getattr(act, f"{name}Request")(**fields))


def delete(desk, kind, entry_id, **fields):
    return call(desk, f"Delete{kind.name}", id=entry_id, **fields)


# Who works where and in what


def test_practitioners_are_found_by_every_department_and_speciality_they_work_in(desk):
    ward, clinic = desk.create(DEPARTMENT), desk.create(DEPARTMENT)
    both = desk.create(
        PRACTITIONER,
        **named(PRACTITIONER, "Both"),
        department_id=ward.id,
        specialities=[speciality(HEART)],
        roles=[
            {"department_id": clinic.id, "specialities": [speciality(CHILDREN)]},
            {"department_id": ward.id, "active": False, "specialities": [speciality("past")]},
        ],
    )
    desk.create(PRACTITIONER, **named(PRACTITIONER, "Ward"), department_id=ward.id)
    assert desk.names(PRACTITIONER, department_id=ward.id) == ["Both", "Ward"]
    assert desk.names(PRACTITIONER, department_id=clinic.id) == ["Both"]
    for code in (HEART, CHILDREN):
        assert desk.names(PRACTITIONER, speciality=code) == ["Both"]
        assert desk.names(PRACTITIONER, speciality=code, department_id=ward.id, query="bo") == ["Both"]
    assert desk.names(PRACTITIONER, speciality="past") == []
    assert desk.names(PRACTITIONER, speciality=HEART, speciality_system="other") == []
    desk.update(PRACTITIONER, both.id, mask=("roles", "specialities"))
    assert desk.names(PRACTITIONER, department_id=clinic.id) == []
    assert desk.names(PRACTITIONER, speciality=HEART) == []
    assert desk.names(PRACTITIONER, department_id=ward.id) == ["Both", "Ward"]
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.page(PRACTITIONER, speciality_system="x")
    assert violations(caught) == {"speciality_system"}


@pytest.mark.parametrize("order", ["name", "name desc", "create_time", "create_time desc"])
@pytest.mark.parametrize("by", ["all", "department", "speciality"])
def test_practitioners_have_pages_both_ways_in_every_order(desk, order, by):
    ward = desk.create(DEPARTMENT)
    for name in ("B", "A", "D", "C", "A"):
        desk.create(
            PRACTITIONER,
            **named(PRACTITIONER, name),
            department_id=ward.id,
            specialities=[speciality(HEART), speciality(HEART, "other")],
        )
    filters = {"order_by": order, "page_size": 2}
    filters |= {"department_id": ward.id} if by == "department" else {}
    filters |= {"speciality": HEART} if by == "speciality" else {}
    pages = [desk.page(PRACTITIONER, **filters)]
    while pages[-1].next_page_token:
        pages.append(desk.page(PRACTITIONER, page_token=pages[-1].next_page_token, **filters))
    shown = [p.names[0].text for page in pages for p in page.practitioners]
    expected = sorted("BADCA") if order.startswith("name") else list("BADCA")
    assert shown == (expected[::-1] if order.endswith("desc") else expected)
    back = desk.page(PRACTITIONER, page_token=pages[2].previous_page_token, **filters)
    assert list(back.practitioners) == list(pages[1].practitioners)
    with pytest.raises(errors.InvalidArgument):
        desk.page(PRACTITIONER, order_by="nose")


# Places and trees


def test_a_place_is_in_a_place_and_never_in_itself(desk):
    ward = desk.create(LOCATION, type="wa")
    room = desk.create(LOCATION, part_of_id=ward.id.upper(), type="ro")
    assert room.part_of_id == ward.id
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.update(LOCATION, ward.id, part_of_id=room.id)
    assert violations(caught) == {"location.part_of_id"}
    with pytest.raises(errors.InvalidArgument):
        desk.create(LOCATION, part_of_id=ids.uuid7())
    assert [e.id for e in desk.page(LOCATION, part_of_id=ward.id).locations] == [room.id]
    assert [e.id for e in desk.page(LOCATION, type="wa").locations] == [ward.id]
    surgery = desk.create(DEPARTMENT, location_ids=[room.id.upper(), room.id])
    assert list(surgery.location_ids) == [room.id]
    with pytest.raises(errors.InvalidArgument) as caught:
        desk.create(DEPARTMENT, location_ids=[room.id, ids.uuid7()])
    assert violations(caught) == {"department.location_ids[1]"}


def test_a_tree_of_departments_comes_whole_and_in_order(desk, house):
    top = desk.create(DEPARTMENT, display_name="Top")
    b = desk.create(DEPARTMENT, display_name="B", parent_id=top.id)
    desk.create(DEPARTMENT, display_name="A", parent_id=top.id)
    desk.create(DEPARTMENT, display_name="Below B", parent_id=b.id)
    desk.create(DEPARTMENT, display_name="Closed", parent_id=b.id, active=False)
    desk.create(DEPARTMENT, display_name="Other")

    def shown(**fields):
        answer = call(desk, "GetDepartmentTree", **fields)
        assert not answer.truncated
        return [(node.department.display_name, node.depth) for node in answer.nodes]

    assert shown() == [("Other", 0), ("Top", 0), ("A", 1), ("B", 1), ("Below B", 2)]
    assert shown(root_id=b.id, show_inactive=True) == [("B", 0), ("Below B", 1), ("Closed", 1)]
    with pytest.raises(errors.NotFound):
        call(Desk(house.hospital()), "GetDepartmentTree", root_id=b.id)


# Accounts


def test_an_account_is_one_practitioners_and_his_alone(desk):
    me = desk.hospital.session.user_id
    one, other = desk.create(PRACTITIONER), desk.create(PRACTITIONER)
    with pytest.raises(errors.NotFound):
        call(desk, "GetMyPractitioner")
    linked = call(desk, "LinkPractitionerUser", id=one.id, user_id=me, etag="1")
    assert (linked.user_id, linked.etag) == (me, "2")
    assert call(desk, "GetMyPractitioner") == desk.get(PRACTITIONER, one.id) == linked
    assert call(desk, "LinkPractitionerUser", id=one.id, user_id=me) == linked
    with pytest.raises(errors.FailedPrecondition) as caught:
        call(desk, "LinkPractitionerUser", id=other.id, user_id=me)
    assert caught.value.reason == "PRACTITIONER_LINKED"
    with pytest.raises(errors.FailedPrecondition) as caught:
        delete(desk, PRACTITIONER, one.id)
    assert caught.value.metadata == {"users": "1"}
    assert not call(desk, "UnlinkPractitionerUser", id=one.id).user_id
    call(desk, "LinkPractitionerUser", id=other.id, user_id=me)
    with pytest.raises(errors.InvalidArgument):
        call(desk, "LinkPractitionerUser", id=one.id, user_id=ids.uuid7())


def test_of_two_who_link_an_account_at_once_one_has_it(desk):
    made = [desk.create(PRACTITIONER) for _ in range(4)]

    def link(entry):
        try:
            return call(desk, "LinkPractitionerUser", id=entry.id, user_id=desk.hospital.session.user_id)
        except errors.FailedPrecondition:
            return None

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert sum(each is not None for each in threads.map(link, made)) == 1


# Batches


def test_a_batch_is_all_or_nothing_and_names_each_fault_by_its_place(desk):
    desk.create(DEPARTMENT, code="TAKEN")
    good = [pb.Department(display_name=f"D{i}", code=f"C{i}") for i in range(500)]
    request_id = ids.uuid7()
    made = call(desk, "BatchCreateDepartments", departments=good, request_id=request_id)
    assert [e.code for e in made.departments] == [e.code for e in good]
    assert call(desk, "BatchCreateDepartments", departments=good, request_id=request_id) == made
    for bad, refused, fields in (
        (
            [
                pb.Department(display_name="A", code="X"),
                pb.Department(),
                pb.Department(display_name="B", code="X"),
            ],
            errors.InvalidArgument,
            {"departments[1].display_name", "departments[2].code"},
        ),
        (
            [pb.Department(display_name="A"), pb.Department(display_name="B", parent_id=ids.uuid7())],
            errors.InvalidArgument,
            {"departments[1].parent_id"},
        ),
        (
            [pb.Department(display_name="A", code="Y"), pb.Department(display_name="B", code="TAKEN")],
            errors.AlreadyExists,
            {"departments[1].code"},
        ),
    ):
        with pytest.raises(refused) as caught:
            call(desk, "BatchCreateDepartments", departments=bad)
        assert violations(caught) == fields
    assert len(desk.page(DEPARTMENT, page_size=1000).departments) == 501


# Deletion


def test_what_is_deleted_leaves_lists_and_comes_back(desk):
    for kind in (DEPARTMENT, PRACTITIONER, ORGANIZATION, LOCATION):
        made = desk.create(kind)
        gone = delete(desk, kind, made.id, etag="1")
        assert gone.HasField("delete_time")
        assert desk.get(kind, made.id) == gone
        assert desk.names(kind) == []
        assert desk.names(kind, show_deleted=True) == ["Ward"]
        for again in (lambda: delete(desk, kind, made.id), lambda: desk.update(kind, made.id, active=False)):  # noqa: B023
            with pytest.raises(errors.FailedPrecondition) as caught:
                again()
            assert caught.value.reason == "DIRECTORY_ENTRY_DELETED"
        back = call(desk, f"Undelete{kind.name}", id=made.id)
        assert not back.HasField("delete_time")
        assert desk.names(kind) == ["Ward"]
        delete(desk, kind, made.id)


def test_what_is_in_use_says_by_what(desk):
    top, place, clinic = desk.create(DEPARTMENT), desk.create(LOCATION), desk.create(ORGANIZATION)
    below = desk.create(DEPARTMENT, parent_id=top.id, location_ids=[place.id])
    doctor = desk.create(PRACTITIONER, department_id=top.id, roles=[{"organization_id": clinic.id}])
    desk.create(LOCATION, part_of_id=place.id, department_id=top.id, organization_id=clinic.id)
    for kind, entry, used in (
        (DEPARTMENT, top, {"departments": "1", "practitioners": "1", "locations": "1"}),
        (LOCATION, place, {"departments": "1", "locations": "1"}),
        (ORGANIZATION, clinic, {"locations": "1", "practitioners": "1"}),
    ):
        with pytest.raises(errors.FailedPrecondition) as caught:
            delete(desk, kind, entry.id)
        assert (caught.value.reason, caught.value.metadata) == ("DIRECTORY_ENTRY_IN_USE", used)
    delete(desk, DEPARTMENT, below.id)
    delete(desk, PRACTITIONER, doctor.id)
    with pytest.raises(errors.InvalidArgument):
        desk.create(DEPARTMENT, parent_id=below.id)


def test_nothing_comes_back_below_what_is_deleted(desk):
    top = desk.create(DEPARTMENT)
    below = desk.create(DEPARTMENT, parent_id=top.id)
    delete(desk, DEPARTMENT, below.id)
    delete(desk, DEPARTMENT, top.id)
    with pytest.raises(errors.FailedPrecondition) as caught:
        call(desk, "UndeleteDepartment", id=below.id)
    assert caught.value.reason == "DIRECTORY_ENTRY_DELETED"
    call(desk, "UndeleteDepartment", id=top.id)
    call(desk, "UndeleteDepartment", id=below.id)


SCHEDULE = (
    "INSERT INTO schedule (tenant_id, id, practitioner_id, department_id, valid_from, actor_id)"
    " VALUES (%s, %s, %s, %s, '2026-01-01', %s)"
)


def test_who_begins_to_use_an_entry_that_is_being_deleted_is_seen_or_refused(desk, owner_connection):
    ward, doctor = desk.create(DEPARTMENT), desk.create(PRACTITIONER)
    row = [desk.id, ids.uuid7(), doctor.id, ward.id, ids.uuid7()]
    # The user comes first: who deletes waits for him, and then sees him.
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with owner_connection() as user:
            user.execute(SCHEDULE, row)
            deleting = threads.submit(delete, desk, DEPARTMENT, ward.id)
            with owner_connection() as looking:
                eventually(lambda: looking.execute(WAITING).fetchone())
        with pytest.raises(errors.FailedPrecondition) as caught:
            deleting.result()
    assert caught.value.metadata == {"schedules": "1"}


def test_who_uses_an_entry_that_was_just_deleted_is_refused(desk, owner_connection):
    ward, doctor = desk.create(DEPARTMENT), desk.create(PRACTITIONER)
    row = [desk.id, ids.uuid7(), doctor.id, ward.id, ids.uuid7()]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with owner_connection() as deleting:
            deleting.execute("SELECT FROM department WHERE id = %s FOR UPDATE", [ward.id])
            deleting.execute("UPDATE department SET delete_time = now() WHERE id = %s", [ward.id])

            def use():
                with owner_connection() as user:
                    user.execute(SCHEDULE, row)

            using = threads.submit(use)
            with owner_connection() as looking:
                eventually(lambda: looking.execute(WAITING).fetchone())
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
            using.result()
    assert caught.value.diag.constraint_name == "department_deleted"


@pytest.fixture
def owner_connection(house, database):
    return lambda: psycopg.connect(database.owner)
