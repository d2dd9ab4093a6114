"""The reads of the clinical room reach their indexes under row-level security, as hms_app.

The plans are the generic ones, which a prepared statement comes to after a few calls.
"""

import json
import re

import psycopg
import pytest

from hms_server.database.queries import load_queries

PACKAGE = "hms_server.clinical"
QUERIES = {
    **load_queries(PACKAGE, "reads.sql"),
    **load_queries(PACKAGE, "results.sql"),
    **load_queries(PACKAGE, "visit_summary.sql"),
    **load_queries(PACKAGE, "waiting.sql", order="ascending", op=">", direction="ASC"),
    **load_queries(PACKAGE, "waiting.sql", order="descending", op="<", direction="DESC"),
    **load_queries(PACKAGE, "lists.sql", order="ascending", op=">", direction="ASC"),
    **load_queries(PACKAGE, "lists.sql", order="descending", op="<", direction="DESC"),
}
TENANT = "00000000-0000-7000-9100-000000000001"
PATIENTS, ENCOUNTERS = 300, 40
BOTH_WAYS = ("ascending", "descending")
# The indexes that each statement reads, by table.
INDEXES = {
    "get_encounter": {
        "clinical_record": {"clinical_record_by_encounter"},
        "encounter": {"encounter_pkey"},
        "appointment": {"appointment_pkey"},
        "queue_token": {"queue_token_pkey"},
    },
    "get_visit_summary": {
        "clinical_record": {"clinical_record_by_encounter", "clinical_record_current"},
        "encounter": {"encounter_pkey"},
        "appointment": {"appointment_by_previous"},
    },
    "lock_report_of_order": {"clinical_record": {"clinical_record_pkey"}},
    "lock_results_of_order": {"clinical_record": {"clinical_record_pkey"}},
    "get_summary": {
        "clinical_record": {
            "clinical_record_by_code",
            "clinical_record_by_type",
            "clinical_record_current",
        },
        "encounter": {"encounter_by_patient"},
        "appointment": {"appointment_by_patient"},
    },
    **{f"records_of_patient_{way}": {"clinical_record": {"clinical_record_by_type"}} for way in BOTH_WAYS},
    **{
        f"records_of_encounter_{way}": {"clinical_record": {"clinical_record_by_encounter"}}
        for way in BOTH_WAYS
    },
    **{f"encounters_of_patient_{way}": {"encounter": {"encounter_by_patient"}} for way in BOTH_WAYS},
    **{
        f"encounters_of_{owner}_{way}": {"encounter": {f"encounter_of_{owner}_by_time"}}
        for owner in ("department", "practitioner")
        for way in BOTH_WAYS
    },
    **{
        f"timeline_{way}": {
            "clinical_record": {"clinical_record_by_type"},
            "encounter": {"encounter_by_patient"},
            "appointment": {"appointment_by_patient", "appointment_pkey"},
            "queue_token": {"queue_token_by_patient", "queue_token_pkey"},
        }
        for way in BOTH_WAYS
    },
    **{
        f"versions_{way}": {"clinical_record": {"clinical_record_pkey"}, "encounter": {"encounter_pkey"}}
        for way in BOTH_WAYS
    },
}
# Whose desk it lies on, of all patients.
WAITING = {
    f"waiting{scope}_{way}": f"clinical_record_waiting{scope}"
    for scope in ("", "_in_department", "_for_practitioner")
    for way in BOTH_WAYS
}
INDEXED = {"patient", "encounter", "clinical_record", "encounter_version", "clinical_record_version"}
INDEXED |= {"appointment", "queue_token"}
SORTS = {"Sort", "Incremental Sort"}
READ_IN_ORDER = [name for name in INDEXES if name.startswith(("records_of", "encounters_of", "timeline"))]
FILL = """
INSERT INTO tenant (id, code, display_name) VALUES ('{tenant}', 'plans', 'H');
INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)
SELECT '{tenant}', gen_random_uuid(), 'H' || n, '{{}}', 'x', 'x', '{tenant}'
FROM generate_series(1, {patients}) n;
INSERT INTO encounter (tenant_id, id, patient_id, state, encounter_class, clinical_time, document, actor_id)
SELECT '{tenant}', gen_random_uuid(), p.id, 'COMPLETED', 'AMB', now() - interval '1 day' * n, '{{}}',
  '{tenant}'
FROM patient p, generate_series(1, {encounters}) n WHERE p.tenant_id = '{tenant}';
INSERT INTO clinical_record (tenant_id, id, type, patient_id, encounter_id, state, code, category,
  clinical_time, document, actor_id)
SELECT '{tenant}', gen_random_uuid(), type, e.patient_id, e.id, made.state, 'c' || floor(random() * 20),
  category, e.clinical_time, '{{}}', '{tenant}'
FROM encounter e,
  (VALUES ('OBSERVATION', 'FINAL', 'vital-signs'), ('OBSERVATION', 'FINAL', 'laboratory'),
          ('CONDITION', 'RESOLVED', ''), ('PRESCRIPTION', 'COMPLETED', '')) AS made (type, state, category)
WHERE e.tenant_id = '{tenant}';
INSERT INTO department (tenant_id, id, name_key, active, document, actor_id)
VALUES ('{tenant}', '{tenant}', 'x', true, '{{}}', '{tenant}');
INSERT INTO practitioner (tenant_id, id, name_key, active, document, actor_id)
VALUES ('{tenant}', '{tenant}', 'x', true, '{{}}', '{tenant}');
INSERT INTO clinical_record (tenant_id, id, type, patient_id, encounter_id, state, code, category,
  clinical_time, document, actor_id)
SELECT '{tenant}', gen_random_uuid(), made.type, e.patient_id, e.id, made.state, '', made.category,
  e.clinical_time, made.document::jsonb, '{tenant}'
FROM (SELECT *, row_number() OVER () AS n FROM encounter WHERE tenant_id = '{tenant}') e
JOIN (VALUES ('ORDER', 'ACTIVE', 'laboratory', '{{"performing_department_id": "{tenant}"}}', 50),
             ('ORDER', 'COMPLETED', 'laboratory', '{{}}', 2),
             ('REFERRAL', 'ACTIVE', '',
              '{{"to_department_id": "{tenant}", "to_practitioner_id": "{tenant}"}}', 50),
             ('DIAGNOSTIC_REPORT', 'FINAL', '', '{{"critical": true, "requester_id": "{tenant}"}}', 100)
     ) AS made (type, state, category, document, every) ON e.n % made.every = 0;
INSERT INTO appointment (tenant_id, id, patient_id, practitioner_id, department_id, state, start_time,
  end_time, seat, capacity, actor_id)
SELECT '{tenant}', gen_random_uuid(), e.patient_id, '{tenant}', '{tenant}', 'NO_SHOW', e.clinical_time,
  e.clinical_time + interval '15 minutes', 1, 1, '{tenant}'
FROM encounter e WHERE e.tenant_id = '{tenant}';
INSERT INTO queue_token (tenant_id, id, patient_id, practitioner_id, department_id, session_start, number,
  token, state, urgency, order_time, issue_time, actor_id)
SELECT '{tenant}', gen_random_uuid(), e.patient_id, '{tenant}', '{tenant}', e.clinical_time,
  row_number() OVER (), 'T', 'COMPLETED', 3, e.clinical_time, e.clinical_time, '{tenant}'
FROM encounter e WHERE e.tenant_id = '{tenant}';
UPDATE clinical_record SET state = 'ACTIVE'
WHERE tenant_id = '{tenant}' AND type IN ('CONDITION', 'PRESCRIPTION') AND random() < 0.05;
"""


@pytest.fixture(scope="module")
def filled(owner, database):
    """A hospital of some thousand encounters, with statistics."""
    with owner.transaction(), owner.cursor() as cursor:
        for statement in FILL.format(tenant=TENANT, patients=PATIENTS, encounters=ENCOUNTERS).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    owner.execute("ANALYZE patient, encounter, clinical_record, appointment, queue_token")
    return TENANT


def walk(node, above=()):
    """The node and all below it, each with those above it."""
    yield node, above
    for child in node.get("Plans", []):
        yield from walk(child, (*above, node))


@pytest.fixture
def nodes(filled, database):
    """Every node of a statement's generic plan, each with those above it."""

    def of(name):
        with psycopg.connect(database.app) as connection:
            connection.execute(f"SET LOCAL app.tenant_id = '{filled}'")
            explain = b"EXPLAIN (GENERIC_PLAN, COSTS OFF, FORMAT JSON) " + QUERIES[name].sql
            (plan,) = connection.execute(explain).fetchone()
        return list(walk(plan[0]["Plan"]))

    return of


@pytest.mark.parametrize("name", INDEXES)
def test_a_read_finds_what_is_asked_for_by_its_index(name, nodes):
    found = {}
    for node, _ in nodes(name):
        if node.get("Relation Name") in INDEXED:
            assert "Index" in node["Node Type"], json.dumps(node, indent=1)
            # Whose or which, not the hospital alone
            whose = re.findall(
                r"\b(?:id|patient_id|encounter_id|previous_appointment_id|department_id|practitioner_id) = ",
                node["Index Cond"],
            )
            assert whose, json.dumps(node, indent=1)
            found.setdefault(node["Relation Name"], set()).add(node["Index Name"])
    for table, indexes in INDEXES[name].items():
        assert found[table] == indexes


@pytest.mark.parametrize("name", READ_IN_ORDER)
def test_a_page_ends_the_reading_of_a_long_history(name, nodes):
    """The index gives its rows in order from the page's key on: none is read only to be sorted away."""
    seen = 0
    for node, above in nodes(name):
        if node.get("Index Name", "").endswith(("_by_patient", "_by_type", "_by_encounter", "_by_time")):
            seen += 1
            assert "ROW(" in node["Index Cond"], json.dumps(node, indent=1)
            limit = max(place for place, each in enumerate(above) if each["Node Type"] == "Limit")
            assert not SORTS & {each["Node Type"] for each in above[limit:]}, json.dumps(above[limit])
    assert seen


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_is_read_in_order_and_no_further_than_the_page(name, nodes):
    seen = 0
    for node, above in nodes(name):
        if node.get("Relation Name") == "clinical_record":
            seen += 1
            assert node["Index Name"] == WAITING[name]
            wanted = {"": "type", "_in": "desk_department_id", "_for": "desk_practitioner_id"}
            scope = name.removeprefix("waiting").partition("_d")[0].partition("_p")[0].partition("_a")[0]
            assert f"{wanted[scope]} = " in node["Index Cond"]
            assert "ROW(" in node["Index Cond"], json.dumps(node, indent=1)
            limit = max(place for place, each in enumerate(above) if each["Node Type"] == "Limit")
            assert not SORTS & {each["Node Type"] for each in above[limit:]}, json.dumps(above[limit])
        elif node.get("Relation Name") == "patient":
            assert node["Index Name"] == "patient_pkey"
    assert seen == 1


def test_the_summary_sorts_nothing_but_the_last_of_each_code(nodes):
    sorts = [node for node, _ in nodes("get_summary") if node["Node Type"] in SORTS]
    assert {node["Plans"][0].get("CTE Name") for node in sorts} == {"last_of_each", "audited_rows"}


def test_the_summary_reads_one_row_for_each_code(filled, database, owner):
    """Not all observations of a patient. Only a plan that ran shows what a recursion reads."""
    patient_id, codes = owner.execute(
        "SELECT patient_id, count(DISTINCT (category, code)) FROM clinical_record"
        " WHERE tenant_id = %s AND type = 'OBSERVATION' GROUP BY patient_id LIMIT 1",
        [filled],
    ).fetchone()
    query = QUERIES["get_summary"]
    given = {
        "tenant_id": filled,
        "patient_id": patient_id,
        "audit_event_id": patient_id,
        "audit_record": "{}",
        "audit_must_find": "true",
    }
    values = ", ".join(f"'{given[parameter]}'" for parameter in query.parameters)
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{filled}'")
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute(b"PREPARE summary AS " + query.sql)
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE summary ({values})"
        (plan,) = connection.execute(explain).fetchone()
        connection.rollback()
    probes = [
        node for node, _ in walk(plan[0]["Plan"]) if node.get("Index Name") == "clinical_record_by_code"
    ]
    first, following, last = probes
    assert first["Actual Loops"] == 2
    assert following["Actual Loops"] == last["Actual Loops"] == codes
    assert "code > " in following["Index Cond"]
    assert "code = " in last["Index Cond"]
    for probe in probes:
        assert probe["Actual Rows"] <= 1
        assert probe.get("Rows Removed by Filter", 0) == 0
