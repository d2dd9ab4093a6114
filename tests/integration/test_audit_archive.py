"""Archives of the audit that were touched are found, before anything is dropped and years later."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

from hms_server import __main__ as command_line
from hms_server import ids
from hms_server.audit import anchor
from hms_server.audit.anchoring import Anchors
from hms_server.audit.archive import MANIFEST, ArchiveFault
from hms_server.audit.retention import Retention
from tests.fix_retention import LATER, LONG_AGO, NOW

FIRST, SECOND = f"{LONG_AGO:%Y-%m}", f"{LATER:%Y-%m}"


@pytest.fixture
def tenant(new_tenant, old):
    made = new_tenant()
    old.plant(made.id, LONG_AGO, 8)
    old.plant(made.id, LATER, 4)
    old.plant(made.id, NOW, 3)
    return made


def rewritten(path, change):
    """Changes the lines of a file, which stays a good gzip NDJSON."""
    with gzip.open(path) as file:
        lines = [json.loads(line) for line in file]
    change(lines)
    with gzip.open(path, "wb") as file:
        file.writelines(json.dumps(line).encode() + b"\n" for line in lines)


def edited(folder, tenant):
    rewritten(folder / f"{tenant.id}.ndjson.gz", lambda lines: lines[2].update(actor_name="somebody else"))


def cut(folder, tenant):
    path = folder / f"{tenant.id}.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-20])


def emptied(folder, tenant):
    (folder / f"{tenant.id}.ndjson.gz").write_bytes(b"")


def removed(folder, tenant):
    (folder / f"{tenant.id}.ndjson.gz").unlink()


def told_otherwise(folder, tenant):
    said = json.loads((folder / MANIFEST).read_bytes())
    next(p for p in said["archive"]["tenants"] if p["tenant_id"] == tenant.id)["events"] = 7
    (folder / MANIFEST).write_text(json.dumps(said))


def without_a_tenant(folder, tenant):
    said = json.loads((folder / MANIFEST).read_bytes())
    said["archive"]["tenants"] = [p for p in said["archive"]["tenants"] if p["tenant_id"] != tenant.id]
    (folder / MANIFEST).write_text(json.dumps(said))
    removed(folder, tenant)


def no_manifest(folder, tenant):
    (folder / MANIFEST).write_text("{}")


def added(folder, tenant):
    (folder / "more.ndjson.gz").write_bytes(b"")


TAMPERING = [edited, cut, emptied, removed, told_otherwise, without_a_tenant, no_manifest, added]


@pytest.mark.parametrize("tamper", TAMPERING)
def test_nothing_is_dropped_on_an_archive_that_was_touched(tamper, tenant, old, retention, root, monkeypatch):
    stop = Retention._check
    monkeypatch.setattr(Retention, "_check", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        retention.run()
    monkeypatch.setattr(Retention, "_check", stop)
    tamper(root / FIRST, tenant)
    with pytest.raises(ArchiveFault, match="move the folder away"):
        retention.run()
    assert old.count(tenant.id) == 15
    shutil.rmtree(root / FIRST)
    assert retention.run() == 2


def test_an_archive_of_before_later_events_came_is_not_taken_for_all(
    tenant, old, retention, root, monkeypatch
):
    stop = Retention._check
    monkeypatch.setattr(Retention, "_check", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        retention.run()
    monkeypatch.setattr(Retention, "_check", stop)
    old.plant(tenant.id, LONG_AGO, 1)
    with pytest.raises(ArchiveFault, match="another piece"):
        retention.run()


def test_an_archive_must_agree_with_the_anchors(new_tenant, old, retention, owner, worker_database, keys):
    """With the audit key and not the anchors' a chain is made anew: it is not taken for the true one."""
    tenant = new_tenant()
    old.plant(tenant.id, LONG_AGO, 8)
    Anchors(worker_database, keys, None).run()
    old.plant(tenant.id, LONG_AGO, 1)
    for table in ("audit_event", "audit_event_patient", "audit_chain"):
        owner.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.id])
    old.plant(tenant.id, LONG_AGO, 9)
    with pytest.raises(ArchiveFault, match="not those that were anchored"):
        retention.run()


@pytest.fixture
def hms_audit(monkeypatch, capsys, database, keys_file):
    """Runs `hms audit`; returns the status and what it printed."""
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))
    monkeypatch.delenv("HMS_ANCHOR_FILE", raising=False)

    def run(*arguments, database_url=database.worker):
        if database_url:
            monkeypatch.setenv("HMS_WORKER_DATABASE_URL", database_url)
        else:
            monkeypatch.delenv("HMS_WORKER_DATABASE_URL", raising=False)
        status = command_line.main(["audit", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


@pytest.mark.parametrize("with_database", [True, False])
def test_a_whole_archive_holds(tenant, retention, root, hms_audit, database, with_database):
    retention.run()
    url = database.worker if with_database else ""
    status, text = hms_audit("verify-archive", root, database_url=url)
    assert (status, "2 months, 12 events of 2 tenants" in text) == (0, True), text
    assert ("not compared" in text) is not with_database
    for month in (FIRST, SECOND):
        assert hms_audit("verify-archive", root / month, database_url=url)[0] == 0


@pytest.mark.parametrize("tamper", TAMPERING)
def test_what_was_done_to_an_archive_is_named(tamper, tenant, retention, root, hms_audit):
    retention.run()
    tamper(root / SECOND, tenant)
    status, text = hms_audit("verify-archive", root, database_url="")
    assert (status, SECOND in text) == (1, True), text


def test_the_command_verifies_what_is_left_before_and_after(tenant, old, retention, hms_audit, owner):
    assert hms_audit("verify")[0] == 0
    retention.run()
    old.told(tenant.id)
    status, text = hms_audit("verify", "--tenant", tenant.id)
    assert (status, "the audit holds: 5 events of 1 tenants" in text) == (0, True), text
    owner.execute("DELETE FROM audit_checkpoint WHERE tenant_id = %s", [tenant.id])
    status, text = hms_audit("verify", "--tenant", tenant.id)
    assert (status, "events 1 to 12 are gone, and no checkpoint tells" in text) == (1, True), text


def test_a_month_that_is_missing_is_named(tenant, retention, root, hms_audit):
    retention.run()
    shutil.rmtree(root / FIRST)
    status, text = hms_audit("verify-archive", root, database_url="")
    assert (status, "events 1 to 8 are in no archive" in text) == (1, True), text


def test_the_last_month_missing_is_found_by_the_database(tenant, retention, root, hms_audit):
    retention.run()
    shutil.rmtree(root / SECOND)
    assert hms_audit("verify-archive", root, database_url="")[0] == 0
    status, text = hms_audit("verify-archive", root)
    assert (status, f"{SECOND} was dropped from the database, and no archive of it" in text) == (1, True), (
        text
    )


def test_a_month_twice_and_an_archive_of_another_system_are_found(tenant, retention, root, hms_audit, owner):
    retention.run()
    shutil.copytree(root / FIRST, root / "2018-13")
    status, text = hms_audit("verify-archive", root, database_url="")
    assert (status, "archived twice" in text or "in no archive" in text) == (1, True), text
    shutil.rmtree(root / "2018-13")
    owner.execute("UPDATE audit_checkpoint SET hash = '\\x01' WHERE tenant_id = %s", [tenant.id])
    status, text = hms_audit("verify-archive", root)
    assert (status, "does not end at the checkpoint" in text) == (1, True), text


def test_a_witness_from_outside_finds_an_archive_that_was_made_anew(
    tenant, old, retention, root, hms_audit, worker_database, keys, tmp_path
):
    other = tmp_path / "anchors.jsonl"
    Anchors(worker_database, keys, other).run()
    retention.run()
    assert hms_audit("verify-archive", root, "--anchors", other)[0] == 0
    forged = anchor.sign(anchor.Anchor(tenant.id, "2018-01-31", 5, b"\1" * 32), keys)
    other.write_bytes(anchor.to_line(forged))
    status, text = hms_audit("verify-archive", root, "--anchors", other)
    assert (status, "not those that were anchored" in text) == (1, True), text


def test_an_archive_is_private_and_the_same_events_make_the_same_bytes(tenant, retention, root, monkeypatch):
    monkeypatch.setattr(Retention, "_check", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    contents = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            retention.run()
        contents.append({f.name: f.read_bytes() for f in (root / FIRST).iterdir()})
        assert (root / FIRST).stat().st_mode & 0o077 == 0
        shutil.rmtree(root / FIRST)
    assert contents[0] == contents[1]
    assert set(contents[0]) == {MANIFEST, f"{tenant.id}.ndjson.gz", f"{ids.PLATFORM_TENANT}.ndjson.gz"}


def test_a_folder_that_is_no_archive_is_said_to_be_none(hms_audit, tmp_path):
    assert hms_audit("verify-archive", tmp_path / "nowhere", database_url="")[0] == 1
    (tmp_path / "2018-01").mkdir()
    assert hms_audit("verify-archive", tmp_path, database_url="")[0] == 1


def test_the_export_says_what_is_not_in_it(tenant, retention, hms_audit):
    assert "were archived" not in hms_audit("export", "--tenant", tenant.id, "--from", "2001-01-01")[1]
    retention.run()
    status, text = hms_audit("export", "--tenant", tenant.id, "--from", "2001-01-01")
    assert (status, "were archived: they are not in this export" in text) == (0, True)
    assert "were archived" not in hms_audit("export", "--tenant", tenant.id, "--from", f"{NOW.year}-01-01")[1]
