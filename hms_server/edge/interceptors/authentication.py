"""Who calls: verifies the bearer token (RFC 6750). Fails closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hms_server import errors
from hms_server.context import Call, Principal
from hms_server.edge.bound import BoundMethod, Handler


class Verifier(Protocol):
    """Verifies access tokens; raises Unauthenticated."""

    def verify(self, token: str) -> Principal:
        """The token's claims."""
        ...


class AuthenticationInterceptor:
    """Sets call.principal for every method that is not public."""

    def __init__(self, verifier: Verifier, report_failure: Callable[[str], None]) -> None:
        self._verifier = verifier
        self._report_failure = report_failure

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Public methods pass without looking at a token."""
        if method.policy.access == "PUBLIC":
            return following
        verify = self._verifier.verify

        def handle(call: Call) -> object:
            header = call.metadata.get("authorization", "")
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise errors.Unauthenticated("Send 'Authorization: Bearer <access token>': log in for one.")
            try:
                call.principal = verify(token)
            except errors.Unauthenticated as error:
                if error.reason != "TOKEN_EXPIRED":
                    self._report_failure(call.address)
                raise
            return following(call)

        return handle
