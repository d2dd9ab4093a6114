"""Whoever owns the database cannot make a chain begin later than it was archived: verifying names it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hms_server.audit import anchor_file
from hms_server.audit.anchoring import Anchors
from hms_server.audit.verify import Verifier
from tests.fix_retention import LATER, LONG_AGO, NOW, month


@pytest.fixture
def tenant(new_tenant, old, retention):
    """A hospital of which two months were dropped (events 1-8, 9-12) and one stands (13-15)."""
    made = new_tenant()
    old.plant(made.id, LONG_AGO, 8)
    old.plant(made.id, LATER, 4)
    old.plant(made.id, NOW, 3)
    assert retention.run() == 2
    old.told(made.id)  # 16 and 17
    return made


DROPPED = f"audit_event_{month(7):%Y%m}"
ATTACKS = {
    "a chain without any checkpoint": (
        "DELETE FROM audit_checkpoint WHERE tenant_id = %(t)s",
        (1, "DELETION", "events 1 to 12 are gone, and no checkpoint tells"),
    ),
    "the last checkpoint taken away": (
        "DELETE FROM audit_checkpoint WHERE tenant_id = %(t)s AND first_sequence = 9",
        (9, "DELETION", "events 9 to 12 are gone, and no checkpoint tells"),
    ),
    "the first checkpoint taken away": (
        "DELETE FROM audit_checkpoint WHERE tenant_id = %(t)s AND first_sequence = 1",
        (1, "CHECKPOINT", "events 1 to 8 are gone, and no checkpoint tells"),
    ),
    "a checkpoint that is said not to be dropped": (
        "UPDATE audit_checkpoint SET drop_time = NULL WHERE tenant_id = %(t)s AND first_sequence = 9",
        (9, "DELETION", "events 9 to 12 are gone"),
    ),
    "a checkpoint moved on over events that are deleted": (
        (
            "WITH gone AS (DELETE FROM audit_event WHERE tenant_id = %(t)s AND sequence = 13 RETURNING hash)"
            " UPDATE audit_checkpoint c SET sequence = 13, hash = gone.hash FROM gone"
            " WHERE tenant_id = %(t)s AND first_sequence = 9"
        ),
        (13, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "a checkpoint's first event": (
        "UPDATE audit_checkpoint SET first_sequence = 8 WHERE tenant_id = %(t)s AND first_sequence = 9",
        (12, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "a checkpoint's month": (
        "UPDATE audit_checkpoint SET month = month + 31 WHERE tenant_id = %(t)s AND first_sequence = 9",
        (12, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "a checkpoint's hash": (
        r"UPDATE audit_checkpoint SET hash = '\x00' WHERE tenant_id = %(t)s AND first_sequence = 9",
        (12, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "a checkpoint's key": (
        "UPDATE audit_checkpoint SET key_id = 'mine' WHERE tenant_id = %(t)s AND first_sequence = 9",
        (12, "FORGED_CHECKPOINT", "'mine' is not in HMS_KEYS_FILE"),
    ),
    "events that are said to stand": (
        """UPDATE audit_checkpoint SET standing = '[{"sequence": 12, "record_time": "", "previous": "",
           "hash": ""}]' WHERE tenant_id = %(t)s AND first_sequence = 9""",
        (12, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "nonsense in the list of those": (
        "UPDATE audit_checkpoint SET standing = '[1]' WHERE tenant_id = %(t)s AND first_sequence = 9",
        (12, "FORGED_CHECKPOINT", "its signature does not hold"),
    ),
    "the first event behind the checkpoint deleted": (
        "DELETE FROM audit_event WHERE tenant_id = %(t)s AND sequence = 13",
        (13, "DELETION", "there is no event of this number"),
    ),
    "an event before the checkpoint": (
        (
            'INSERT INTO audit_event SELECT (jsonb_populate_record(e, (\'{"sequence": 5, "id": "\''
            " || gen_random_uuid() || '\"}')::jsonb)).* FROM audit_event e"
            " WHERE e.tenant_id = %(t)s AND e.sequence = 13"
        ),
        (5, "INSERTION", "names no event of this number"),
    ),
    "a link to an event of before": (
        (
            "INSERT INTO audit_event_patient SELECT tenant_id, gen_random_uuid(), now(), 5 FROM audit_chain"
            " WHERE tenant_id = %(t)s"
        ),
        (5, "LINKS", "whom no event names"),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_by_the_owner_of_the_database_is_found_and_named(attack, tenant, owner, fault_of):
    statement, (sequence, kind, reason) = ATTACKS[attack]
    assert fault_of(tenant.id) is None
    assert owner.execute(statement, {"t": tenant.id}).rowcount >= 1
    fault = fault_of(tenant.id)
    assert (fault.sequence, fault.kind) == (sequence, kind)
    assert reason in fault.reason


def test_a_checkpoint_of_another_tenant_is_of_no_use(tenant, new_tenant, old, owner, fault_of):
    victim = new_tenant()
    old.plant(victim.id, NOW, 12)
    owner.execute("DELETE FROM audit_event WHERE tenant_id = %s AND sequence <= 8", [victim.id])
    owner.execute(
        "INSERT INTO audit_checkpoint SELECT (jsonb_populate_record(c, %s::jsonb)).* FROM audit_checkpoint c"
        " WHERE c.tenant_id = %s AND c.first_sequence = 1",
        [json.dumps({"tenant_id": victim.id}), tenant.id],
    )
    assert fault_of(victim.id).kind == "FORGED_CHECKPOINT"


def test_a_month_that_was_dropped_by_hand_is_named(new_tenant, old, owner, fault_of, retention):
    tenant = new_tenant()
    old.plant(tenant.id, LONG_AGO, 8)
    old.plant(tenant.id, NOW, 2)
    for parent in ("audit_event", "audit_event_patient"):
        owner.execute(f"DROP TABLE {parent}_{LONG_AGO:%Y%m}")
    fault = fault_of(tenant.id)
    assert (fault.sequence, fault.kind) == (1, "DELETION")
    assert "events 1 to 8 are gone" in fault.reason


def test_everything_dropped_leaves_a_chain_that_goes_on(new_tenant, old, retention, fault_of, drain, owner):
    tenant = new_tenant()
    old.plant(tenant.id, LONG_AGO, 8)
    assert retention.run() == 1
    assert (old.count(tenant.id), fault_of(tenant.id)) == (0, None)
    assert owner.execute("SELECT sequence FROM audit_chain WHERE tenant_id = %s", [tenant.id]).fetchone() == (
        8,
    )
    assert len(old.told(tenant.id)) == 1
    assert fault_of(tenant.id) is None
    # Its last link taken away, nobody begins it anew.
    owner.execute("DELETE FROM audit_event WHERE tenant_id = %s", [tenant.id])
    owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    old._outbox.put(tenant.id)
    with pytest.raises(Exception, match="last link is gone"):
        drain.run(tenant.id)


def test_anchors_of_after_the_checkpoint_still_find_truncation(
    tenant, worker_database, keys, tmp_path, owner, fault_of
):
    file = tmp_path / "anchors.jsonl"
    Anchors(worker_database, keys, file).run()
    owner.execute("DELETE FROM audit_event WHERE tenant_id = %s AND sequence > 14", [tenant.id])
    owner.execute(
        "UPDATE audit_chain c SET sequence = 14, hash = e.hash FROM audit_event e"
        " WHERE c.tenant_id = %(t)s AND e.tenant_id = %(t)s AND e.sequence = 14",
        {"t": tenant.id},
    )
    owner.execute("DELETE FROM audit_event_patient WHERE tenant_id = %s AND sequence > 14", [tenant.id])
    assert fault_of(tenant.id).kind == "TRUNCATION"
    owner.execute("DELETE FROM audit_anchor WHERE tenant_id = %s", [tenant.id])
    assert fault_of(tenant.id) is None
    witnesses = anchor_file.read(file)
    assert Verifier(worker_database, keys, witnesses=witnesses).verify(tenant.id).fault.kind == "TRUNCATION"


def test_an_anchor_of_a_dropped_event_does_not_disturb(
    new_tenant, old, retention, worker_database, keys, fault_of
):
    tenant = new_tenant()
    old.plant(tenant.id, LONG_AGO, 8)
    Anchors(worker_database, keys, None).run()
    old.plant(tenant.id, LONG_AGO, 2)
    old.plant(tenant.id, NOW, 2)
    assert retention.run() == 1
    assert (fault_of(tenant.id), fault_of(tenant.id, f"{NOW.year + 1}-01-01")) == (None, None)


def test_a_tenant_whose_audit_is_all_archived_is_still_known(
    new_tenant, old, retention, worker_database, keys, owner
):
    tenant = new_tenant()
    old.plant(tenant.id, LONG_AGO, 8)
    retention.run()
    owner.execute("DELETE FROM audit_outbox")
    owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    verifier = Verifier(worker_database, keys)
    assert tenant.id in dict(verifier.tenants())


def test_an_older_key_of_anchors_still_verifies_checkpoints(tenant, worker_database, keys):
    rotated = dataclasses.replace(keys, anchor=(*keys.certificate, *keys.anchor))
    assert Verifier(worker_database, rotated).verify(tenant.id).fault is None
