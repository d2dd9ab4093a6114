"""The key of the audit chain is rotated while a drain runs, and the whole chain still verifies."""

from __future__ import annotations

from hms_server import clock, keyfile, keyring
from hms_server.audit.drain import Drain
from hms_server.audit.verify import Verifier


def test_a_chain_goes_on_under_a_new_key(tmp_path, monkeypatch, new_tenant, outbox, worker_database, owner):
    path = tmp_path / "keys.json"
    keyfile.create(path)
    live = keyring.KeyFile(path)
    drain, tenant = Drain(worker_database, live), new_tenant()
    outbox.put(tenant.id, 3)
    drain.run(tenant.id)
    keyfile.rotate(path, signing=False, audit=True)
    outbox.put(tenant.id, 2)
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + keyring.LOOK_SECONDS)
    drain.run(tenant.id)
    newest, first = (key_id for key_id, _ in keyring.load(path).audit)
    rows = owner.execute(
        "SELECT key_id FROM audit_event WHERE tenant_id = %s ORDER BY sequence", [tenant.id]
    ).fetchall()
    assert [key_id for (key_id,) in rows] == [first] * 3 + [newest] * 2
    assert Verifier(worker_database, keyring.load(path)).verify(tenant.id).fault is None
