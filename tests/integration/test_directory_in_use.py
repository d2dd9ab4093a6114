"""What stands in the way of deleting an entry of the directory, and that nobody slips in between."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json

import psycopg
import pytest

from hms_server import errors, ids
from tests.fix_client import eventually
from tests.integration.test_directory import (
    DEPARTMENT,
    LOCATION,
    NAMES,
    PRACTITIONER,
    Desk,
    named,
    violations,
)
from tests.integration.test_directory_links import WAITING, call, delete


@dataclasses.dataclass(frozen=True)
class House:
    """A hospital's rows, straight in its database, which all name the same three entries."""

    owner: psycopg.Connection
    desk: Desk
    department_id: str
    practitioner_id: str
    location_id: str

    @property
    def named(self):
        return {
            "department_id": self.department_id,
            "practitioner_id": self.practitioner_id,
            "location_id": self.location_id,
        }

    def insert(self, table, connection=None, **columns):
        row = {"tenant_id": self.desk.id, "id": ids.uuid7(), "actor_id": ids.uuid7(), **columns}
        self.add(table, row, connection)
        return row["id"]

    def add(self, table, row, connection=None):
        marks = ", ".join("now() + %s::interval" if name.endswith("_time") else "%s" for name in row)
        (connection or self.owner).execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )

    def patient(self):
        patient_id = ids.uuid7()
        self.insert(
            "patient",
            id=patient_id,
            uhid=patient_id[-12:],
            document=json.dumps({"names": [{"text": "X"}]}),
            name_key="x",
            search_text="x",
        )
        return patient_id

    def schedule(self):
        return self.insert("schedule", valid_from="2026-01-01", **self.named)

    def exception(self, kind="EXTRA", start_time="1 day", end_time="2 days"):
        session = {"slot_minutes": 15, "capacity": 1, "walk_in_share": 0} if kind == "EXTRA" else {}
        return self.insert(
            "schedule_exception",
            kind=kind,
            start_time=start_time,
            end_time=end_time,
            **session,
            **self.named,
        )

    def appointment(self, state="BOOKED", start="1 day", end="25 hours", connection=None, **columns):
        times = {"start_time": start, "end_time": end, "seat": 1, "capacity": 1} if start else {}
        row = {"patient_id": self.patient(), "state": state, **times, **self.named, **columns}
        return self.insert("appointment", connection, **row)

    def waiting(self):
        return self.appointment("WAITLISTED", start=None, waitlist_time="0 days")

    def held(self):
        return self.appointment("HELD", hold_expire_time="5 minutes")

    def here(self):
        return self.appointment("CHECKED_IN", start="-1 hour", end="-45 minutes")

    def encounter(self, state="IN_PROGRESS", connection=None):
        return self.insert(
            "encounter",
            connection,
            patient_id=self.patient(),
            state=state,
            encounter_class="AMB",
            clinical_time="0 days",
            document="{}",
            **self.named,
        )

    def user(self):
        self.add(
            "user_department",
            {
                "tenant_id": self.desk.id,
                "user_id": self.desk.hospital.session.user_id,
                "department_id": self.department_id,
            },
        )

    def limited_role(self):
        role_id = ids.uuid7()
        self.owner.execute(
            "INSERT INTO role (tenant_id, id, code, display_name) VALUES (%s, %s, %s, 'Ward')",
            [self.desk.id, role_id, f"R{role_id[-12:].upper()}"],
        )
        self.add(
            "limited_role",
            {
                "tenant_id": self.desk.id,
                "user_id": self.desk.hospital.session.user_id,
                "role_id": role_id,
                "department_id": self.department_id,
            },
        )

    def end(self, kind):
        """Deletes the entry of that kind."""
        return delete(self.desk, kind, self.named[f"{kind.table}_id"])


@pytest.fixture
def desk(hospital):
    return Desk(hospital)


@pytest.fixture
def house_of(desk, database):
    with psycopg.connect(database.owner, autocommit=True) as owner:
        yield House(
            owner,
            desk,
            desk.create(DEPARTMENT).id,
            desk.create(PRACTITIONER).id,
            desk.create(LOCATION).id,
        )


ALL = (DEPARTMENT, PRACTITIONER, LOCATION)


@pytest.mark.parametrize(
    ("use", "used_by", "kinds"),
    [
        ("schedule", "schedules", ALL),
        ("exception", "extra_sessions", ALL),
        ("appointment", "appointments", ALL),
        ("held", "appointments", ALL),
        ("here", "appointments", ALL),
        ("waiting", "waiting_list_entries", (DEPARTMENT, PRACTITIONER)),
        ("encounter", "encounters", ALL),
        ("user", "users", (DEPARTMENT,)),
        ("limited_role", "limited_roles", (DEPARTMENT,)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_in_use_is_not_deleted_and_says_by_what(house_of, use, used_by, kinds):
    getattr(house_of, use)()
    for kind in kinds:
        with pytest.raises(errors.FailedPrecondition) as caught:
            house_of.end(kind)
        assert caught.value.reason == "DIRECTORY_ENTRY_IN_USE"
        assert caught.value.metadata == {used_by: "1"}, kind.table
        assert not house_of.desk.get(kind, house_of.named[f"{kind.table}_id"]).HasField("delete_time")


def test_what_is_over_is_in_nobodys_way(house_of):
    house_of.exception(start_time="-2 days", end_time="-1 day")
    house_of.exception(kind="LEAVE")
    for state in ("CANCELLED", "NO_SHOW", "FULFILLED", "EXPIRED"):
        house_of.appointment(state)
    house_of.appointment(start="-2 hours", end="-1 hour")
    house_of.appointment("HELD", hold_expire_time="-1 minute", seat=2, capacity=2)
    for state in ("COMPLETED", "CANCELLED", "ENTERED_IN_ERROR"):
        house_of.encounter(state)
    for kind in ALL:
        assert house_of.end(kind).HasField("delete_time"), kind.table


@pytest.mark.parametrize("kind", [DEPARTMENT, PRACTITIONER], ids=lambda kind: kind.table)
@pytest.mark.parametrize("use", ["appointment", "encounter"])
def test_who_is_first_to_use_an_entry_holds_its_deletion(house_of, database, kind, use):
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with psycopg.connect(database.owner) as user:
            getattr(house_of, use)(connection=user)
            deleting = threads.submit(house_of.end, kind)
            eventually(lambda: house_of.owner.execute(WAITING).fetchone())
        with pytest.raises(errors.FailedPrecondition) as caught:
            deleting.result()
    assert caught.value.metadata == {f"{use}s": "1"}


@pytest.mark.parametrize("kind", [DEPARTMENT, PRACTITIONER], ids=lambda kind: kind.table)
@pytest.mark.parametrize("use", ["appointment", "encounter"])
def test_who_comes_behind_a_deletion_uses_nothing(house_of, database, kind, use):
    entry_id = house_of.named[f"{kind.table}_id"]

    def begin():
        with psycopg.connect(database.owner) as user:
            getattr(house_of, use)(connection=user)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with psycopg.connect(database.owner) as deleting:
            deleting.execute(f"SELECT FROM {kind.table} WHERE id = %s FOR UPDATE", [entry_id])
            deleting.execute(f"UPDATE {kind.table} SET delete_time = now() WHERE id = %s", [entry_id])
            using = threads.submit(begin)
            eventually(lambda: house_of.owner.execute(WAITING).fetchone())
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
            using.result()
    assert caught.value.diag.constraint_name == f"{kind.table}_deleted"


@pytest.mark.parametrize("kind", NAMES)
def test_a_deleted_entry_keeps_its_code_and_the_refusal_says_so(desk, kind):
    made = desk.create(kind, **{kind.code: "C1"})
    delete(desk, kind, made.id)
    with pytest.raises(errors.AlreadyExists, match="undelete it") as caught:
        desk.create(kind, **named(kind, "New"), **{kind.code: "C1"})
    assert violations(caught) == {f"{kind.table}.{kind.code}"}
    assert "undelete it" in caught.value.violations[0].description
    assert desk.names(kind, show_deleted=True, **{kind.code: "C1"}) == ["Ward"]
    if kind.name != "Organization":
        entry = kind.new(**named(kind, "New"), **{kind.code: "C1"})
        with pytest.raises(errors.AlreadyExists, match="undelete it"):
            call(desk, f"BatchCreate{kind.name}s", **{kind.plural: [entry]})
    other = desk.create(kind, **{kind.code: "C2"})
    call(desk, f"Undelete{kind.name}", id=made.id)
    assert desk.get(kind, made.id).etag == "3"
    assert getattr(other, kind.code) == "C2"
