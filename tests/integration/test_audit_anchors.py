"""Truncation and rewriting of a whole chain are found by anchors, and by their copy outside the database."""

from __future__ import annotations

import argparse
import dataclasses
import json

import pytest

from hms_server import config, ids, keyring
from hms_server.audit import anchor, anchor_file
from hms_server.audit.anchoring import Anchors
from hms_server.audit.drain import Drain
from hms_server.audit.verify import Verifier
from hms_server.cli import audit as command
from hms_server.errors import ConfigError
from hms_server.workers import cron, parts

CUT = (
    "DELETE FROM audit_event WHERE tenant_id = %(t)s AND sequence > 5",
    "DELETE FROM audit_event_patient WHERE tenant_id = %(t)s AND sequence > 5",
    """UPDATE audit_chain c SET sequence = 5, hash = e.hash FROM audit_event e
       WHERE c.tenant_id = %(t)s AND e.tenant_id = %(t)s AND e.sequence = 5""",
)
GONE = (
    "DELETE FROM audit_event WHERE tenant_id = %(t)s",
    "DELETE FROM audit_event_patient WHERE tenant_id = %(t)s",
    "DELETE FROM audit_chain WHERE tenant_id = %(t)s",
)
NO_ANCHORS = ("DELETE FROM audit_anchor WHERE tenant_id = %(t)s",)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "anchors.jsonl"


@pytest.fixture
def anchors(worker_database, keys, file):
    return Anchors(worker_database, keys, file, piece=2)


@pytest.fixture
def tenant(new_tenant, outbox, drain, anchors):
    """A hospital whose twenty events are anchored."""
    made = new_tenant()
    outbox.put(made.id, 20)
    drain.run(made.id)
    assert anchors.run() > 0
    return made


@pytest.fixture
def done(owner, tenant):
    """Does things as the owner of the database."""
    return lambda statements: [owner.execute(each, {"t": tenant.id}) for each in statements]


def fault_of(worker_database, keys, tenant, file=None, since=None):
    witnesses = anchor_file.read(file) if file else ()
    return Verifier(worker_database, keys, piece=7, witnesses=witnesses).verify(tenant.id, since=since).fault


def test_an_anchored_chain_holds_and_goes_on(worker_database, keys, tenant, file, outbox, drain):
    outbox.put(tenant.id, 3)
    drain.run(tenant.id)
    assert fault_of(worker_database, keys, tenant, file) is None


def test_a_chain_is_anchored_once_a_day_in_the_database_and_the_file(anchors, tenant, file, owner):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["sequence"] for line in lines if line["tenant_id"] == tenant.id] == [20]
    assert anchors.run() == 0
    assert len(file.read_text().splitlines()) == len(lines)
    stored = owner.execute(
        "SELECT sequence, anchor_date = (now() AT TIME ZONE 'UTC')::date FROM audit_anchor"
        " WHERE tenant_id = %s",
        [tenant.id],
    ).fetchall()
    assert stored == [(20, True)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_truncation_together_with_the_chains_head_is_found(worker_database, keys, tenant, done):
    done(CUT)
    fault = fault_of(worker_database, keys, tenant)
    assert (fault.sequence, fault.kind) == (6, "TRUNCATION")
    assert "names event 20" in fault.reason


@pytest.mark.parametrize(("how", "first"), [(CUT, 6), (GONE, 1)], ids=["cut", "gone"])
def test_truncation_with_the_anchors_of_the_database_is_found_by_the_file(
    worker_database, keys, tenant, done, file, how, first
):
    done(how + NO_ANCHORS)
    assert fault_of(worker_database, keys, tenant) is None
    fault = fault_of(worker_database, keys, tenant, file)
    assert (fault.sequence, fault.kind) == (first, "TRUNCATION")
    assert str(file) in fault.reason


def test_a_hospital_that_was_removed_altogether_is_found_by_the_file(
    worker_database, keys, tenant, done, file
):
    done(
        (
            *GONE,
            *NO_ANCHORS,
            "DELETE FROM user_account WHERE tenant_id = %(t)s",
            "DELETE FROM uhid_counter WHERE tenant_id = %(t)s",
            "DELETE FROM tenant_setting WHERE tenant_id = %(t)s",
            "DELETE FROM tenant WHERE id = %(t)s",
        )
    )
    verifier = Verifier(worker_database, keys, witnesses=anchor_file.read(file))
    assert (tenant.id, "") in verifier.tenants()


def test_a_chain_that_was_cut_and_grew_again_is_found(
    worker_database, keys, tenant, done, outbox, drain, file
):
    done(CUT)
    outbox.put(tenant.id, 30)
    drain.run(tenant.id)
    for source in (None, file):
        fault = fault_of(worker_database, keys, tenant, source)
        assert (fault.sequence, fault.kind) == (20, "REWRITING")


def test_a_chain_made_anew_with_the_audit_key_is_found(worker_database, keys, tenant, done, outbox, file):
    done(GONE + NO_ANCHORS)
    outbox.put(tenant.id, 25)
    Drain(worker_database, keys).run(tenant.id)
    assert fault_of(worker_database, keys, tenant) is None
    fault = fault_of(worker_database, keys, tenant, file)
    assert (fault.sequence, fault.kind) == (20, "REWRITING")


def test_a_cut_chain_is_not_anchored_over(anchors, tenant, done, owner, file, caplog):
    done(CUT)
    owner.execute("UPDATE audit_anchor SET anchor_date = anchor_date - 1 WHERE tenant_id = %s", [tenant.id])
    before = file.read_text()
    anchors.run()
    assert tenant.id not in file.read_text().removeprefix(before)
    assert "shorter than its anchor" in caplog.text


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_anchor SET sequence = 5 WHERE tenant_id = %(t)s",
        "UPDATE audit_anchor SET anchor_date = anchor_date - 9 WHERE tenant_id = %(t)s",
        "UPDATE audit_anchor SET signature = '\\x00' WHERE tenant_id = %(t)s",
        "UPDATE audit_anchor SET hash = '\\x00' WHERE tenant_id = %(t)s",
        "UPDATE audit_anchor SET key_id = 'mine' WHERE tenant_id = %(t)s",
        """INSERT INTO audit_anchor SELECT tenant_id, anchor_date - 1, 3, hash, key_id, signature
           FROM audit_anchor WHERE tenant_id = %(t)s""",
    ],
)
def test_a_forged_anchor_is_found(worker_database, keys, tenant, done, forgery):
    done([forgery])
    assert fault_of(worker_database, keys, tenant).kind == "FORGED_ANCHOR"


def test_an_anchor_of_another_hospital_is_forged(worker_database, keys, tenant, new_tenant, done, owner):
    other = new_tenant()
    owner.execute(
        "INSERT INTO audit_anchor SELECT %s, anchor_date, sequence, hash, key_id, signature FROM audit_anchor"
        " WHERE tenant_id = %s",
        [other.id, tenant.id],
    )
    # The chain is judged by true anchors alone.
    assert fault_of(worker_database, keys, other).kind == "FORGED_ANCHOR"


def test_a_forged_line_of_the_file_is_found(worker_database, keys, tenant, file):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        line["sequence"] += 1
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert fault_of(worker_database, keys, tenant, file).kind == "FORGED_ANCHOR"


def test_verifying_from_a_day_begins_at_the_anchor_before_it(
    worker_database, keys, tenant, owner, outbox, drain
):
    sequence, held, day = owner.execute(
        "SELECT sequence, hash, (anchor_date - 2)::text FROM audit_anchor WHERE tenant_id = %s", [tenant.id]
    ).fetchone()
    earlier = anchor.sign(anchor.Anchor(tenant.id, day, sequence, held), keys)
    owner.execute("DELETE FROM audit_anchor WHERE tenant_id = %s", [tenant.id])
    owner.execute(
        "INSERT INTO audit_anchor VALUES (%s, %s, %s, %s, %s, %s)",
        [tenant.id, day, sequence, held, earlier.key_id, earlier.signature],
    )
    outbox.put(tenant.id, 4)
    drain.run(tenant.id)
    owner.execute("UPDATE audit_event SET reason = 'x' WHERE tenant_id = %s AND sequence = 3", [tenant.id])
    verifier = Verifier(worker_database, keys)
    later = verifier.verify(tenant.id, since="9999-01-01")
    assert (later.fault, later.events) == (None, 4)
    assert verifier.verify(tenant.id, since=day).fault.sequence == 3
    owner.execute("UPDATE audit_event SET reason = 'x' WHERE tenant_id = %s AND sequence = 22", [tenant.id])
    assert verifier.verify(tenant.id, since="9999-01-01").fault.sequence == 22


def test_keys_of_before_there_were_anchors_sign_and_verify(tmp_path, keys, keys_file):
    content = json.loads(keys_file.read_text())
    del content["anchor"]
    (tmp_path / "old.json").write_text(json.dumps(content))
    old = keyring.load(tmp_path / "old.json")
    made = anchor.sign(anchor.Anchor(content["audit"][0]["key_id"], "2026-01-01", 1, b"h"), old)
    # Also once the list is there, and after other audit keys came in front.
    assert anchor.fault(made, keys) == ""
    assert keys.anchor[0].key_id != old.anchor[0].key_id
    assert anchor.fault(made, dataclasses.replace(keys, anchor=())) != ""


def test_a_torn_line_swallows_no_later_one(tenant, file, keys):
    with file.open("ab") as torn:
        torn.write(b'{"tenant_id": "')
    anchor_file.append(file, [anchor.sign(anchor.Anchor(tenant.id, "2026-01-01", 1, b"h"), keys)])
    assert anchor.from_line(file.read_bytes().splitlines()[-1], "").sequence == 1
    with pytest.raises(ConfigError, match="is no anchor"):
        anchor_file.read(file)


def test_the_command_takes_the_file_as_its_witness(
    database, keys_file, tenant, file, done, capsys, monkeypatch
):
    monkeypatch.setenv("HMS_WORKER_DATABASE_URL", database.worker)
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))
    given = argparse.Namespace(action="verify", tenant=tenant.id, since=None, anchors=None)
    done(CUT + NO_ANCHORS)
    assert command.run(given) == 0
    assert "without a witness" in capsys.readouterr().err
    given.anchors = file
    assert command.run(given) == 1
    given.anchors = None
    monkeypatch.setenv("HMS_ANCHOR_FILE", str(file))
    assert command.run(given) == 1
    assert "was cut off" in capsys.readouterr().out
    given.anchors = file.with_name("none")
    with pytest.raises(ConfigError, match="cannot read the anchors"):
        command.run(given)


def test_an_anchor_that_the_file_does_not_have_is_not_in_the_database(
    worker_database, keys, new_tenant, outbox, drain, owner, tmp_path
):
    tenant = new_tenant()
    outbox.put(tenant.id, 2)
    drain.run(tenant.id)
    with pytest.raises(OSError, match="no-such-folder"):
        Anchors(worker_database, keys, tmp_path / "no-such-folder" / "anchors").run()
    stored = "SELECT count(*) FROM audit_anchor WHERE tenant_id = %s"
    assert owner.execute(stored, [tenant.id]).fetchone() == (0,)
    assert Anchors(worker_database, keys, None).run() > 0
    assert owner.execute(stored, [tenant.id]).fetchone() == (1,)


def test_cron_writes_the_anchors_of_its_settings(
    database, keys_file, redis_url, new_tenant, outbox, drain, file
):
    tenant = new_tenant()
    outbox.put(tenant.id, 2)
    drain.run(tenant.id)
    settings = config.Settings(
        worker_database_url=database.worker, keys_file=keys_file, redis_url=redis_url, anchor_file=file
    )
    opened = parts.open_parts(settings, 2)
    (task,) = [task for task in cron.tasks(opened) if task.name == "audit_anchors"]
    task.work()
    opened.close()
    assert tenant.id in {each.tenant_id for each in anchor_file.read(file)}


@pytest.mark.parametrize("on", [True, False])
def test_cron_tells_the_audit_which_of_its_safeguards_are_on(
    on, database, keys_file, redis_url, owner, tmp_path
):
    """So that turning one off is on record."""
    folders = {"anchor_file": tmp_path / "anchors", "audit_archive_dir": tmp_path} if on else {}
    settings = config.Settings(
        worker_database_url=database.worker, keys_file=keys_file, redis_url=redis_url, **folders
    )
    opened = parts.open_parts(settings, 2)
    (task,) = [task for task in cron.tasks(opened) if task.name == "audit_safeguards"]
    task.work()
    opened.drain.run(ids.PLATFORM_TENANT)
    opened.close()
    told = owner.execute(
        "SELECT action, actor_name, reason FROM audit_event"
        " WHERE tenant_id = %s AND entity_type = 'audit_safeguards' ORDER BY sequence DESC LIMIT 1",
        [ids.PLATFORM_TENANT],
    ).fetchone()
    state = "ON" if on else "OFF"
    assert told == ("EXECUTE", "hms cron", f"ANCHOR_FILE:{state} ARCHIVE:{state} DATABASE_APART:OFF")
