"""Permission version, session and rate limit: one Redis round trip (hms_server/gate)."""

from __future__ import annotations

from hms_server import errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.gate.gate import Gate, Quota, RateLimited

# Fields of requests that tell whose account is tried.
_ACCOUNT = ("tenant", "username", "client_id")


class GateInterceptor:
    """Lets a call pass or refuses it; the reply tells what is left of the quota."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """By access: callers with a token, callers without one, and those who log in."""
        tier = method.policy.rate_tier
        gate = self._gate

        def known(call: Call) -> object:
            _tell(call, _quota(call, lambda: gate.check(call.caller, tier)))
            return following(call)

        def unknown(call: Call) -> object:
            _tell(call, _quota(call, lambda: gate.check_address(tier, call.address)))
            return following(call)

        def login(call: Call) -> object:
            request = method.parse(call)
            account = "\0".join(getattr(request, name) for name in _ACCOUNT if hasattr(request, name)).lower()
            _tell(call, _quota(call, lambda: gate.check_address(tier, call.address, account)))
            try:
                response = following(call)
            except errors.Unauthenticated:
                gate.report_failure(call.address)
                raise
            gate.forgive(tier, call.address, account)
            return response

        if method.policy.access != "PUBLIC":
            return known
        if tier == "LOGIN":
            return login
        return following if tier == "EXEMPT" else unknown


def _quota(call: Call, ask: object) -> Quota:
    try:
        quota: Quota = ask()  # type: ignore[operator]
        return quota
    except RateLimited as error:
        _tell(call, error.quota)
        raise


def _tell(call: Call, quota: Quota) -> None:
    if quota.limit:
        call.response_headers += (
            ("x-ratelimit-limit", str(quota.limit)),
            ("x-ratelimit-remaining", str(quota.remaining)),
            ("x-ratelimit-reset", str(quota.reset_seconds)),
        )
