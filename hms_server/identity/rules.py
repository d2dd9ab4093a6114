"""Decisions of the identity room: no database, no clock, no grpc."""

from __future__ import annotations

import enum
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hms_server import errors
from hms_server.errors import FieldViolation
from hms_server.identity.permissions import Grants

USER_FIELDS = (
    "display_name",
    "email",
    "state",
    "role_codes",
    "limited_roles",
    "password",
    "must_change_password",
)
SERVICE_ACCOUNT_FIELDS = ("display_name", "state", "permissions")
USER_WRITE = "user.write"
ROLE_FIELDS = ("display_name", "permissions")

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_TENANT_CODE = re.compile(r"[a-z][a-z0-9-]{1,62}")
_AUDITED_NAME_CHARACTERS = 64


def username_key(username: str) -> str:
    """What makes a user name unique; empty for a text that cannot be one."""
    return username.lower() if _USERNAME.fullmatch(username) else ""


def is_tenant_code(text: str) -> bool:
    """Whether `text` can be a tenant's code."""
    return _TENANT_CODE.fullmatch(text) is not None


def audited_name(username: str) -> str:
    """The name that somebody gave, as the audit keeps it: short, and without NUL (jsonb has none)."""
    return username.replace("\0", "")[:_AUDITED_NAME_CHARACTERS]


# Sessions


def bad_credentials() -> errors.Unauthenticated:
    """Told alike for a wrong tenant, user name and password."""
    return errors.Unauthenticated("Wrong tenant, user name or password.", reason="BAD_CREDENTIALS")


def bad_service_credentials() -> errors.Unauthenticated:
    """Told alike for a wrong tenant, client id, secret and assertion."""
    return errors.Unauthenticated("Wrong tenant, client id, secret or assertion.", reason="BAD_CREDENTIALS")


def barred(tenant_state: str, user_state: str) -> errors.PermissionDenied | None:
    """Why somebody who proved who he is may not enter; None where he may."""
    if tenant_state != "ACTIVE":
        return errors.PermissionDenied("The tenant is suspended.", reason="TENANT_SUSPENDED")
    if user_state != "ACTIVE":
        return errors.PermissionDenied("The user is disabled.", reason="USER_DISABLED")
    return None


def wrong_present_password() -> errors.PermissionDenied:
    """Whoever changes his password must know it."""
    return errors.PermissionDenied("The present password is wrong.", reason="BAD_CREDENTIALS")


def ended() -> errors.Unauthenticated:
    """The session is over."""
    return errors.Unauthenticated("The session has ended: log in again.", reason="SESSION_REVOKED")


def reused() -> errors.Unauthenticated:
    """A refresh token came back after its time: somebody else may hold it."""
    return errors.Unauthenticated(
        "The refresh token was used before: the session is ended, log in again.",
        reason="REFRESH_TOKEN_REUSED",
    )


def token_end(now: float, session_end: float, idle_seconds: int | None) -> float:
    """When an access token of a session ends at the latest. Where sessions end by idleness it lives half of
    that time: a client in use then refreshes in time, and an idle one's token ends first."""
    return session_end if idle_seconds is None else min(session_end, now + idle_seconds / 2)


def require_to_see_sessions(*, own: bool, may_write_users: bool) -> None:
    """Sessions of others are for those who may change users."""
    if not own and not may_write_users:
        raise errors.PermissionDenied(
            f"Sessions of others need the permission {USER_WRITE}.", metadata={"permission": USER_WRITE}
        )


class RefreshUse(enum.Enum):
    """What a refresh token of a standing session is."""

    PRESENT = enum.auto()
    # the one before, a moment ago: another tab was first
    JUST_REPLACED = enum.auto()
    REUSED = enum.auto()


def refresh_use(digest: bytes, present: bytes, previous: bytes | None, in_grace: bool) -> RefreshUse:
    """Judges a genuine token of the session. One that is neither was replaced long ago."""
    if hmac.compare_digest(digest, present):
        return RefreshUse.PRESENT
    if in_grace and previous is not None and hmac.compare_digest(digest, previous):
        return RefreshUse.JUST_REPLACED
    return RefreshUse.REUSED


# Users


def check_new_user(user: Any) -> None:
    """What the proto cannot say of a user to be made."""
    violations = []
    if not user.username:
        violations.append(FieldViolation("user.username", "is required"))
    if not user.password:
        violations.append(FieldViolation("user.password", "is required"))
    _refuse(violations)


def check_user_changes(user: Any, fields: Collection[str], username: str) -> None:
    """What the proto cannot say of a change of the user who is called `username`."""
    violations = []
    if user.username and user.username != username:
        violations.append(FieldViolation("user.username", "cannot be changed"))
    if "state" in fields and not user.state:
        violations.append(FieldViolation("user.state", "is required"))
    if "password" in fields and not user.password:
        violations.append(FieldViolation("user.password", "is required"))
    _refuse(violations)


def check_role_codes(asked: Collection[str], found: Collection[str]) -> None:
    """Every role that a user is to hold must stand."""
    _refuse(
        [
            FieldViolation(f"user.role_codes[{i}]", "no role has this code")
            for i, code in enumerate(asked)
            if code not in found
        ]
    )


def check_limited_roles(
    asked: Sequence[Any],
    all_permissions: Mapping[str, bool],
    active: Mapping[str, bool],
    held: Collection[str] = (),
) -> None:
    """Every role that a user is to hold in departments must stand, once, and not be one of every permission;
    so must the departments: those that are closed can be kept (`held`), not added.

    `all_permissions` is of the roles that stand by code, `active` of the departments that stand by id.
    """
    violations = []
    for i, limited in enumerate(asked):
        path = f"user.limited_roles[{i}]"
        if limited.role_code not in all_permissions:
            violations.append(FieldViolation(f"{path}.role_code", "no role has this code"))
        elif all_permissions[limited.role_code]:
            violations.append(FieldViolation(f"{path}.role_code", "holds every permission: has no limits"))
        elif limited.role_code in [earlier.role_code for earlier in asked[:i]]:
            violations.append(
                FieldViolation(f"{path}.role_code", "stands twice: name all departments in one")
            )
        for j, department_id in enumerate(map(str.lower, limited.department_ids)):
            if department_id not in active:
                fault = "no such department"
            elif not active[department_id] and department_id not in held:
                fault = "is closed: nobody is limited to it anew"
            else:
                continue
            violations.append(FieldViolation(f"{path}.department_ids[{j}]", fault))
    _refuse(violations)


def require_grantable(caller: Grants, gained: Grants) -> None:
    """Nobody gives what he does not hold himself."""
    if caller.administrator:
        return
    beyond = sorted(caller.lacks(gained))
    if gained.administrator or beyond:
        raise errors.PermissionDenied(
            "Nobody can give permissions that he does not hold himself, or where he does not hold them.",
            metadata={"permissions": ",".join(beyond)[:500]},
        )


def require_not_above(caller: Grants, target: Grants) -> None:
    """Nobody changes a user who may do more: a new password would make him that user."""
    if caller.administrator:
        return
    if target.administrator or caller.lacks(target):
        raise errors.PermissionDenied("This user holds permissions that the caller does not hold.")


def require_administrator_stays(*, was_administrator: bool, is_administrator: bool, others: bool) -> None:
    """A tenant keeps at least one enabled administrator."""
    if was_administrator and not is_administrator and not others:
        raise errors.FailedPrecondition(
            "This is the tenant's last enabled administrator: name another one first."
        )


# Service accounts


def check_new_service_account(name: str) -> None:
    """What the proto cannot say of a service account to be made."""
    if not name:
        raise errors.invalid_field("service_account.name", "is required")


def check_service_account_changes(account: Any, fields: Collection[str], name: str) -> None:
    """What the proto cannot say of a change of the service account that is called `name`."""
    violations = []
    if account.name and account.name != name:
        violations.append(FieldViolation("service_account.name", "cannot be changed"))
    if "state" in fields and not account.state:
        violations.append(FieldViolation("service_account.state", "is required"))
    _refuse(violations)


# Roles


def check_new_role(code: str) -> None:
    """What the proto cannot say of a role to be made."""
    if not code:
        raise errors.invalid_field("role.code", "is required")


def check_permissions(asked: Collection[str], known: Collection[str], path: str = "role.permissions") -> None:
    """A role or service account holds permissions of the catalogue alone."""
    _refuse(
        [
            FieldViolation(f"{path}[{i}]", "no such permission")
            for i, permission in enumerate(asked)
            if permission not in known
        ]
    )


def check_role_changes(role: Any, code: str, system: bool) -> None:
    """What the proto cannot say of a change of the role whose code is `code`."""
    require_not_system(system)
    if role.code and role.code != code:
        raise errors.invalid_field("role.code", "cannot be changed")


def require_not_system(system: bool) -> None:
    """System roles are the platform's."""
    if system:
        raise errors.FailedPrecondition("System roles cannot be changed: make a role of your own.")


def _refuse(violations: list[FieldViolation]) -> None:
    if violations:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in violations[:5]),
            violations=tuple(violations),
        )
