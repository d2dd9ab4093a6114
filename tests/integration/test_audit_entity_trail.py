"""The events of one entity, on the real database: lists, pages, their own audit, plans."""

from __future__ import annotations

import datetime

import psycopg
import pytest

from hms.audit.v1 import audit_pb2 as pb
from hms_server import ids
from hms_server.audit.servicer import AuditServicer
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.requests import RequestIds
from tests.fix_audit import read_event

LIST = "AuditService/ListAuditEvents"
READ = load_queries("hms_server.audit", "read.sql")
DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def servicer(app_database):
    return AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32))


def listed(servicer, tenant, **fields):
    response = servicer.ListAuditEvents(pb.ListAuditEventsRequest(**fields), tenant.call(LIST))
    return list(response.audit_events)


@pytest.fixture
def trail(new_tenant, outbox, drain):
    """A hospital, an entity with six events among others, and a patient whom every second of them names."""
    tenant, entity, patient = new_tenant(), ids.uuid7(), ids.uuid7()
    for number in range(12):
        outbox.put(
            tenant.id,
            record=read_event(
                entity_type="encounter",
                entity_id=(entity.upper() if number == 4 else entity) if number % 2 == 0 else ids.uuid7(),
                actor_id=patient if number % 3 == 0 else ids.uuid7(),
            ),
            patient_ids=[patient] if number % 4 == 0 else [],
            record_time=DAY + datetime.timedelta(hours=number),
        )
    drain.run(tenant.id)
    return tenant, entity, patient


def test_the_trail_of_one_entity(servicer, trail, new_tenant):
    tenant, entity, someone = trail

    def numbers(**fields):
        return [event.sequence for event in listed(servicer, tenant, **fields)]

    assert numbers(entity_id=entity) == [11, 9, 7, 5, 3, 1]
    assert numbers(entity_id=entity.upper()) == [11, 9, 7, 5, 3, 1]
    assert numbers(entity_id=entity, patient_id=someone) == [9, 5, 1]
    assert numbers(entity_id=entity, actor_id=someone) == [7, 1]
    assert numbers(entity_id=entity, actor_id=someone, patient_id=someone) == [1]
    assert numbers(entity_id=entity, start_time=DAY, end_time=DAY + datetime.timedelta(hours=4)) == [3, 1]
    assert numbers(entity_id=ids.uuid7()) == []
    assert listed(servicer, new_tenant(), entity_id=entity) == []


def test_the_trail_of_one_entity_pages_both_ways(servicer, trail):
    tenant, entity, _ = trail

    def page(token):
        request = pb.ListAuditEventsRequest(entity_id=entity, page_size=2, page_token=token)
        return servicer.ListAuditEvents(request, tenant.call(LIST))

    pages = [page("")]
    while pages[-1].next_page_token:
        pages.append(page(pages[-1].next_page_token))
    assert [[event.sequence for event in each.audit_events] for each in pages] == [[11, 9], [7, 5], [3, 1]]
    back = page(page(pages[-1].previous_page_token).previous_page_token)
    assert back.audit_events == pages[0].audit_events


def test_reading_a_trail_names_the_patient_asked_for(servicer, outbox, drain, owner, new_tenant):
    tenant, patient, refused, encounter = new_tenant(), *(ids.uuid7() for _ in range(3))
    outbox.put(tenant.id, record=read_event(entity_id=patient))
    outbox.put(tenant.id, record=read_event(entity_id=refused))
    outbox.put(
        tenant.id, record=read_event(entity_type="encounter", entity_id=encounter), patient_ids=[patient]
    )
    owner.execute(
        "UPDATE audit_outbox SET outcome = 'NOT_FOUND' WHERE record ->> 'entity_id' = %s", [refused]
    )
    drain.run(tenant.id)
    listed(servicer, tenant, entity_id=patient)
    listed(servicer, tenant, entity_id=refused)
    listed(servicer, tenant, entity_id=encounter)
    listed(servicer, tenant, entity_id=encounter, patient_id=patient)
    named = owner.execute(
        "SELECT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s ORDER BY position", [tenant.id]
    ).fetchall()
    assert named == [([patient],), ([],), ([],), ([patient],)]


def test_the_trail_of_one_entity_reads_its_index_and_no_list_reads_ids(owner, database, outbox, new_tenant):
    tenant = new_tenant()
    owner.execute(
        "INSERT INTO audit_event (tenant_id, sequence, id, record_time, action, method, entity_id, outcome,"
        " key_id, hash) SELECT %s, n, gen_random_uuid(), now() - n * interval '1 ms', 'READ', 'm',"
        " CASE WHEN n %% 2 = 0 THEN gen_random_uuid()::text ELSE '' END, 'OK', 'k', ''"
        " FROM generate_series(1, 4000) AS n",
        [tenant.id],
    )
    owner.execute("ANALYZE audit_event")
    for name, query in READ.items():
        if name.startswith("list_"):
            assert b"entity_ids" not in query.sql, name
    for direction in ("after", "before"):
        sql = READ[f"list_by_entity_{direction}"].sql
        with psycopg.connect(database.app) as connection:
            connection.execute(f"SET LOCAL app.tenant_id = '{tenant.id}'")
            explained = connection.execute(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + sql).fetchall()
        plan = "\n".join(row[0] for row in explained)
        assert "entity_id_record_time_sequence_idx" in plan, plan
        assert "Seq Scan on audit_event" not in plan, plan
