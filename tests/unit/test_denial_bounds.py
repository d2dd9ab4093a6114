"""Nobody makes the audit grow without bound by being refused."""

from __future__ import annotations

import pytest

from hms_server import clock, ids
from hms_server.audit.denials import DenialBounds
from tests.unit.edge_fixtures import call, principal

METHODS = [f"hms.test.v1.Service/Method{n}" for n in range(40)]


@pytest.fixture
def bounds(monkeypatch):
    """Bounds whose clock is stepped by `bounds.now[0]`."""
    made = DenialBounds()
    made.now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: made.now[0])
    return made


def refused(method=METHODS[0], address="192.0.2.7", **who):
    made = call(full_name=method)
    made.address = address
    made.principal = principal(**who) if who else None
    return made


def recorded(bounds, calls, reason):
    return sum(bounds.admits(each, reason) for each in calls)


def test_a_suspended_hospitals_calls_leave_one_record_for_a_user_and_address_in_a_minute(bounds):
    flood = [refused(method, user_id="u") for method in METHODS for _ in range(50)]
    assert recorded(bounds, flood, "TENANT_SUSPENDED") == 1
    elsewhere = [refused(address="198.51.100.1", user_id="u"), refused(user_id="v")]
    assert recorded(bounds, elsewhere * 50, "TENANT_SUSPENDED") == 2
    bounds.now[0] += 60.0
    assert recorded(bounds, flood, "TENANT_SUSPENDED") == 1


def test_a_loop_of_denials_leaves_a_few_and_other_methods_and_people_leave_theirs(bounds):
    loop = [refused(user_id="u")] * 1000
    assert recorded(bounds, loop, "PERMISSION_DENIED") == 5
    assert recorded(bounds, [refused(METHODS[1], user_id="u")], "PERMISSION_DENIED") == 1
    assert recorded(bounds, [refused(user_id="v")], "PERMISSION_DENIED") == 1
    assert recorded(bounds, [refused(user_id="u")], "PASSWORD_CHANGE_REQUIRED") == 1


def test_callers_without_a_token_leave_a_few_for_their_network_whatever_they_call(bounds):
    flood = [refused(method) for method in METHODS] * 10
    assert recorded(bounds, flood, "TOKEN_INVALID") == 5
    # An IPv6 subscriber has as many addresses as he likes.
    many = [refused(address=f"2001:db8::{n:x}") for n in range(1000)]
    assert recorded(bounds, many, "TOKEN_EXPIRED") == 5


def test_a_flood_from_everywhere_has_a_bound_and_takes_no_hospitals_records(bounds):
    flood = [refused(address=f"10.{n // 256}.{n % 256}.1") for n in range(5000)]
    assert recorded(bounds, flood, "TOKEN_INVALID") == 500
    assert sum(map(len, bounds._counts.values())) <= 500
    assert recorded(bounds, [refused(user_id="u")], "PERMISSION_DENIED") == 1


def test_one_hospitals_denials_have_a_bound_and_take_no_other_hospitals(bounds):
    flood = [refused(method, user_id=str(n)) for n in range(100) for method in METHODS]
    assert recorded(bounds, flood, "PERMISSION_DENIED") == 500
    other = refused(tenant_id=ids.uuid7())
    assert recorded(bounds, [other], "PERMISSION_DENIED") == 1
    bounds.now[0] += 60.0
    assert bounds.admits(other, "PERMISSION_DENIED")
    assert len(bounds._counts) == 1
