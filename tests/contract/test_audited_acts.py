"""What must be in the audit beside reads and changes of records: denials of every RPC, log-outs, and what a
platform administrator does. (That each RPC of a hospital leaves its event: test_every_rpc.py.)"""

from __future__ import annotations

import grpc
import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2
from hms_server import ids
from hms_server.policy import load_policies
from tests.contract.strangers import methods
from tests.fix_client import PASSWORD, Caller, colleague, eventually, platform

# Begins of names of methods that change nothing.
READS = ("Get", "List", "Search", "BatchGet", "Find", "Preview", "Watch")


@pytest.mark.parametrize("name", sorted(load_policies()))
def test_no_rpc_that_does_something_goes_unaudited(name):
    policy = load_policies()[name]
    assert policy.audit_action != "NONE" or name.rpartition("/")[2].startswith(READS)


def test_a_denial_of_any_rpc_leaves_an_event(ours):
    nobody = colleague(ours)
    expected = set()
    for method in methods():
        if method.policy.access != "PERMISSION":
            continue
        with pytest.raises(grpc.RpcError) as caught:
            nobody.call(method.policy.full_name, method.request(), method.response)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED, method.name
        expected.add(method.policy.full_name)
    assert len(expected) > 50

    def denied():
        events = [
            e
            for e in ours.events(actor_id=nobody.user_id, page_size=1000)
            if e.outcome == "PERMISSION_DENIED"
        ]
        names = {e.method for e in events}
        return names if len(events) >= len(expected) else None

    assert eventually(denied) == expected


def test_a_log_out_leaves_an_event(ours, stack):
    caller = Caller(stack.env, ours.tenant, "admin", PASSWORD)
    caller.identity.Logout(identity_pb2.LogoutRequest(), metadata=caller.metadata)
    caller.close()
    found = eventually(lambda: [e for e in ours.events() if e.method.endswith("/Logout")])
    assert (found[0].outcome, found[0].actor_id) == ("OK", ours.user_id)


def test_a_new_hospital_and_a_change_of_its_limits_leave_events(stack):
    administrator = platform(stack)
    code = f"h{ids.uuid7()[-12:]}"
    tenant = administrator.admin.CreateTenant(
        admin_pb2.CreateTenantRequest(
            tenant=admin_pb2.Tenant(code=code, display_name=code),
            admin_username="admin",
            admin_password=PASSWORD,
        ),
        metadata=administrator.metadata,
    )
    tenant.rate_limits.add(tier="RATE_TIER_SEARCH", limit=7, window_seconds=60)
    administrator.admin.UpdateTenant(
        admin_pb2.UpdateTenantRequest(tenant=tenant), metadata=administrator.metadata
    )

    def about():
        found = [e for e in administrator.events(entity_id=tenant.id) if e.outcome == "OK"]
        return {e.action for e in found} if len(found) >= 2 else None

    assert eventually(about) >= {"CREATE", "UPDATE"}
    administrator.close()
