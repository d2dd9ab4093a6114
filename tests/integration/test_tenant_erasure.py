"""`hms tenant erase` on real PostgreSQL and Redis: one hospital goes, the other one is not touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psycopg
import pytest
import redis

from hms_server import errors, ids
from hms_server.audit.verify import Verifier
from hms_server.gate import keys as gate_keys
from hms_server.jobs import queues
from hms_server.jobs.drains import DrainRequests
from hms_server.offboarding import catalog, rows
from hms_server.offboarding.erasure import Erasure, quiet_seconds
from hms_server.policy import load_policies
from tests.fix_client import eventually


@pytest.fixture
def ours(full_hospital):
    return full_hospital()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def erase(hms_tenant, tmp_path):
    """Runs the command; gives status, text and the certificate's file."""

    def run(code, *arguments, confirm=None):
        file = tmp_path / f"{ids.uuid7()}.json"
        how = arguments or ("--without-export",)
        status, text = hms_tenant(
            "erase", code, "--confirm", confirm or code, "--certificate", file, "--operator", "vera", *how
        )
        return status, text, file

    return run


def test_not_a_row_of_it_is_left_and_the_other_hospital_is_untouched(
    ours, full_hospital, leaving, erase, hms_tenant, tmp_path, worker_database, keys
):
    theirs = full_hospital()
    code = leaving.suspend(ours.id)
    before, untouched = leaving.rows(ours.id), leaving.digests(theirs.id)
    assert hms_tenant("export", code, "--to", tmp_path / "x")[0] == 0
    status, text, file = erase(code, "--export", tmp_path / "x")
    assert status == 0, text
    after = leaving.rows(ours.id)
    assert set(after) & leaving.erased_tables() == set()
    for table in ("audit_event", "audit_event_patient"):
        assert after[table] == before[table]
    assert leaving.digests(theirs.id) == untouched
    said = json.loads(file.read_bytes())["erasure"]
    removed = {table: count for table, count in before.items() if table in leaving.erased_tables()}
    assert set(removed) == leaving.erased_tables()
    assert {table: count for table, count in said["removed"].items() if count} == removed
    assert set(said["removed"]) | set(said["kept"]) == set(leaving.tables())
    assert (said["tenant_id"], said["tenant_code"], said["operator"]) == (ours.id, code, "vera")
    status, text = hms_tenant("certificate-verify", file)
    assert (status, str(sum(removed.values())) in text) == (0, True)
    tombstone = leaving.owner.execute(
        "SELECT state, code, display_name, rate_limits FROM tenant WHERE id = %s", [ours.id]
    ).fetchone()
    assert tombstone == ("ERASED", code, "", {})
    verdict = Verifier(worker_database, keys).verify(ours.id)
    assert verdict.fault is None
    assert verdict.events == before["audit_event"]


def test_the_certificate_names_the_export(ours, leaving, erase, hms_tenant, tmp_path):
    code = leaving.suspend(ours.id)
    _, text = hms_tenant("export", code, "--to", tmp_path / "x")
    _, _, file = erase(code, "--export", tmp_path / "x")
    assert json.loads(file.read_bytes())["erasure"]["export_manifest_sha256"] == text.rpartition(" ")[2]


def test_it_is_recorded_in_both_chains_and_who_did_it(ours, leaving, erase, owner):
    code = leaving.suspend(ours.id)
    assert erase(code)[0] == 0
    for chain in (ours.id, ids.PLATFORM_TENANT):
        found = owner.execute(
            "SELECT record->>'reason', record->>'actor_name', record->>'action' FROM audit_outbox"
            " WHERE tenant_id = %s AND record->>'method' = 'hms tenant erase'"
            " AND record->>'entity_id' = %s ORDER BY position",
            [chain, ours.id],
        ).fetchall()
        assert found == [("ERASURE_BEGUN", "vera", "DELETE"), ("ERASED", "vera", "DELETE")]


def test_an_active_hospital_is_not_erased(ours, leaving, erase):
    code = leaving.one("SELECT code FROM tenant WHERE id = %s", ours.id)
    before = leaving.digests(ours.id)
    status, text, file = erase(code)
    assert (status, "only a suspended tenant" in text, file.exists()) == (2, True, False)
    assert leaving.digests(ours.id) == before


def test_a_hospital_is_not_erased_while_a_call_of_before_may_still_write(ours, leaving, erase, owner):
    code = leaving.suspend(ours.id)
    owner.execute("UPDATE tenant SET update_time = now() - interval '5 minutes' WHERE id = %s", [ours.id])
    status, text, _ = erase(code)
    assert (status, "come back after" in text) == (2, True)
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "SUSPENDED"


def test_no_call_may_outlive_the_wait():
    longest = max(policy.deadline_seconds for policy in load_policies().values())
    assert quiet_seconds(15) > longest >= 300
    assert quiet_seconds(1000) > 1000


def test_the_code_must_be_said_twice(ours, leaving, erase):
    code = leaving.suspend(ours.id)
    assert erase(code, confirm=f"{code}x")[0] == 2
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "SUSPENDED"


def test_an_export_of_another_hospital_of_before_the_suspension_or_changed_does_not_do(
    ours, full_hospital, leaving, erase, hms_tenant, tmp_path
):
    theirs = full_hospital()
    their_code = leaving.suspend(theirs.id)
    hms_tenant("export", their_code, "--to", tmp_path / "theirs")
    hms_tenant(
        "export", leaving.one("SELECT code FROM tenant WHERE id = %s", ours.id), "--to", tmp_path / "early"
    )
    code = leaving.suspend(ours.id)
    hms_tenant("export", code, "--to", tmp_path / "changed")
    hms_tenant("export", code, "--to", tmp_path / "release")
    manifest = tmp_path / "release" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": ', '"schema_version": 1'))
    with (tmp_path / "changed" / "patient.ndjson").open("ab") as file:
        file.write(b"{}\n")
    for folder, words in (
        ("theirs", "does not hold an export of"),
        ("early", "before"),
        ("changed", "not as it was exported"),
        ("none", "no finished export"),
        ("release", "another release"),
    ):
        status, text, _ = erase(code, "--export", tmp_path / folder)
        assert (status, words in text) == (2, True), text
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "SUSPENDED"


def test_a_certificate_that_could_not_be_written_is_told_before_anything_is_gone(
    ours, leaving, hms_tenant, tmp_path
):
    code = leaving.suspend(ours.id)
    before = leaving.digests(ours.id)
    (tmp_path / "there").write_text("mine")
    for file in (tmp_path / "there", tmp_path / "no" / "folder"):
        status, _ = hms_tenant("erase", code, "--confirm", code, "--without-export", "--certificate", file)
        assert status == 2
    assert leaving.digests(ours.id) == before


def test_an_erased_hospitals_certificate_is_given_again(ours, leaving, erase):
    code = leaving.suspend(ours.id)
    _, _, first = erase(code)
    status, _, second = erase(code)
    assert (status, second.read_bytes()) == (0, first.read_bytes())


def test_what_redis_holds_of_it_is_dropped_and_the_others_stays(ours, new_tenant, leaving, erase, client):
    theirs = new_tenant()
    for name in client.scan_iter(match=f"*{ours.id}*"):
        client.delete(name)
    queue = queues.open_queue(client)
    for tenant in (ours, theirs):
        client.set(gate_keys.user(tenant.id, tenant.user_id), "1")
        client.set(f"hms:{{{tenant.id}}}:cache:permissions:1", "[]")
        DrainRequests(queue).ask([tenant.id])
    code = leaving.suspend(ours.id)
    _, _, file = erase(code)
    said = json.loads(file.read_bytes())["erasure"]
    assert (said["redis_keys"], said["redis_jobs"]) == (3, 1)
    assert list(client.scan_iter(match=f"*{ours.id}*")) == []
    assert len(list(client.scan_iter(match=f"*{theirs.id}*"))) == 3
    jobs = [queue.fetch_job(name).args for name in queue.get_job_ids()]
    assert [theirs.id] in [list(args) for args in jobs]
    assert [ours.id] not in [list(args) for args in jobs]


def test_without_redis_it_is_not_called_erased_and_goes_on_later(
    ours, leaving, erase, monkeypatch, redis_url
):
    code = leaving.suspend(ours.id)
    monkeypatch.setenv("HMS_REDIS_URL", "redis://127.0.0.1:1")
    status, text, _ = erase(code)
    assert (status, "run it again" in text) == (2, True)
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "ERASING"
    monkeypatch.setenv("HMS_REDIS_URL", redis_url)
    assert erase(code)[0] == 0


def test_killed_in_the_middle_it_goes_on_and_counts_every_row_once(
    ours, leaving, erase, database, redis_url, keys_file, tmp_path, owner
):
    code = leaving.suspend(ours.id)
    before = {
        table: count for table, count in leaving.rows(ours.id).items() if table in leaving.erased_tables()
    }
    environment = {
        **os.environ,
        "HMS_DATABASE_URL": database.owner,
        "HMS_REDIS_URL": redis_url,
        "HMS_KEYS_FILE": str(keys_file),
    }
    arguments = ["tenant", "erase", code, "--confirm", code, "--without-export", "--certificate", "c.json"]
    with psycopg.connect(database.owner) as blocker:
        # It stops at the patients, in the middle of a transaction, and is killed there.
        blocker.execute("LOCK TABLE patient IN EXCLUSIVE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "hms_server", *arguments], env=environment, cwd=tmp_path
        )
        try:
            eventually(
                lambda: owner.execute(
                    "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'patient'::regclass"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                ).fetchall()
            )
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert not (tmp_path / "c.json").exists()
    eventually(
        lambda: (
            not owner.execute(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hms-tenant'"
                " AND datname = current_database()"
            ).fetchall()
        )
    )
    half = leaving.rows(ours.id)
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "ERASING"
    assert half["patient"] == before["patient"]
    assert "clinical_record" not in half
    status, text, file = erase(code)
    assert status == 0, text
    said = json.loads(file.read_bytes())["erasure"]["removed"]
    assert {table: count for table, count in said.items() if count} == before
    assert set(leaving.rows(ours.id)) & leaving.erased_tables() == set()


def test_trees_and_rings_of_rows_go_in_small_batches(new_tenant, leaving, owner):
    tenant = new_tenant()
    made = [ids.uuid7() for _ in range(20)]
    for number, one in enumerate(made):
        owner.execute(
            "INSERT INTO department (tenant_id, id, active, actor_id, document, name_key)"
            " VALUES (%s, %s, true, %s, '{}', %s)",
            [tenant.id, one, tenant.user_id, f"d{number}"],
        )
    # A long branch, and two that point to each other with one that hangs on them.
    for child, parent in [
        *zip(made[1:15], made[:14], strict=True),
        (made[15], made[16]),
        (made[16], made[15]),
        (made[17], made[15]),
        (made[18], made[18]),
    ]:
        owner.execute("UPDATE department SET parent_id = %s WHERE id = %s", [parent, child])
    owner.execute("INSERT INTO tenant_erasure (tenant_id, operator) VALUES (%s, 'vera')", [tenant.id])
    table = next(t for t in catalog.tables(owner) if t.name == "department")
    assert rows.delete(owner, table, catalog.references(owner), tenant.id, 3) == 20
    assert leaving.one("SELECT removed FROM tenant_erasure WHERE tenant_id = %s", tenant.id) == {
        "department": 20
    }


def test_every_batch_is_bounded(ours, leaving, owner, client, keys):
    code = leaving.suspend(ours.id)
    owner.execute(
        "CREATE TABLE deleted_at_once (rows bigint);"
        "CREATE FUNCTION note_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO deleted_at_once SELECT count(*) FROM gone; RETURN NULL; END $$;"
        "CREATE TRIGGER note AFTER DELETE ON patient_key REFERENCING OLD TABLE AS gone"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_deleted()"
    )
    try:
        count = leaving.rows(ours.id)["patient_key"]
        Erasure(owner, client, client, keys, usual_seconds=15, tell=lambda line: None, batch=2).run(
            code, operator="vera", exported=None
        )
        assert leaving.one("SELECT max(rows) FROM deleted_at_once") == 2
        assert leaving.one("SELECT sum(rows) FROM deleted_at_once") == count
    finally:
        owner.execute(
            "DROP TRIGGER note ON patient_key; DROP FUNCTION note_deleted; DROP TABLE deleted_at_once"
        )
        owner.execute("SELECT pg_advisory_unlock_all()")


def test_a_table_of_a_later_release_is_found_and_ordered_by_itself(
    ours, full_hospital, leaving, erase, owner
):
    theirs = full_hospital()
    owner.execute(
        "CREATE TABLE bed_note (tenant_id uuid NOT NULL, id uuid NOT NULL, patient_id uuid NOT NULL,"
        " day timestamptz NOT NULL, PRIMARY KEY (tenant_id, id, day),"
        " FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id)) PARTITION BY RANGE (day);"
        "CREATE TABLE bed_note_a PARTITION OF bed_note FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');"
        "CREATE TABLE bed_note_b PARTITION OF bed_note FOR VALUES FROM ('2026-06-01') TO ('2027-01-01');"
    )
    try:
        for tenant in (ours, theirs):
            owner.execute(
                "INSERT INTO bed_note SELECT p.tenant_id, gen_random_uuid(), p.id, day FROM patient p,"
                " (VALUES ('2026-02-01'::timestamptz), ('2026-07-01')) AS days (day) WHERE tenant_id = %s",
                [tenant.id],
            )
        counts = [
            leaving.one("SELECT count(*) FROM bed_note WHERE tenant_id = %s", t.id) for t in (ours, theirs)
        ]
        code = leaving.suspend(ours.id)
        status, text, file = erase(code)
        assert status == 0, text
        assert json.loads(file.read_bytes())["erasure"]["removed"]["bed_note"] == counts[0] > 0
        assert leaving.one("SELECT count(*) FROM bed_note WHERE tenant_id = %s", theirs.id) == counts[1]
    finally:
        owner.execute("DROP TABLE bed_note")


def test_tables_that_point_to_each_other_in_a_ring_are_told(owner):
    tables = [catalog.Table(name, (), (), (), ()) for name in ("a", "b", "audit_x")]
    ring = [catalog.Reference("a", "b", (), ()), catalog.Reference("b", "a", (), ())]
    with pytest.raises(errors.ConfigError, match="in a ring: a, b"):
        catalog.erased_in_order(tables, ring)
    with pytest.raises(errors.ConfigError, match="audit_x > a"):
        catalog.erased_in_order(tables, [catalog.Reference("audit_x", "a", (), ())])


def test_the_servers_roles_may_not_touch_the_record_of_an_erasure(owner):
    for role in ("hms_app", "hms_worker", "hms_search"):
        held = owner.execute(
            "SELECT has_table_privilege(%s, 'tenant_erasure', 'SELECT, INSERT, UPDATE, DELETE')", [role]
        ).fetchone()
        assert held == (False,)
