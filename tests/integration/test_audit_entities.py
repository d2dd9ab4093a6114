"""Events that list entities, on the real database: drained whole, proven and shown."""

from __future__ import annotations

import datetime

import psycopg
import pytest

from hms.audit.v1 import audit_pb2 as pb
from hms_server import ids
from hms_server.audit import chain, record, store
from hms_server.audit.drain import Drain
from hms_server.audit.servicer import AuditServicer
from hms_server.audit.verify import Verifier
from hms_server.database import migrate
from hms_server.database.audited import AuditedEntities, AuditedEvent
from hms_server.database.pages import Pages
from hms_server.database.pool import Pool
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from tests.fix_audit import Outbox, read_event

LIST, GET = "AuditService/ListAuditEvents", "AuditService/GetAuditEvent"
CREATE = "PatientService/CreatePatient"
DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def servicer(app_database):
    return AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32))


def listing(count, kind="observation"):
    """The record of an import that made `count` entities."""
    made = [ids.uuid7() for _ in range(count)]
    return made, read_event(action="EXECUTE", entities=[{"type": kind, "action": "CREATE", "ids": made}])


def stored(owner, tenant):
    return owner.execute(
        "SELECT entities, entity_ids::text[] FROM audit_event WHERE tenant_id = %s ORDER BY sequence",
        [tenant.id],
    ).fetchall()


def listed(servicer, tenant, **fields):
    response = servicer.ListAuditEvents(pb.ListAuditEventsRequest(**fields), tenant.call(LIST))
    return list(response.audit_events)


def test_an_event_lists_what_the_call_named(app_database, servicer, drain, owner, verifier, new_tenant):
    tenant, patient = new_tenant(), ids.uuid7()
    made, moved = [ids.uuid7() for _ in range(10_000)], [ids.uuid7()]
    call = tenant.call(CREATE)
    with app_database.tenant_transaction(tenant.id, call) as transaction:
        transaction.audit(
            entity_id=patient,
            patient_ids=(patient,),
            entities=[
                AuditedEntities("observation", "CREATE", made),
                AuditedEntities("note", "UPDATE", moved),
            ],
        )
    assert drain.run(tenant.id).events == 1
    assert verifier.verify(tenant.id).fault is None
    (short,) = listed(servicer, tenant)
    assert short.entities == [
        pb.AuditEntities(type="observation", action="CREATE", count=10_000),
        pb.AuditEntities(type="note", action="UPDATE", count=1),
    ]
    whole = servicer.GetAuditEvent(pb.GetAuditEventRequest(id=short.id), tenant.call(GET))
    assert [list(each.ids) for each in whole.entities] == [made, moved]
    assert (whole.entity_id, list(whole.patient_ids)) == (patient, [patient])


def test_one_call_leaves_an_event_for_each_patient(app_database, servicer, drain, verifier, new_tenant):
    tenant = new_tenant()
    patients, made = [ids.uuid7() for _ in range(3)], [ids.uuid7() for _ in range(3)]
    call = tenant.call(CREATE)
    with app_database.tenant_transaction(tenant.id, call) as transaction:
        transaction.audit_many(
            [
                AuditedEvent(
                    patient_ids=[patient],
                    entities=[AuditedEntities("encounter", "CREATE", [encounter])],
                    fields={"entity_type": "bundle", "entity_id": patient, "new_version": 1},
                )
                for patient, encounter in zip(patients, made, strict=True)
            ]
        )
        transaction.audit(entity_id=patients[0], patient_ids=patients)
    assert call.audited
    drain.run(tenant.id)
    assert verifier.verify(tenant.id).fault is None
    *several, last = reversed(listed(servicer, tenant))
    assert len({event.id for event in [*several, last]}) == 4
    assert {(e.entity_type, e.actor_id, e.request_id, e.outcome) for e in several} == {
        ("bundle", tenant.user_id, call.request_id, "OK")
    }
    assert [list(event.patient_ids) for event in several] == [[patient] for patient in patients]
    assert [event.entity_id for event in several] == patients
    assert list(last.patient_ids) == sorted(patients)
    for patient in patients:
        assert len(listed(servicer, tenant, patient_id=patient)) == 2


def test_no_events_leave_the_call_unaudited(app_database, new_tenant):
    tenant = new_tenant()
    call = tenant.call(CREATE)
    with app_database.tenant_transaction(tenant.id, call) as transaction:
        transaction.audit_many([])
    assert not call.audited


EDITS = {
    "an id taken out": "entity_ids = entity_ids[2:]",
    "an id exchanged": "entity_ids[1] = gen_random_uuid()",
    "two ids that change places": "entity_ids = entity_ids[2:2] || entity_ids[1:1] || entity_ids[3:]",
    "no ids": "entity_ids = '{}'",
    "ids gone": "entity_ids = NULL",
    "another type": "entities = jsonb_set(entities, '{0,type}', '\"note\"')",
    "another action": "entities = jsonb_set(entities, '{0,action}', '\"READ\"')",
    "another count": "entities = jsonb_set(entities, '{0,count}', '2')",
    "the same count, written otherwise": "entities = jsonb_set(entities, '{0,count}', '3.0')",
    "a count without end": "entities = jsonb_set(entities, '{0,count}', repeat('9', 5000)::jsonb)",
    "one more field": "entities = jsonb_set(entities, '{0,more}', 'null')",
    "a second group": "entities = entities || entities",
    "no group": "entities = '[]'",
    "JSON's null": "entities = 'null'",
    "JSON without end": "entities = (repeat('[', 3000) || repeat(']', 3000))::jsonb",
    "groups gone": "entities = NULL",
    "both gone": "entities = NULL, entity_ids = NULL",
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_list_is_found(name, outbox, drain, owner, verifier, new_tenant):
    tenant = new_tenant()
    for count in (1, 3, 2):
        outbox.put(tenant.id, record=listing(count)[1])
    drain.run(tenant.id)
    assert verifier.verify(tenant.id).fault is None
    where = "WHERE tenant_id = %s AND sequence = 2"
    assert owner.execute(f"UPDATE audit_event SET {EDITS[name]} {where}", [tenant.id]).rowcount == 1
    assert verifier.verify(tenant.id).fault.sequence == 2


@pytest.mark.parametrize("value", ["entities = '[]'", "entities = 'null'", "entity_ids = '{}'"])
def test_a_list_forged_into_an_event_without_one_is_found(value, outbox, drain, owner, verifier, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id, 2)
    drain.run(tenant.id)
    assert stored(owner, tenant) == [(None, None)] * 2
    owner.execute(f"UPDATE audit_event SET {value} WHERE tenant_id = %s AND sequence = 2", [tenant.id])
    assert verifier.verify(tenant.id).fault.sequence == 2


def test_a_chain_of_before_there_were_lists_holds_and_goes_on(
    outbox, drain, keys, verifier, owner, new_tenant, monkeypatch
):
    tenant = new_tenant()
    with monkeypatch.context() as before:
        before.setattr(chain, "LATER_FIELDS", ())
        before.setattr(record, "_listed", lambda entities: {})
        outbox.put(tenant.id, 15)
        drain.run(tenant.id)
    outbox.put(tenant.id, 2, record=listing(4)[1])
    drain.run(tenant.id)
    verdict = verifier.verify(tenant.id)
    assert (verdict.fault, verdict.events) == (None, 17)
    assert [groups is not None for groups, _ in stored(owner, tenant)] == [False] * 15 + [True] * 2


@pytest.fixture
def released(parts, postgres, settings):
    """A database of before there were lists, with its partitions: its owner's URL, its workers' parts."""
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        admin.execute("CREATE DATABASE without_entities OWNER hms_owner TEMPLATE template0 ENCODING 'UTF8'")
        url = postgres.owner.rpartition("/")[0] + "/without_entities"
        list(migrate.migrate(url, [m for m in migrate.read(migrate.folder()) if m.version < 9]))
        pool = Pool(postgres.worker.rpartition("/")[0] + "/without_entities", settings, "worker")
        pool.open()
        yield url, Database(pool, settings.statement_timeout_seconds)
        pool.close()
        admin.execute("DROP DATABASE without_entities WITH (FORCE)")


def test_a_released_database_is_migrated_with_its_chain(released, keys):
    url, workers = released
    tenant_id, (key_id, key) = ids.uuid7(), keys.audit[0]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    taken = [record.Taken(n, ids.uuid7(), now, read_event(), [], "OK") for n in range(3)]
    events, last = chain.extend(
        taken, tenant_id=tenant_id, sequence=0, previous=chain.START, key_id=key_id, key=key
    )
    with psycopg.connect(url, autocommit=True) as owner:
        columns = (*chain.FIELDS, "hash")
        for event in events:
            owner.execute(
                f"INSERT INTO audit_event ({', '.join(columns)})"
                f" VALUES ({', '.join(['%s'] * len(chain.FIELDS))}, decode(%s, 'hex'))",
                [event[name] for name in columns],
            )
        owner.execute("INSERT INTO audit_chain VALUES (%s, 3, %s)", [tenant_id, last])
        list(migrate.migrate(url, migrate.read(migrate.folder())))
        assert Verifier(workers, keys).verify(tenant_id).fault is None
        # A partition of before, and one that is made now.
        Outbox(owner).put(tenant_id, record=listing(2)[1])
        Outbox(owner).put(tenant_id, record=listing(2)[1], record_time=DAY - datetime.timedelta(days=4000))
        assert Drain(workers, keys).run(tenant_id).events == 2
        verdict = Verifier(workers, keys).verify(tenant_id)
        assert (verdict.fault, verdict.events) == (None, 5)
        indexes = owner.execute(
            "SELECT count(*) FILTER (WHERE indexdef LIKE '%(tenant_id, entity_id, %WHERE%'),"
            " count(DISTINCT tablename) FROM pg_indexes WHERE tablename LIKE 'audit\\_event\\_2%'"
        ).fetchone()
    assert indexes[0] == indexes[1] > 1


def test_an_odd_record_holds_nothing_up(outbox, drain, owner, verifier, new_tenant):
    tenant, (good,) = new_tenant(), [ids.uuid7()]
    odd = [
        None,
        {"type": 7, "action": None, "ids": [good.upper(), "x", None, 7, good, []]},
        {"type": "note", "action": "READ", "ids": "x"},
        {"type": "note", "action": "READ", "ids": []},
    ]
    for entities in (odd, "x", {"ids": [good]}, 7, None):
        outbox.put(tenant.id, record=read_event(entities=entities))
    drain.run(tenant.id)
    assert stored(owner, tenant) == [
        ([{"type": "7", "action": "", "count": 1}], [good]),
        *[(None, None)] * 4,
    ]
    assert verifier.verify(tenant.id).fault is None


def test_a_batch_and_a_piece_end_at_their_bytes(
    worker_database, keys, outbox, verifier, owner, new_tenant, monkeypatch
):
    tenant = new_tenant()
    made = []
    for count in (400, 400, 400, 400, 1, 1, 3000, 400, 1):
        made += outbox.put(tenant.id, record=listing(count)[1])
    sizes = [
        size
        for (size,) in owner.execute(
            "SELECT pg_column_size(record) + pg_column_size(patient_ids) FROM audit_outbox"
            " WHERE tenant_id = %s ORDER BY position",
            [tenant.id],
        )
    ]
    most = sum(sizes[:2]) + 1
    assert sizes[6] > most
    batches = []
    real = store.take

    def take(*arguments):
        batches.append(real(*arguments))
        return batches[-1]

    monkeypatch.setattr(store, "take", take)
    done = Drain(worker_database, keys, batch_bytes=most).run(tenant.id)
    assert (done.events, done.finished) == (9, True)
    assert outbox.events(tenant.id) == made
    lengths = [len(batch.records) for batch in batches]
    assert lengths[0] == 2
    assert lengths[-2:] == [1, 2]  # the one that is too large for a batch, and what followed it
    assert [batch.more for batch in batches] == [True] * (len(batches) - 1) + [False]
    assert verifier.verify(tenant.id).fault is None
    for piece_bytes in (1, 20_000):
        verdict = Verifier(worker_database, keys, piece=4, piece_bytes=piece_bytes).verify(tenant.id)
        assert (verdict.fault, verdict.events) == (None, 9)
    owner.execute("DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 7", [tenant.id])
    assert Verifier(worker_database, keys, piece_bytes=1).verify(tenant.id).fault.sequence == 7


def test_a_full_batch_that_empties_the_outbox_is_the_last(drain, outbox, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id, 10)
    done = drain.run(tenant.id, seconds=0)
    assert (done.events, done.finished) == (10, True)
