"""What a merge relies on: every table that points to a patient can be moved, and is found."""

from __future__ import annotations

import pytest

REFERENCES = "SELECT table_name, column_name FROM patient_references()"
POINTING = """
SELECT t.relname, a.attname FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey) AND a.attname <> 'tenant_id'
WHERE c.contype = 'f' AND c.confrelid = 'patient'::regclass AND c.conparentid = 0
"""
# The registry's own tables: they stay with their record, or are written by the merge itself.
OWN = {
    ("patient", "merged_into"),
    ("patient_version", "id"),
    ("patient_key", "patient_id"),
    ("patient_merge", "survivor_id"),
    ("patient_merge", "merged_id"),
}


def test_every_column_that_points_to_a_patient_moves_but_for_the_registrys_own(owner):
    every = set(owner.execute(POINTING).fetchall())
    moving = set(owner.execute(REFERENCES).fetchall())
    assert {("encounter", "patient_id"), ("clinical_record", "patient_id")} <= moving
    assert every - moving == OWN


def test_a_table_that_points_to_a_patient_has_what_a_merge_needs(owner):
    for table, _ in owner.execute(REFERENCES).fetchall():
        key = owner.execute(
            "SELECT array_agg(a.attname ORDER BY k.place)::text[] FROM pg_index i"
            " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
            " WHERE i.indrelid = %s::regclass AND i.indisprimary",
            [table],
        ).fetchone()
        assert key == (["tenant_id", "id"],), f"{table}: the primary key must be (tenant_id, id)"
        columns = dict(
            owner.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [table],
            ).fetchall()
        )
        wanted = {"id": "uuid", "version": "bigint", "create_time": "timestamp with time zone"}
        assert wanted.items() <= columns.items(), table
        assert columns.get("type", "text") == "text", table
        allowed = owner.execute("SELECT has_table_privilege('hms_app', %s, 'UPDATE')", [table]).fetchone()
        assert allowed == (True,), f"{table}: a merge changes its patient"


@pytest.fixture
def later_tables(owner):
    """Tables of a later migration: one with two patients in a row, one that is partitioned."""
    owner.execute(
        "CREATE TABLE birth (tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1,"
        " mother_id uuid NOT NULL, child_id uuid, create_time timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (tenant_id, id),"
        " FOREIGN KEY (tenant_id, mother_id) REFERENCES patient (tenant_id, id),"
        " FOREIGN KEY (tenant_id, child_id) REFERENCES patient (tenant_id, id))"
    )
    owner.execute(
        "CREATE TABLE dose (tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1,"
        " patient_id uuid NOT NULL, create_time timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (tenant_id, id),"
        " FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id))"
        " PARTITION BY HASH (tenant_id)"
    )
    owner.execute("CREATE TABLE dose_0 PARTITION OF dose FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    for table in ("birth", "dose"):
        owner.execute("SELECT protect_tenant_table(%s::regclass)", [table])
        owner.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO hms_app")
    yield
    owner.execute("DROP TABLE birth, dose")


def test_a_table_of_a_later_migration_moves_by_itself(owner, ward, later_tables):
    survivor, merged, child = (ward.registry.create() for _ in range(3))
    ids = [child.id, merged.id, survivor.id]
    for row_id, mother, born in (
        (ids[0], merged, child),
        (ids[1], survivor, merged),
        (ids[2], merged, merged),
    ):
        owner.execute(
            "INSERT INTO birth (tenant_id, id, mother_id, child_id) VALUES (%s, %s, %s, %s)",
            [ward.tenant_id, row_id, mother.id, born.id],
        )
    owner.execute(
        "INSERT INTO dose (tenant_id, id, patient_id) VALUES (%s, %s, %s)",
        [ward.tenant_id, ids[0], merged.id],
    )

    def rows():
        return (
            owner.execute(
                "SELECT id::text, mother_id::text, child_id::text FROM birth ORDER BY id"
            ).fetchall()
            + owner.execute("SELECT patient_id::text FROM dose").fetchall()
        )

    before = rows()
    merge = ward.merge(survivor, merged)
    assert {c.type: c.count for c in merge.moved} == {"birth": 3, "dose": 1}
    assert rows() == [
        (row[0], *(survivor.id if value == merged.id else value for value in row[1:])) for row in before[:3]
    ] + [(survivor.id,)]
    ward.unmerge(merge)
    assert rows() == before


def test_what_one_patient_can_have_only_once_is_named_as_a_conflict(owner, ward, later_tables):
    from hms_server import errors

    owner.execute("CREATE UNIQUE INDEX ON dose (tenant_id, patient_id)")
    survivor, merged = ward.registry.create(), ward.registry.create()
    for patient in (survivor, merged):
        owner.execute(
            "INSERT INTO dose (tenant_id, id, patient_id) VALUES (%s, %s, %s)",
            [ward.tenant_id, patient.id, patient.id],
        )
    with pytest.raises(errors.FailedPrecondition) as refused:
        ward.merge(survivor, merged)
    assert refused.value.reason == "MERGE_CONFLICT"
