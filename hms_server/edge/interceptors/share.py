"""Tells the call threads whose token this is, so that each hospital's calls wait in a queue of their own."""

from __future__ import annotations

from collections.abc import Callable

from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler


class ShareInterceptor:
    """Of methods with a token, once it is verified. `learn` takes the header and the tenant."""

    def __init__(self, learn: Callable[[str, str], None]) -> None:
        self._learn = learn

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Public methods have no token."""
        if method.policy.access == "PUBLIC":
            return following
        learn = self._learn

        def handle(call: Call) -> object:
            learn(call.metadata["authorization"], call.caller.tenant_id)
            return following(call)

        return handle
