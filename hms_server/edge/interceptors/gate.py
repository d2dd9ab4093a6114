"""Permission version, session and rate limit: one Redis round trip (hms_server/gate)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms_server import errors, ids
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.gate.addresses import AddressBook
from hms_server.gate.allowances import check_request
from hms_server.gate.answers import Quota, RateLimited
from hms_server.gate.gate import Gate

# Fields that tell, beside `tenant`, whose account is tried.
_ACCOUNT = ("username", "client_id")
# The field of a request that holds a one-time token and nothing else of whose it is.
_TOKEN = "token"  # noqa: S105 - a field's name


class GateInterceptor:
    """Lets a call pass or refuses it; the reply tells what is left of the quota.

    `tenant_of` gives the id of the tenant that a login names by code or id, empty where there is none.
    """

    def __init__(self, gate: Gate, book: AddressBook, tenant_of: Callable[[str], str]) -> None:
        self._gate = gate
        self._book = book
        self._tenant_of = tenant_of

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """By access: callers with a token, callers without one, and those who log in."""
        tier, weight = method.policy.rate_tier, method.policy.weight
        gate, strangers, book = self._gate, self._gate.strangers, self._book
        allowances = gate.allowances

        def known(call: Call) -> object:
            caller = call.caller
            if caller.tenant_id != ids.PLATFORM_TENANT:
                book.check(caller.tenant_id, call.address)
            _tell(call, _quota(call, lambda: gate.check(caller, tier, weight)))
            limits = allowances.of(caller.tenant_id)
            if limits is not None:
                call.limits = limits
                if isinstance(call.request, bytes):
                    check_request(len(call.request), limits)
            return following(call)

        def unknown(call: Call) -> object:
            _tell(call, _quota(call, lambda: strangers.check_address(tier, call.address)))
            return following(call)

        def login(call: Call) -> object:
            request = method.parse(call)
            _quota(call, lambda: strangers.check_block(call.address))
            account = self._account(request, call)
            _tell(call, _quota(call, lambda: strangers.check_login(account, call.address)))
            try:
                response = following(call)
            except errors.Unauthenticated:
                strangers.report_failure(call.address)
                raise
            strangers.forgive(account, call.address)
            return response

        def one_time(call: Call) -> object:
            token = f"{method.policy.full_name}\0{getattr(method.parse(call), _TOKEN)}"
            _quota(call, lambda: strangers.check_block(call.address))
            _tell(call, _quota(call, lambda: strangers.check_token(token, call.address)))
            try:
                return following(call)
            except (errors.Unauthenticated, RateLimited):
                strangers.report_failure(call.address)
                raise

        if method.policy.access != "PUBLIC":
            return known
        if tier == "LOGIN":
            return one_time if _TOKEN in method.request_class.DESCRIPTOR.fields_by_name else login
        return following if tier == "EXEMPT" else unknown

    def _account(self, request: Any, call: Call) -> str:
        """One name for one account, however it is spelt; raises AddressDenied.

        A request that names no account (a one-time token is all it holds) is counted by its address.
        """
        named = [name for name in _ACCOUNT if name in request.DESCRIPTOR.fields_by_name]
        if not named:
            return f"{call.method.full_name}\0{call.address}"
        tenant_id = self._tenant_of(request.tenant)
        if tenant_id:
            self._book.check(tenant_id, call.address)
        return "\0".join((tenant_id or request.tenant, *(getattr(request, name) for name in named))).lower()


def _quota(call: Call, ask: Callable[[], Quota]) -> Quota:
    try:
        return ask()
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
