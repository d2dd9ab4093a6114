"""Lints over the database's catalog: a table that breaks the rules is found, not remembered."""

from __future__ import annotations

import pytest

# Tables that belong to no tenant, and why.
PLATFORM_TABLES = {
    "tenant",  # the list of tenants itself; its policy is tested below
    "schema_migration",  # the migration runner's own
}

TABLES = """
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relkind
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition ORDER BY c.relname
"""


@pytest.fixture(scope="module")
def tenant_tables(owner):
    rows = owner.execute(TABLES).fetchall()
    return [row for row in rows if row[1] not in PLATFORM_TABLES]


def test_row_level_security_is_enabled_and_forced_on_every_tenant_table(tenant_tables):
    assert tenant_tables
    assert [name for _, name, enabled, forced, _ in tenant_tables if not (enabled and forced)] == []


def test_every_tenant_table_has_the_isolation_policy_for_the_app_both_ways(owner, tenant_tables):
    expected = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
    for oid, name, *_ in tenant_tables:
        policies = owner.execute(
            "SELECT polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
            " FROM pg_policy WHERE polrelid = %s AND 'hms_app'::regrole = ANY (polroles) AND polpermissive",
            [oid],
        ).fetchall()
        assert policies == [("tenant_isolation", "*", expected, expected)], name


def test_what_narrows_a_table_further_is_the_restriction_of_patients_and_the_limits_of_callers(owner):
    rows = owner.execute(
        "SELECT polrelid::regclass::text, polname, polroles::regrole[]::text, polcmd,"
        " pg_get_expr(polqual, polrelid), polwithcheck IS NULL FROM pg_policy WHERE NOT polpermissive"
    ).fetchall()
    shown = "((NOT restricted) OR may_see_restricted(id))"
    unlimited = "(((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR "
    limits = {}
    for table, name, roles, command, expression, same_for_writes in rows:
        assert (roles, command, same_for_writes) == ("{hms_app}", "*", True), table
        if name == "department_limits":
            # Nothing but a look at one setting for whoever is not limited.
            assert expression.startswith(unlimited), table
            limits[table] = expression.removeprefix(unlimited)
        else:
            assert (table, name, expression) == ("patient", "restricted_patients", shown)
    departments = "(NULLIF(current_setting('app.departments'::text, true), ''::text))::uuid[]"
    assert limits == {
        "patient": "patient_in_departments(id))",
        "patient_version": "patient_in_departments(id))",
        "encounter": f"(department_id = ANY ({departments})) OR patient_under_grant(patient_id))",
        "encounter_version": "encounter_in_departments(id))",
        "clinical_record": "encounter_in_departments(encounter_id)"
        " OR ((encounter_id IS NULL) AND patient_under_grant(patient_id)))",
        "clinical_record_version": "record_in_departments(id))",
        "appointment": f"(department_id = ANY ({departments})) OR patient_under_grant(patient_id))",
        "queue_token": f"(department_id = ANY ({departments})) OR patient_under_grant(patient_id))",
    }


# Of methods that are closed to whoever is limited to departments; but for break_glass, of which everybody
# makes his own, for what leads from words to patients, who are joined, and for what calls only write.
WITHOUT_LIMITS = {"patient_key", "patient_merge", "break_glass", "encounter_under_glass"}


def test_what_points_to_patients_and_their_records_has_the_limits_of_callers(owner):
    pointing = owner.execute(
        "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid IN"
        " ('patient'::regclass, 'encounter'::regclass, 'clinical_record'::regclass)"
    ).fetchall()
    limited = owner.execute(
        "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'department_limits'"
    ).fetchall()
    assert {name for (name,) in pointing} <= {name for (name,) in limited} | WITHOUT_LIMITS


def test_the_role_that_looks_behind_restrictions_sees_one_tenant_and_writes_nothing(owner):
    rows = owner.execute(
        "SELECT polrelid::regclass::text, polcmd, pg_get_expr(polqual, polrelid) FROM pg_policy"
        " WHERE 'hms_search'::regrole = ANY (polroles) AND polname <> 'search_ids'"
    ).fetchall()
    own = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
    visits = ("encounter", "appointment", "queue_token")
    noted = (f"{table}_under_glass" for table in visits)
    looked_at = sorted((*visits, *noted, "break_glass", "clinical_record", "user_department"))
    assert sorted(rows) == [(table, "r", own) for table in looked_at]
    written = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND has_any_column_privilege('hms_search', oid, 'INSERT, UPDATE, REFERENCES')"
    ).fetchall()
    assert written == []


def test_every_tenant_table_has_a_policy_for_the_owner(owner, tenant_tables):
    for oid, name, *_ in tenant_tables:
        found = owner.execute(
            "SELECT 1 FROM pg_policy WHERE polrelid = %s AND polname = 'owner_all'", [oid]
        ).fetchone()
        assert found, name


def test_only_known_roles_have_policies_that_see_every_tenant(owner):
    rows = owner.execute(
        "SELECT c.relname, p.polname, r.rolname FROM pg_policy p"
        " JOIN pg_class c ON c.oid = p.polrelid, unnest(p.polroles) AS role(oid)"
        " LEFT JOIN pg_roles r ON r.oid = role.oid"
        " WHERE pg_get_expr(p.polqual, p.polrelid) = 'true' AND r.rolname <> 'hms_owner'"
    ).fetchall()
    worker = {"audit_outbox", "audit_chain", "audit_event", "audit_event_patient", "audit_anchor", "mail"}
    worker.add("audit_checkpoint")
    assert {(t, r) for t, _, r in rows} == {(t, "hms_worker") for t in worker} | {
        ("patient", "hms_search"),
        ("patient_key", "hms_search"),
    }


def test_the_tenant_leads_every_key_and_index(owner, tenant_tables):
    rows = owner.execute(
        "SELECT t.relname, i.relname, a.attname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
        " JOIN pg_class i ON i.oid = x.indexrelid"
        " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]"
        " WHERE t.relname = ANY (%s)",
        [[name for _, name, *_ in tenant_tables]],
    ).fetchall()
    # Read by functions of the worker alone, across tenants.
    allowed = {
        "request_record_by_time",
        "session_by_expire_time",
        "mail_by_end_time",
        "appointment_reminder_due",
    }
    assert [r for r in rows if r[2] != "tenant_id" and r[1] not in allowed] == []


def test_foreign_keys_carry_the_tenant(owner, tenant_tables):
    rows = owner.execute(
        "SELECT conrelid::regclass::text, conname, confrelid::regclass::text, conkey FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0"
    ).fetchall()
    tables = {name for _, name, *_ in tenant_tables}
    for table, name, target, columns in rows:
        if table in tables and target != "tenant":
            assert len(columns) >= 2, name


def test_roles_have_no_way_round_row_level_security(owner):
    rows = owner.execute(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'hms\\_%'"
    ).fetchall()
    assert {r[0] for r in rows} == {"hms_owner", "hms_app", "hms_worker", "hms_search"}
    assert not any(superuser or bypass for _, superuser, bypass in rows)
    members = owner.execute(
        "SELECT m.rolname, r.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member"
        " JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname IN ('hms_app', 'hms_worker')"
    ).fetchall()
    assert members == []


def test_the_app_owns_nothing(owner):
    rows = owner.execute(
        "SELECT relname FROM pg_class WHERE relowner IN ('hms_app'::regrole, 'hms_worker'::regrole)"
    ).fetchall()
    assert rows == []


def test_partitions_are_granted_to_nobody(owner):
    rows = owner.execute(
        "SELECT c.relname, r.rolname FROM pg_class c, pg_roles r WHERE c.relispartition"
        " AND c.relkind = 'r' AND r.rolname IN ('hms_app', 'hms_worker', 'hms_search')"
        " AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
    ).fetchall()
    assert rows == []


def test_the_app_changes_no_audit_event(owner):
    for role in ("hms_app", "hms_worker"):
        for table in ("audit_event", "audit_event_patient", "audit_anchor", "audit_checkpoint"):
            for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
                held = owner.execute(
                    "SELECT has_table_privilege(%s, %s, %s)", [role, table, privilege]
                ).fetchone()
                assert held == (False,), (role, table, privilege)


def test_functions_that_run_as_another_role_pin_their_search_path_and_are_closed_to_the_public(owner):
    rows = owner.execute(
        "SELECT p.proname, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE')"
        " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
    ).fetchall()
    assert rows
    for name, config, public in rows:
        assert any(entry.startswith("search_path=pg_catalog") for entry in config or []), name
        assert not public, name


def test_functions_that_run_as_another_role_take_the_tenant_from_the_setting_alone(owner):
    rows = owner.execute(
        "SELECT p.proname, coalesce(p.proargnames, '{}'), p.prosrc FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
        " AND has_function_privilege('hms_app', p.oid, 'EXECUTE')"
    ).fetchall()
    assert rows
    for name, arguments, source in rows:
        assert not [a for a in arguments if "tenant" in a], name
        assert "current_setting('app.tenant_id'" in source, name


def test_every_tenant_row_has_an_isolated_tenant_row_of_its_own(owner, app_database, new_tenant):
    from hms_server.database.queries import compile_query

    ours, theirs = new_tenant(), new_tenant()
    every = compile_query("test.tenants", "SELECT id FROM tenant")
    with app_database.tenant_transaction(ours.id) as transaction:
        seen = transaction.queue(every)
    assert [row.id for row in seen.rows] == [ours.id]
    with app_database.platform_transaction() as transaction:
        seen = transaction.queue(every)
    assert {ours.id, theirs.id} <= {row.id for row in seen.rows}
