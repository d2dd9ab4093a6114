"""The servers' role of the database, as another hospital: every SQL command on every table and partition.

All are found from the catalog. Statements that name their tenant: test_two_locks.py, test_second_lock.py.
"""

from __future__ import annotations

import json

import psycopg
import pytest
from psycopg import sql

from hms_server.audit.drain import Drain
from tests.contract.strangers import Hospital, directly
from tests.row_filler import fill

# The table of migrations is nobody's; of `tenant` the column is called otherwise.
RELATIONS = """
SELECT c.relname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid
  AND a.attname = CASE c.relname WHEN 'tenant' THEN 'id' ELSE 'tenant_id' END)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migration'
ORDER BY 1
"""
DENIED = psycopg.errors.InsufficientPrivilege
# Nobody's: what the setting holds before, and after a transaction that set it.
NOBODY = ("", None)


@pytest.fixture(scope="module")
def relations(owner):
    """Every table and partition with the column that names its hospital."""
    found = [(name, column) for name, column in owner.execute(RELATIONS)]
    assert all(column for _, column in found), found
    names = {name for name, _ in found}
    assert {"patient", "tenant", "audit_event", "audit_outbox"} <= names
    assert [name for name in names if name.startswith("audit_event_2")], "no partition was found"
    return found


@pytest.fixture(scope="module")
def hospitals(make_tenant, servicers, worker_database, keys, owner):
    """Two hospitals with rows in every table: whose they are, and who tries."""
    made = [make_tenant() for _ in range(2)]
    for tenant in made:
        Hospital(directly(servicers, tenant))
        Drain(worker_database, keys).run(tenant.id)
        fill(owner, tenant.id)
    return made


@pytest.fixture(scope="module")
def digests(owner, relations, hospitals):
    """What stands of both hospitals; compared at the end of each test."""

    def look():
        return {
            (name, tenant.id): owner.execute(
                sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t WHERE {} = %s").format(
                    sql.Identifier(name), sql.Identifier(column)
                ),
                [tenant.id],
            ).fetchone()
            for name, column in relations
            for tenant in hospitals
        }

    return look


@pytest.fixture
def app(database, digests):
    """The servers' role; whatever it did, nothing is changed."""
    before = digests()
    with psycopg.connect(database.app) as connection:
        yield connection
        connection.rollback()
    assert digests() == before


def attempt(app, who, statement, *values):
    """What a statement of `who` gives: its rows, or how many it changed; None where it is denied."""
    with app.transaction(force_rollback=True):
        if who is not None:
            app.execute("SELECT set_config('app.tenant_id', %s, true)", [who])
        try:
            with app.transaction():
                cursor = app.execute(statement, values)
                return cursor.fetchall() if cursor.description else cursor.rowcount
        except DENIED:
            return None


def on(name, column, text):
    return sql.SQL(text).format(table=sql.Identifier(name), column=sql.Identifier(column))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT {column}::text FROM {table}",
        "SELECT {column}::text FROM {table} WHERE {column} = %(ours)s",
        "SELECT {column}::text FROM {table} FOR UPDATE",
        "SELECT t.{column}::text FROM ONLY {table} t TABLESAMPLE SYSTEM (100)",
        "WITH all_of AS MATERIALIZED (SELECT * FROM {table}) SELECT {column}::text FROM all_of",
    ],
)
def test_no_select_shows_another_hospitals_row(app, relations, hospitals, text):
    ours, theirs = hospitals
    seen = set()
    for name, column in relations:
        for who in (theirs.id, *NOBODY):
            statement = text.replace("%(ours)s", f"'{ours.id}'")
            rows = attempt(app, who, on(name, column, statement)) or []
            assert {row[0] for row in rows} <= {theirs.id} - set(NOBODY), (name, who)
            assert who == theirs.id or not rows, (name, who)
            seen |= {name} if rows else set()
    if "ours" not in text:
        # The attempts are such as succeed for one's own.
        assert {"patient", "tenant", "role"} <= seen


@pytest.mark.parametrize("text", ["COPY {table} TO STDOUT", "COPY (SELECT * FROM {table}) TO STDOUT"])
def test_no_copy_takes_another_hospitals_rows_out(app, relations, hospitals, text):
    ours, theirs = hospitals
    copied = 0
    for name, column in relations:
        for who in (theirs.id, *NOBODY):
            with app.transaction(force_rollback=True):
                app.execute("SELECT set_config('app.tenant_id', %s, true)", [who or ""])
                try:
                    with app.transaction(), app.cursor().copy(on(name, column, text)) as copy:
                        data = b"".join(bytes(block) for block in copy)
                except DENIED:
                    continue
            assert ours.id.encode() not in data, (name, who)
            assert who == theirs.id or not data, (name, who)
            copied += bool(data)
    assert copied > 5


def test_no_row_is_written_for_another_hospital(app, owner, relations, hospitals):
    ours, theirs = hospitals
    tried = 0
    for name, column in relations:
        row = owner.execute(
            on(name, column, "SELECT to_jsonb(t) FROM {table} t WHERE {column} = %s LIMIT 1"), [ours.id]
        ).fetchone()
        if row is None:
            continue
        tried += 1
        for who in (theirs.id, *NOBODY):
            for conflict in ("", " ON CONFLICT DO NOTHING"):
                # bytea and the like come back as they went out
                text = (
                    "INSERT INTO {table} OVERRIDING SYSTEM VALUE"
                    " SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)" + conflict
                )
                assert attempt(app, who, on(name, column, text), json.dumps(row[0])) is None, (name, who)
    assert tried > 20


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE {table} SET {column} = {column} WHERE {column} = '{ours}'",
        "UPDATE {table} SET {column} = {column} WHERE {column} <> '{theirs}'",
        "DELETE FROM {table} WHERE {column} = '{ours}'",
        "DELETE FROM {table} WHERE {column} <> '{theirs}'",
        "MERGE INTO {table} t USING (SELECT 1) AS one ON t.{column} = '{ours}' WHEN MATCHED THEN DELETE",
        (
            "MERGE INTO {table} t USING (SELECT 1) AS one ON t.{column} = '{ours}'"
            " WHEN MATCHED THEN UPDATE SET {column} = t.{column}"
        ),
    ],
)
def test_no_row_of_another_hospital_is_changed_or_deleted(app, relations, hospitals, text):
    ours, theirs = hospitals
    text = text.replace("{ours}", ours.id).replace("{theirs}", theirs.id)
    for name, column in relations:
        for who in (theirs.id, *NOBODY):
            assert attempt(app, who, on(name, column, text)) in (None, 0), (name, who)


def test_no_row_of_ones_own_is_moved_to_another_hospital(app, relations, hospitals):
    ours, theirs = hospitals
    for name, column in relations:
        text = on(name, column, "UPDATE {table} SET {column} = %s")
        assert attempt(app, theirs.id, text, ours.id) in (None, 0), name


@pytest.mark.parametrize(
    "text",
    [
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
        "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE {table} OWNER TO hms_app",
        "ALTER TABLE {table} RENAME COLUMN {column} TO other",
        "ALTER TABLE {table} DROP COLUMN {column}",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "CREATE POLICY everything ON {table} USING (true)",
        "CREATE RULE everything AS ON INSERT TO {table} DO INSTEAD NOTHING",
        "CREATE INDEX ON {table} ({column})",
        "CREATE STATISTICS seen ON {column}, ({column}::text) FROM {table}",
        "CREATE TABLE like_it (LIKE {table})",
        "CREATE VIEW seen AS SELECT * FROM {table}",
        "DROP TABLE {table} CASCADE",
        "GRANT ALL ON {table} TO hms_app",
        "COMMENT ON TABLE {table} IS 'mine'",
        "SET LOCAL row_security = off; SELECT * FROM {table}",
    ],
)
def test_no_table_is_emptied_opened_or_taken(app, relations, hospitals, text):
    _, theirs = hospitals
    for name, column in relations:
        outcome = attempt(app, theirs.id, on(name, column, text))
        # A grant by somebody who may not give one is a warning, and gives nothing.
        assert outcome is None or text.startswith("GRANT"), name


def test_nothing_is_copied_in_past_the_policies(app, relations, hospitals):
    ours, theirs = hospitals
    for name, column in relations:
        with app.transaction(force_rollback=True):
            app.execute("SELECT set_config('app.tenant_id', %s, true)", [theirs.id])
            with (
                pytest.raises((DENIED, psycopg.errors.FeatureNotSupported)),
                app.transaction(),
                app.cursor().copy(on(name, column, "COPY {table} ({column}) FROM STDIN")) as copy,
            ):
                copy.write_row([ours.id])


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE hms_owner",
        "SET ROLE hms_worker",
        "SET ROLE hms_search",
        "SET SESSION AUTHORIZATION hms_owner",
        "ALTER ROLE hms_app BYPASSRLS",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_import('/etc/passwd')",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT protect_tenant_table('patient')",
        "SELECT purge_sessions(interval '0', 1000)",
        "SELECT purge_request_records(interval '0', 1000)",
    ],
)
def test_the_role_takes_no_other_ones_place(app, hospitals, statement):
    assert attempt(app, hospitals[1].id, statement) is None


def value(argument, kind, number, ours, patients, practitioners):
    """What an argument of a function may be."""
    if argument == "tenant":
        return ours.id
    if argument == "practitioners":
        return practitioners
    if argument.startswith("key_") or argument == "departments":
        return None
    return {
        "uuid": patients[number % 2],
        "uuid[]": patients,
        "smallint[]": [1, 2, 3, 4, 5, 6, 7],
        "text": "",
        "boolean": False,
        "integer": 0 if argument == "least_free" else 100,
        "date": ["2026-11-20", "2026-12-20"][number % 2],
        "time without time zone": "00:00" if argument == "from_clock" else "24:00",
        "regclass": "department",
        "timestamp with time zone": ["2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z"][number % 2],
    }[kind]


def test_functions_that_name_a_tenant_do_nothing_of_another_one(app, owner, hospitals):
    """They run as their caller, so that the policies hold in them."""
    ours, theirs = hospitals
    patients = [
        str(row[0]) for row in owner.execute("SELECT id FROM patient WHERE tenant_id = %s", [ours.id])
    ]
    practitioners = [
        str(row[0]) for row in owner.execute("SELECT id FROM practitioner WHERE tenant_id = %s", [ours.id])
    ]
    functions = owner.execute(
        "SELECT p.proname, p.proargnames, p.proargtypes::regtype[]::text[] FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace AND 'tenant' = ANY (p.proargnames)"
        " AND has_function_privilege('hms_app', p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype"
    ).fetchall()
    assert {name for name, *_ in functions} >= {"count_patient_rows", "move_patient_rows"}
    for name, arguments, kinds in functions:
        values = [
            value(argument, kind, n, ours, patients, practitioners)
            for n, (argument, kind) in enumerate(zip(arguments, kinds, strict=False))
        ]
        marks = sql.SQL(", ").join(sql.SQL("%s::" + kind) for kind in kinds)
        call = sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(name), marks)
        try:
            rows = attempt(app, theirs.id, call, *values)
        except psycopg.errors.NoDataFound:
            continue
        assert not any(value for row in rows or [] for value in row if isinstance(value, int)), (name, rows)
