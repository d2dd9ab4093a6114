"""May the caller do this? Checked before anything of the request is looked at."""

from __future__ import annotations

from typing import Protocol

from hms_server import errors, ids
from hms_server.context import Call, Principal
from hms_server.edge.bound import BoundMethod, Handler


class Directory(Protocol):
    """Permissions of callers whose token carries no list."""

    def permissions(self, tenant_id: str, user_id: str, permission_version: int) -> frozenset[str]:
        """The permissions held at that version."""
        ...


class AuthorizationInterceptor:
    """Checks the method's permission, that platform methods are called from the platform, and that whoever
    must change his password does that first."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Methods that need no permission pass."""
        policy = method.policy
        if policy.access == "PUBLIC" or (policy.access == "AUTHENTICATED" and policy.before_password_change):
            return following
        if policy.access == "AUTHENTICATED":

            def unless_the_password_must_change(call: Call) -> object:
                _require_changed_password(call.caller)
                return following(call)

            return unless_the_password_must_change
        needed, directory = policy.permission, self._directory

        def handle(call: Call) -> object:
            caller = call.caller
            _require_changed_password(caller)
            held = caller.permissions
            if held is None:
                held = directory.permissions(caller.tenant_id, caller.user_id, caller.permission_version)
            if needed not in held or (policy.platform_only and caller.tenant_id != ids.PLATFORM_TENANT):
                raise errors.PermissionDenied(
                    f"This needs the permission {needed}.", metadata={"permission": needed}
                )
            return following(call)

        return handle


def _require_changed_password(caller: Principal) -> None:
    if caller.must_change_password:
        raise errors.PermissionDenied(
            "The password must be changed first: call ChangePassword, then refresh the token.",
            reason="PASSWORD_CHANGE_REQUIRED",
        )
