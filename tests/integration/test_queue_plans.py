"""The queue of a practitioner with 10^5 tokens behind him is read and called by its indexes, as hms_app.

What is counted is what the statements and the functions in them read, not what their plans say: generic ones,
to which a prepared statement comes after a few calls.
"""

import datetime

import psycopg
import pytest

from hms_server.database.queries import load_queries

PACKAGE = "hms_server.scheduling"
QUERIES = {
    **load_queries(PACKAGE, "queue.sql"),
    **load_queries(PACKAGE, "queue_reads.sql", order="ascending", op=">", direction="ASC"),
    **load_queries(PACKAGE, "queue_reads.sql", order="descending", op="<", direction="DESC"),
}
TENANT = "00000000-0000-7000-9100-000000000027"
SESSIONS, EACH, LIVE = 2000, 50, 30
NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
FILL = """
INSERT INTO tenant (id, code, display_name) VALUES ('{tenant}', 'queueplans', 'H');
INSERT INTO tenant_setting (tenant_id, time_zone) VALUES ('{tenant}', 'UTC');
INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)
SELECT '{tenant}', gen_random_uuid(), 'H' || n, '{{}}', 'x', 'x', '{tenant}'
FROM generate_series(1, {each}) n;
INSERT INTO department (tenant_id, id, name_key, active, document, actor_id)
VALUES ('{tenant}', '{tenant}', 'x', true, '{{}}', '{tenant}');
INSERT INTO practitioner (tenant_id, id, name_key, active, document, actor_id)
VALUES ('{tenant}', '{tenant}', 'x', true, '{{}}', '{tenant}');
INSERT INTO queue_counter (tenant_id, practitioner_id, session_start, last_number)
SELECT '{tenant}', '{tenant}', '{start}'::timestamptz - interval '12 hours' * s, {each}
FROM generate_series(0, {sessions} - 1) s;
INSERT INTO queue_token (tenant_id, id, patient_id, practitioner_id, department_id, session_start, number,
  token, state, urgency, order_time, issue_time, start_time, end_time, actor_id)
SELECT '{tenant}', gen_random_uuid(), p.id, '{tenant}', '{tenant}', began, n, 'T-' || n,
  CASE WHEN s > 0 OR n > {live} THEN 'COMPLETED' ELSE 'WAITING' END, 2, began + interval '1 minute' * n,
  began + interval '1 minute' * n, began + interval '1 minute' * n, began + interval '1 minute' * (n + 9),
  '{tenant}'
FROM generate_series(0, {sessions} - 1) s,
  LATERAL (SELECT '{start}'::timestamptz - interval '12 hours' * s AS began) b,
  LATERAL (SELECT id, row_number() OVER (ORDER BY id) AS n FROM patient WHERE tenant_id = '{tenant}') p;
"""
# How many rows of the table each statement reads at most: a session's, not a practitioner's life.
MOST = {
    "queue_ascending": 3 * EACH + 40,
    "token_ascending": 2 * EACH + 40,
    "board_ascending": 2 * EACH,
    "lock_next": EACH,
    "first_waiting": EACH,
    "next_places": EACH,
    "lock_counter_of_today": 2 * EACH,
    "lock_counter_of_token": 1,
    "lock_token": 1,
    "token_of_patient": 1,
    "tokens_of_department_ascending": 60,
    "tokens_of_department_descending": 60,
}


@pytest.fixture(scope="module")
def filled(owner, database):
    """A practitioner whose sessions gave a hundred thousand tokens."""
    start = NOW - datetime.timedelta(hours=3)
    text = FILL.format(tenant=TENANT, sessions=SESSIONS, each=EACH, live=LIVE, start=start.isoformat())
    with owner.transaction(), owner.cursor() as cursor:
        for statement in text.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    owner.execute("ANALYZE patient, queue_counter, queue_token")
    (token, patient) = owner.execute(
        "SELECT id::text, patient_id::text FROM queue_token WHERE tenant_id = %s AND state = 'WAITING'"
        " ORDER BY order_time LIMIT 1",
        [TENANT],
    ).fetchone()
    return {
        "tenant_id": TENANT,
        "practitioner_id": TENANT,
        "department_id": TENANT,
        "session_start": start.isoformat(),
        "now": NOW.isoformat(),
        "state": "WAITING",
        "urgency": "2",
        "limit": "51",
        "id": token,
        "patient_id": patient,
        "states": None,
        "start_time": "-infinity",
        "end_time": "infinity",
        "audit_event_id": TENANT,
        "audit_record": "{}",
        "audit_must_find": "true",
    }


@pytest.mark.parametrize("name", MOST)
def test_of_a_hundred_thousand_tokens_those_of_the_session_are_read(name, filled, database):
    query = QUERIES[name]
    upward = name.endswith("ascending")
    given = {
        **filled,
        "key_time": "-infinity" if upward else "infinity",
        "key_id": "00000000-0000-0000-0000-000000000000"
        if upward
        else "ffffffff-ffff-ffff-ffff-ffffffffffff",
    }
    values = ", ".join(
        "NULL" if given[parameter] is None else f"'{given[parameter]}'" for parameter in query.parameters
    )
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{TENANT}'")
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute(b"PREPARE asked AS " + query.sql)
        found = connection.execute(f"EXECUTE asked ({values})").fetchall()
        scans, fetched = connection.execute(
            "SELECT seq_scan, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'queue_token'"
        ).fetchone()
        connection.rollback()
    assert found
    assert scans == 0
    assert 0 < fetched <= MOST[name]
