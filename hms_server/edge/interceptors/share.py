"""Tells the call threads whose token this is, so that each hospital's calls wait in a queue of their own."""

from __future__ import annotations

from hms_server import errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.known import KnownTokens


class ShareInterceptor:
    """Of methods with a token, once it is verified, and until its session is found to be over."""

    def __init__(self, known: KnownTokens) -> None:
        self._known = known

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Public methods have no token."""
        if method.policy.access == "PUBLIC":
            return following
        known = self._known

        def handle(call: Call) -> object:
            header, caller = call.metadata["authorization"], call.caller
            known.learn(header, caller.tenant_id, caller.expire_time)
            try:
                return following(call)
            except errors.Unauthenticated:
                known.forget(header)
                raise

        return handle
