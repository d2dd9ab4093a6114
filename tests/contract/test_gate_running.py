"""Rules of addresses and limits on the running system: two server processes behind the gateway."""

from __future__ import annotations

import grpc
import pytest

from hms.admin.v1 import admin_pb2, admin_pb2_grpc, directory_pb2
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms.policy.v1 import policy_pb2
from hms_server import ids
from tests.fix_client import eventually, hospital, platform, reason, refused

FAR = "198.51.100.9"


@pytest.fixture(scope="module")
def servers(stack):
    """Stubs on connections of their own, which meet both processes; told to come from elsewhere."""
    target = stack.env["HMS_GRPC_TARGET"]
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(target, options) for _ in range(12)]
    yield [admin_pb2_grpc.AdminServiceStub(channel) for channel in channels]
    for channel in channels:
        channel.close()


def answers(servers, caller, address):
    """What each connection is told: OK or a reason."""
    found = set()
    for stub in servers:
        metadata = (*caller.metadata, ("x-forwarded-for", address))
        try:
            stub.ListDepartments(directory_pb2.ListDepartmentsRequest(), metadata=metadata, timeout=15)
            found.add("OK")
        except grpc.RpcError as error:
            found.add(reason(error)[1])
    return found


def rule(caller, action, network):
    body = {"action": f"ADDRESS_ACTION_{action}", "network": network}
    return caller.rest("POST", "/v1/addressRules", body)


def test_a_rule_is_in_force_on_every_process_and_for_that_hospital_alone(servers, ours, theirs):
    assert answers(servers, ours, FAR) == {"OK"}
    made = rule(ours, "DENY", "198.51.100.0/24")
    assert made.status == 200
    eventually(lambda: answers(servers, ours, FAR) == {"ADDRESS_DENIED"}, 2.0)
    assert answers(servers, ours, "192.0.2.7") == {"OK"}
    assert answers(servers, theirs, FAR) == {"OK"}
    refusal = eventually(lambda: denied(ours))[0]
    assert (refusal.outcome, refusal.address) == ("PERMISSION_DENIED", FAR)
    assert ours.rest("DELETE", f"/v1/addressRules/{made.json['id']}").status == 200
    eventually(lambda: answers(servers, ours, FAR) == {"OK"}, 2.0)


def denied(caller):
    return [event for event in caller.events() if event.reason == "ADDRESS_DENIED"]


def test_a_rule_that_would_refuse_its_maker_is_not_taken(ours):
    answer = rule(ours, "DENY", "127.0.0.0/8")
    assert (answer.status, answer.json["details"][0]["reason"]) == (400, "WRONG_STATE")
    assert rule(ours, "DENY", "127.0.0.1/8").status == 400


def test_the_platforms_rules_come_before_the_token_and_are_everybodys(servers, stack, ours):
    administrator = platform(stack)
    made = rule(administrator, "DENY", "203.0.113.0/24")
    assert made.status == 200
    ours_without_token = type("Nobody", (), {"metadata": ()})
    eventually(lambda: answers(servers, ours_without_token, "203.0.113.9") == {"ADDRESS_DENIED"}, 2.0)
    assert answers(servers, ours, "203.0.113.9") == {"ADDRESS_DENIED"}
    assert answers(servers, ours, FAR) == {"OK"}
    assert administrator.rest("DELETE", f"/v1/addressRules/{made.json['id']}").status == 200
    eventually(lambda: answers(servers, ours, "203.0.113.9") == {"OK"}, 2.0)
    administrator.close()


def test_a_limit_that_the_platform_changes_is_in_force_on_every_process_with_its_answer(
    servers, stack, theirs
):
    administrator = platform(stack)
    tier = policy_pb2.RATE_TIER_DEFAULT
    for calls, expected in ((5, {"OK", "RATE_LIMITED"}), (10_000_000, {"OK"})):
        limit = admin_pb2.RateLimit(tier=tier, limit=calls, window_seconds=3000 + calls % 7)
        request = admin_pb2.UpdateTenantRequest(
            tenant=admin_pb2.Tenant(id=theirs.tenant_id, rate_limits=[limit]), request_id=ids.uuid7()
        )
        administrator.admin.UpdateTenant(request, metadata=administrator.metadata, timeout=15)
        assert answers(servers, theirs, FAR) == expected
    administrator.close()


def test_a_refresh_from_a_denied_address_is_refused_by_every_process_and_ends_nothing(servers, stack):
    clinic = hospital(stack)
    rule(clinic, "DENY", "198.51.100.0/24")
    eventually(lambda: answers(servers, clinic, FAR) == {"ADDRESS_DENIED"}, 2.0)
    # Another of these addresses, since one leaves one event a minute.
    address = "198.51.100.77"
    request = identity_pb2.RefreshRequest(refresh_token=clinic.login.refresh_token)
    target = stack.env["HMS_GRPC_TARGET"]
    for _ in range(6):
        with grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            identity = identity_pb2_grpc.IdentityServiceStub(channel)
            metadata = (("x-forwarded-for", address),)
            assert refused(lambda i=identity, m=metadata: i.Refresh(request, metadata=m, timeout=15)) == (
                "PERMISSION_DENIED",
                "ADDRESS_DENIED",
            )
    events = eventually(lambda: [e for e in denied(clinic) if e.method.endswith("/Refresh")])
    assert {(e.outcome, e.address, e.actor_id) for e in events} == {
        ("PERMISSION_DENIED", address, clinic.user_id)
    }
    assert clinic.identity.Refresh(request, timeout=15).access_token
    clinic.close()
