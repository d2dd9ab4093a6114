"""May the caller do this? Checked before anything of the request is looked at."""

from __future__ import annotations

from typing import Protocol

from hms_server import errors, ids
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler


class Directory(Protocol):
    """Permissions of callers whose token carries no list."""

    def permissions(self, tenant_id: str, user_id: str, permission_version: int) -> frozenset[str]:
        """The permissions held at that version."""
        ...


class AuthorizationInterceptor:
    """Checks the method's permission, and that platform methods are called from the platform."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Methods that need no permission pass."""
        policy = method.policy
        if policy.access != "PERMISSION":
            return following
        needed, directory = policy.permission, self._directory

        def handle(call: Call) -> object:
            caller = call.caller
            held = caller.permissions
            if held is None:
                held = directory.permissions(caller.tenant_id, caller.user_id, caller.permission_version)
            if needed not in held or (policy.platform_only and caller.tenant_id != ids.PLATFORM_TENANT):
                raise errors.PermissionDenied(
                    f"This needs the permission {needed}.", metadata={"permission": needed}
                )
            return following(call)

        return handle
