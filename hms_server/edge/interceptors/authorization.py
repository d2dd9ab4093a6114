"""May the caller do this? Checked before anything of the request is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hms_server import errors, ids
from hms_server.context import Call, MethodPolicy, Principal
from hms_server.edge.bound import BoundMethod, Handler


class Directory(Protocol):
    """Permissions of callers whose token carries no list."""

    def permissions(self, tenant_id: str, user_id: str, permission_version: int) -> frozenset[str]:
        """The permissions held in the whole hospital at that version."""
        ...

    def limited(self, tenant_id: str, user_id: str, permission_version: int) -> Mapping[str, frozenset[str]]:
        """The permissions held in some departments only, with these."""
        ...


class AuthorizationInterceptor:
    """Checks the method's permission, that platform methods are called from the platform, that whoever holds
    it in some departments only calls what honours that, and that whoever must change his password does that
    first."""

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
            if policy.platform_only and caller.tenant_id != ids.PLATFORM_TENANT:
                raise _missing(needed)
            if needed not in held:
                call.departments = self._departments(caller, policy)
            return following(call)

        return handle

    def _departments(self, caller: Principal, policy: MethodPolicy) -> frozenset[str]:
        """The departments in which a caller holds the method's permission who does not hold it in the whole
        hospital. Closed unless the method says that it honours them."""
        limited = caller.limited
        if caller.permissions is None:
            limited = self._directory.limited(caller.tenant_id, caller.user_id, caller.permission_version)
        departments = limited.get(policy.permission)
        if not departments:
            raise _missing(policy.permission)
        if not policy.department_scoped:
            raise errors.PermissionDenied(
                f"This needs the permission {policy.permission} in the whole hospital; the caller holds it in"
                " some departments only.",
                reason="DEPARTMENT_LIMITED",
                metadata={"permission": policy.permission},
            )
        return departments


def _missing(permission: str) -> errors.PermissionDenied:
    return errors.PermissionDenied(
        f"This needs the permission {permission}.", metadata={"permission": permission}
    )


def _require_changed_password(caller: Principal) -> None:
    if caller.must_change_password:
        raise errors.PermissionDenied(
            "The password must be changed first: call ChangePassword, then refresh the token.",
            reason="PASSWORD_CHANGE_REQUIRED",
        )
