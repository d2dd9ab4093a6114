"""AuditService on the real database: lists, pages both ways, changes, isolation; its own audit; denials."""

from __future__ import annotations

import datetime

import orjson
import psycopg
import pytest

from hms.audit.v1 import audit_pb2 as pb
from hms_server import errors, ids
from hms_server.audit.denials import DenialAuditor
from hms_server.audit.servicer import AuditServicer
from hms_server.config import Settings
from hms_server.database.pages import Pages
from hms_server.database.pool import Pool
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.telemetry import metrics
from tests.fix_audit import read_event

LIST, GET = "AuditService/ListAuditEvents", "AuditService/GetAuditEvent"
ASHA, RAVI = ids.uuid7(), ids.uuid7()
ANNA, BEN = ids.uuid7(), ids.uuid7()
DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def servicer(app_database):
    return AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32))


@pytest.fixture
def tenant(new_tenant, outbox, drain):
    """A hospital with twelve events, an hour apart but for pairs at one time: who read whose record."""
    made = new_tenant()
    for number in range(12):
        outbox.put(
            made.id,
            record=read_event(actor_id=ASHA if number % 2 else RAVI, entity_id=ANNA),
            patient_ids=[ANNA] if number % 3 else [ANNA, BEN],
            record_time=DAY + datetime.timedelta(hours=number // 2),
        )
    drain.run(made.id)
    return made


def listed(servicer, tenant, **fields):
    return servicer.ListAuditEvents(pb.ListAuditEventsRequest(**fields), tenant.call(LIST))


def numbers(response):
    return [event.sequence for event in response.audit_events]


def walk(servicer, tenant, **fields):
    """Every page forward, then every page back; both as lists of sequences."""
    pages, tokens = [], [""]
    while len(pages) < 20:
        response = listed(servicer, tenant, page_token=tokens[-1], **fields)
        pages.append(numbers(response))
        if not response.next_page_token:
            break
        tokens.append(response.next_page_token)
    back = []
    while response.previous_page_token:
        response = listed(servicer, tenant, page_token=response.previous_page_token, **fields)
        back.append(numbers(response))
    return pages, back


FILTERS = {
    "all": ({}, range(12, 0, -1)),
    "actor": ({"actor_id": ASHA}, range(12, 0, -2)),
    "patient": ({"patient_id": BEN}, [10, 7, 4, 1]),
    "patient and actor": ({"patient_id": BEN, "actor_id": ASHA}, [10, 4]),
    "from": ({"start_time": DAY + datetime.timedelta(hours=4)}, [12, 11, 10, 9]),
    "to": ({"end_time": DAY + datetime.timedelta(hours=1)}, [2, 1]),
    "from, to, patient and actor": (
        {
            "start_time": DAY + datetime.timedelta(hours=1),
            "end_time": DAY + datetime.timedelta(hours=4),
            "patient_id": ANNA,
            "actor_id": RAVI,
        },
        [7, 5, 3],
    ),
    "nobody": ({"patient_id": ids.uuid7()}, []),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_lists_newest_first_and_pages_both_ways(name, size, servicer, tenant):
    fields, expected = FILTERS[name]
    forward, back = walk(servicer, tenant, page_size=size, **fields)
    assert [n for page in forward for n in page] == list(expected)
    assert all(len(page) == size for page in forward[:-1])
    assert list(reversed(back)) == forward[:-1]


def test_a_token_of_another_filter_is_refused(servicer, tenant):
    token = listed(servicer, tenant, page_size=3).next_page_token
    with pytest.raises(errors.InvalidArgument) as refused:
        listed(servicer, tenant, page_size=3, page_token=token, actor_id=ASHA)
    assert refused.value.reason == "INVALID_PAGE_TOKEN"


def test_another_hospital_sees_nothing(servicer, tenant, new_tenant):
    other = new_tenant()
    assert numbers(listed(servicer, other)) == []
    assert numbers(listed(servicer, other, patient_id=ANNA)) == []
    assert numbers(listed(servicer, other, actor_id=ASHA)) == []
    event_id = listed(servicer, tenant, page_size=1).audit_events[0].id
    with pytest.raises(errors.NotFound):
        servicer.GetAuditEvent(pb.GetAuditEventRequest(id=event_id), other.call(GET))


def test_an_event_is_shown_whole(servicer, new_tenant, outbox, drain):
    tenant = new_tenant()
    record = read_event(actor_name="आशा", reason="R", trace_id="t", session_id=ASHA)
    (event_id,) = outbox.put(tenant.id, record=record, patient_ids=[ANNA], record_time=DAY)
    drain.run(tenant.id)
    (event,) = listed(servicer, tenant).audit_events
    assert event.record_time.ToDatetime(datetime.UTC) == DAY
    assert len(event.hash) == 64
    event.ClearField("record_time")
    event.ClearField("hash")
    assert event == pb.AuditEvent(id=event_id, sequence=1, patient_ids=[ANNA], outcome="OK", **record)


def store_versions(owner, tenant, patient_id):
    """A patient that was made, changed and deleted: versions 1, 2 and 3."""
    documents = [{"family_name": "Rao"}, {"family_name": "Iyer"}, {"family_name": "Iyer"}]
    columns = "(tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time"
    for version, document in enumerate(documents, start=1):
        table, more, extra = (
            ("patient", ", name_key, search_text)", ", '', '')")
            if version == 3
            else ("patient_version", ")", ")")
        )
        if version == 1:
            owner.execute("SET session_replication_role = replica")
        owner.execute(
            f"INSERT INTO {table} {columns}{more} VALUES (%s, %s, %s, 'H1', %s, %s, now(), now(), %s{extra}",
            [
                tenant.id,
                patient_id,
                version,
                orjson.dumps(document).decode(),
                tenant.user_id,
                DAY if version == 3 else None,
            ],
        )
    owner.execute("RESET session_replication_role")


def change(outbox, tenant, patient_id, action, old, new, **fields):
    record = read_event(action=action, entity_id=patient_id, old_version=old, new_version=new, **fields)
    return outbox.put(tenant.id, record=record, patient_ids=[patient_id])[0]


def test_a_change_of_a_patient_shows_the_fields(servicer, database, new_tenant, outbox, drain):
    tenant, patient_id = new_tenant(), ids.uuid7()
    with psycopg.connect(database.admin, autocommit=True) as admin:
        store_versions(admin, tenant, patient_id)
    events = {
        action: change(outbox, tenant, patient_id, action, old, new)
        for action, old, new in (("CREATE", 0, 1), ("UPDATE", 1, 2), ("DELETE", 2, 3), ("READ", 0, 0))
    }
    drain.run(tenant.id)

    def shown(action):
        event = servicer.GetAuditEvent(pb.GetAuditEventRequest(id=events[action]), tenant.call(GET))
        return [(c.field, c.old_value, c.new_value) for c in event.changes]

    assert shown("CREATE") == [("family_name", "", '"Rao"'), ("uhid", "", '"H1"')]
    assert shown("UPDATE") == [("family_name", '"Rao"', '"Iyer"')]
    assert shown("DELETE") == [("delete_time", "", '"2026-01-01T00:00:00+00:00"')]
    assert shown("READ") == []


def test_reads_of_the_audit_are_audited(servicer, database, new_tenant, outbox, drain, owner):
    tenant, patient_id = new_tenant(), ids.uuid7()
    with psycopg.connect(database.admin, autocommit=True) as admin:
        store_versions(admin, tenant, patient_id)
    changed = change(outbox, tenant, patient_id, "UPDATE", 1, 2)
    read = change(outbox, tenant, patient_id, "READ", 0, 0)
    drain.run(tenant.id)
    listed(servicer, tenant)
    listed(servicer, tenant, patient_id=patient_id)
    listed(servicer, tenant, patient_id=ids.uuid7())
    for event_id in (changed, read):
        servicer.GetAuditEvent(pb.GetAuditEventRequest(id=event_id), tenant.call(GET))
    missing = ids.uuid7()
    with pytest.raises(errors.NotFound):
        servicer.GetAuditEvent(pb.GetAuditEventRequest(id=missing), tenant.call(GET))
    rows = owner.execute(
        "SELECT record ->> 'entity_id', patient_ids::text[], outcome FROM audit_outbox"
        " WHERE tenant_id = %s ORDER BY position",
        [tenant.id],
    ).fetchall()
    assert rows == [
        ("", [], "OK"),
        ("", [patient_id], "OK"),
        ("", [], "OK"),
        (changed, [patient_id], "OK"),
        (read, [], "OK"),
        (missing, [], "NOT_FOUND"),
    ]


def refused(owner, tenant_id):
    return owner.execute(
        "SELECT record ->> 'action', record ->> 'method', record ->> 'actor_name', record ->> 'reason',"
        " record ->> 'address', outcome FROM audit_outbox WHERE tenant_id = %s ORDER BY position DESC",
        [tenant_id],
    ).fetchone()


def test_a_denial_is_recorded_in_the_callers_hospital(app_database, owner, new_tenant):
    tenant = new_tenant()
    call = tenant.call("PatientService/GetPatient")
    call.cancel()
    DenialAuditor(app_database).record(call, "PERMISSION_DENIED", "PERMISSION_DENIED")
    method = "hms.patient.v1.PatientService/GetPatient"
    expected = ("READ", method, "asha", "PERMISSION_DENIED", "192.0.2.1", "PERMISSION_DENIED")
    assert refused(owner, tenant.id) == expected
    assert call.audited


def test_a_denial_of_an_unknown_caller_is_recorded_by_the_platform(app_database, owner, new_tenant):
    call = new_tenant().call("PatientService/CreatePatient")
    call.principal = None
    call.request_id = "\0\ud800" + "x" * 5000
    DenialAuditor(app_database).record(call, "UNAUTHENTICATED", "TOKEN_INVALID")
    found = refused(owner, ids.PLATFORM_TENANT)
    assert (found[0], found[2], found[3]) == ("CREATE", None, "TOKEN_INVALID")


def test_a_denial_that_cannot_be_stored_is_counted_and_raises_nothing(new_tenant):
    settings = Settings(pool_wait_seconds=0.2)
    pool = Pool("postgresql://nobody@127.0.0.1:1/none", settings, "absent", size=1)
    pool.open()
    before = metrics.DENIALS_UNAUDITED._value.get()
    call = new_tenant().call("PatientService/GetPatient")
    DenialAuditor(Database(pool, 0.5)).record(call, "UNAUTHENTICATED", "TOKEN_INVALID")
    pool.close()
    assert metrics.DENIALS_UNAUDITED._value.get() == before + 1
    assert not call.audited
