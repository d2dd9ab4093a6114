"""Each interceptor alone: what it lets pass and what it refuses."""

from __future__ import annotations

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import clock, errors, ids
from hms_server.edge.interceptors.authentication import AuthenticationInterceptor
from hms_server.edge.interceptors.authorization import AuthorizationInterceptor
from hms_server.edge.interceptors.deadline import DeadlineInterceptor
from hms_server.edge.interceptors.errors import ErrorInterceptor
from hms_server.edge.interceptors.gate import GateInterceptor
from hms_server.edge.interceptors.request_id import RequestIdInterceptor
from hms_server.edge.interceptors.validation import ValidationInterceptor
from hms_server.edge.status import StatusError
from hms_server.gate.addresses import AddressBook
from hms_server.gate.allowances import Allowances
from hms_server.gate.gate import Quota, RateLimited
from hms_server.policy import load_policies
from tests.unit.edge_fixtures import TENANT, USER, call, method, principal


class Denials:
    def __init__(self):
        self.recorded = []

    def record(self, call, code, reason, *, tenant_id=""):
        self.recorded.append((code, reason))


class FakeGate:
    """Answers what it is told to; counts what it was asked."""

    def __init__(self, error=None):
        self.error = error
        self.failures = []
        self.forgiven = []
        self.allowances = Allowances()

    @property
    def strangers(self):
        return self

    def check(self, principal, tier, weight=1):
        self.weight = weight
        if self.error:
            raise self.error
        return Quota(100, 99, 60)

    def check_address(self, tier, address):
        return self.check(None, tier)

    def check_block(self, address):
        return self.check(None, "")

    def check_login(self, account, address):
        return self.check(None, "LOGIN")

    def report_failure(self, address):
        self.failures.append(address)

    def forgive(self, account, address):
        self.forgiven.append(account)


def open_book():
    """No rules of addresses."""
    return AddressBook(lambda tenant: [])


class Transport:
    def __init__(self, remaining, active=True):
        self.remaining = remaining
        self.active = active
        self.callback = None

    def time_remaining(self):
        return self.remaining

    def add_callback(self, callback):
        self.callback = callback
        return self.active


def test_a_well_formed_request_id_and_trace_are_kept():
    made = call({"x-request-id": "abc-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    RequestIdInterceptor().bind(method(), lambda c: None)(made)
    assert (made.request_id, made.trace_id) == ("abc-1", "a" * 32)
    assert ("x-request-id", "abc-1") in made.response_headers


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"b', "é"])
def test_a_malformed_request_id_is_replaced(given):
    made = call({"x-request-id": given})
    RequestIdInterceptor().bind(method(), lambda c: None)(made)
    assert made.request_id == made.trace_id
    assert len(made.trace_id) == 32


def test_an_unexpected_exception_becomes_internal_without_its_text():
    def fail(c):
        raise ValueError("Asha Rao, 98765 43210")

    with pytest.raises(StatusError) as caught:
        ErrorInterceptor(Denials(), lambda tenant: None).bind(method(), fail)(call())
    assert caught.value.code == "INTERNAL"
    assert "Asha" not in str(caught.value.status)


def test_a_denial_leaves_an_audit_record():
    def refuse(c):
        raise errors.PermissionDenied("no")

    denials = Denials()
    nudged = []
    made = call()
    made.principal = principal()
    with pytest.raises(StatusError):
        ErrorInterceptor(denials, nudged.append).bind(method(), refuse)(made)
    assert denials.recorded == [("PERMISSION_DENIED", "PERMISSION_DENIED")]
    assert nudged == [TENANT]


def test_an_ordinary_refusal_leaves_no_denial_record():
    def refuse(c):
        raise errors.NotFound("no such patient")

    denials = Denials()
    with pytest.raises(StatusError):
        ErrorInterceptor(denials, lambda tenant: None).bind(method(), refuse)(call())
    assert denials.recorded == []


@pytest.mark.parametrize(("first", "records"), [(True, 1), (False, 0)])
def test_only_the_first_refusal_over_a_limit_is_audited(first, records):
    def refuse(c):
        raise RateLimited("slow down", "RATE_LIMITED", Quota(5, 0, 9), 9.0, first)

    denials = Denials()
    made = call()
    with pytest.raises(StatusError) as caught:
        ErrorInterceptor(denials, lambda tenant: None).bind(method(), refuse)(made)
    assert len(denials.recorded) == records
    assert ("retry-after", "9") in made.response_headers
    kinds = {d.type_url.rpartition(".")[2] for d in caught.value.status.details}
    assert kinds == {"ErrorInfo", "RetryInfo", "QuotaFailure"}


def test_a_served_and_audited_call_nudges_the_drain():
    def serve(c):
        c.audited = True
        return "answer"

    nudged = []
    made = call()
    made.principal = principal()
    assert ErrorInterceptor(Denials(), nudged.append).bind(method(), serve)(made) == "answer"
    assert nudged == [TENANT]


@pytest.mark.parametrize("mailed", [True, False])
def test_a_call_that_asked_for_mail_wakes_a_worker_and_no_other_does(mailed):
    def serve(c):
        c.mailed = mailed
        return "answer"

    nudged = []
    made = call()
    made.principal = principal()
    interceptor = ErrorInterceptor(Denials(), lambda tenant_id: None, nudged.append)
    assert interceptor.bind(method(), serve)(made) == "answer"
    assert nudged == ([TENANT] if mailed else [])


def test_a_call_without_deadline_gets_the_ceiling():
    made = call()
    made.transport = Transport(9.2e18)
    DeadlineInterceptor(15.0).bind(method(), lambda c: None)(made)
    assert 0 < made.deadline - clock.monotonic() <= 15.0


def test_a_passed_deadline_is_refused_before_the_work():
    made = call()
    made.transport = Transport(0)
    with pytest.raises(errors.DeadlineExceeded):
        DeadlineInterceptor(15.0).bind(method(), lambda c: pytest.fail("served"))(made)


def test_work_for_a_caller_who_is_gone_is_dropped():
    made = call()
    made.transport = Transport(5, active=False)
    with pytest.raises(errors.Cancelled):
        DeadlineInterceptor(15.0).bind(method(), lambda c: pytest.fail("served"))(made)


def test_a_caller_who_goes_away_stops_the_running_statement():
    made = call()
    made.transport = Transport(5)
    stopped = []

    def serve(c):
        c.on_cancel(lambda: stopped.append(True))
        made.transport.callback()

    DeadlineInterceptor(15.0).bind(method(), serve)(made)
    assert stopped == [True]


def test_a_caller_who_went_away_a_moment_ago_gets_no_statement_started():
    made = call()
    made.cancel()
    with pytest.raises(errors.Cancelled):
        made.on_cancel(lambda: pytest.fail("there is nothing to stop"))


class Verifier:
    def __init__(self, error=None):
        self.error = error

    def verify(self, token):
        if self.error:
            raise self.error
        return principal()


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer "])
def test_a_missing_or_foreign_scheme_is_refused(header):
    chain = AuthenticationInterceptor(Verifier(), lambda a: None).bind(
        method(), lambda c: pytest.fail("served")
    )
    with pytest.raises(errors.Unauthenticated):
        chain(call({"authorization": header}))


def test_a_valid_token_names_the_caller():
    made = call({"authorization": "bearer abc"})
    AuthenticationInterceptor(Verifier(), lambda a: None).bind(method(), lambda c: None)(made)
    assert made.caller.user_id == USER


def test_a_forged_token_counts_against_its_address():
    failures = []
    chain = AuthenticationInterceptor(Verifier(errors.Unauthenticated("forged")), failures.append).bind(
        method(), lambda c: pytest.fail("served")
    )
    with pytest.raises(errors.Unauthenticated):
        chain(call({"authorization": "Bearer x"}))
    assert failures == ["192.0.2.7"]


def test_an_expired_token_is_no_attack():
    failures = []
    error = errors.Unauthenticated("expired", reason="TOKEN_EXPIRED")
    chain = AuthenticationInterceptor(Verifier(error), failures.append).bind(method(), lambda c: None)
    with pytest.raises(errors.Unauthenticated):
        chain(call({"authorization": "Bearer x"}))
    assert failures == []


def test_the_gate_tells_what_is_left():
    made = call()
    made.principal = principal()
    GateInterceptor(FakeGate(), open_book(), str).bind(method(), lambda c: None)(made)
    assert dict(made.response_headers) == {
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "99",
        "x-ratelimit-reset": "60",
    }


def test_a_call_weighs_what_its_method_says():
    made, gate = call(), FakeGate()
    made.principal = principal()
    weighty = load_policies()["hms.patient.v1.PatientService/ListDuplicatePairs"]
    GateInterceptor(gate, open_book(), str).bind(method(weight=weighty.weight), lambda c: None)(made)
    assert gate.weight == weighty.weight == 5


def test_a_refusal_of_the_gate_tells_it_too():
    made = call()
    made.principal = principal()
    error = RateLimited("slow down", "RATE_LIMITED", Quota(100, 0, 7), 7.0, True)
    with pytest.raises(RateLimited):
        GateInterceptor(FakeGate(error), open_book(), str).bind(method(), lambda c: pytest.fail("served"))(
            made
        )
    assert dict(made.response_headers)["x-ratelimit-remaining"] == "0"


class Directory:
    def permissions(self, tenant_id, user_id, permission_version):
        return frozenset({"patient.read"})


@pytest.mark.parametrize("held", [frozenset({"patient.read", "x"}), None])
def test_the_methods_permission_opens_it(held):
    made = call()
    made.principal = principal(permissions=held)
    chain = AuthorizationInterceptor(Directory()).bind(method(), lambda c: "served")
    assert chain(made) == "served"


def test_another_permission_does_not_open_it():
    made = call()
    made.principal = principal(permissions=frozenset({"user.read"}))
    with pytest.raises(errors.PermissionDenied):
        AuthorizationInterceptor(Directory()).bind(method(), lambda c: None)(made)


@pytest.mark.parametrize("access", ["PERMISSION", "AUTHENTICATED"])
def test_whoever_must_change_his_password_is_told_so(access):
    chain = AuthorizationInterceptor(None).bind(method(access=access), lambda c: pytest.fail("served"))
    made = call()
    made.principal = principal(must_change_password=True)
    with pytest.raises(errors.PermissionDenied) as caught:
        chain(made)
    assert caught.value.reason == "PASSWORD_CHANGE_REQUIRED"


def test_the_change_of_the_password_itself_is_open():
    opened = method(access="AUTHENTICATED", before_password_change=True)
    made = call()
    made.principal = principal(must_change_password=True)
    assert AuthorizationInterceptor(None).bind(opened, lambda c: "served")(made) == "served"


def test_a_platform_method_is_closed_to_a_hospitals_administrator():
    made = call()
    made.principal = principal(permissions=frozenset({"tenant.read"}))
    chain = AuthorizationInterceptor(Directory()).bind(
        method(permission="tenant.read", platform_only=True), lambda c: "served"
    )
    with pytest.raises(errors.PermissionDenied):
        chain(made)
    made.principal = principal(permissions=frozenset({"tenant.read"}), tenant_id=ids.PLATFORM_TENANT)
    assert chain(made) == "served"


def test_every_violation_is_told_at_once():
    bound = method()
    bound = type(bound)(bound.policy, pb.CreatePatientRequest, 1000)
    made = call()
    made.request = pb.CreatePatientRequest(
        patient=pb.Patient(gender="x", names=[pb.HumanName(use="y")]), request_id="z"
    ).SerializeToString()
    with pytest.raises(errors.InvalidArgument) as caught:
        ValidationInterceptor().bind(bound, lambda c: pytest.fail("served"))(made)
    assert {v.field for v in caught.value.violations} == {
        "patient.gender",
        "patient.names[0].use",
        "request_id",
    }


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xff\xff", "MALFORMED_REQUEST"),
        (b"\x0a\x02\xc3\x28", "MALFORMED_REQUEST"),  # not UTF-8
        (b"\x0a" + b"\x7f" * 2000, "REQUEST_TOO_LARGE"),
    ],
)
def test_unreadable_bytes_are_refused_with_their_reason(raw, reason):
    made = call()
    made.request = raw
    with pytest.raises(errors.InvalidArgument) as caught:
        ValidationInterceptor().bind(method(), lambda c: pytest.fail("served"))(made)
    assert caught.value.reason == reason


def test_nul_characters_are_refused_by_field():
    bound = type(method())(method().policy, pb.CreatePatientRequest, 1000)
    made = call()
    made.request = pb.CreatePatientRequest(
        patient=pb.Patient(names=[pb.HumanName(family_name="Ra\0o")])
    ).SerializeToString()
    with pytest.raises(errors.InvalidArgument) as caught:
        ValidationInterceptor().bind(bound, lambda c: pytest.fail("served"))(made)
    assert caught.value.violations[0].field == "patient.names.family_name"
