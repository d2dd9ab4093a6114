"""The identity room's statements, by what they are for. Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.identity import password_store
from hms_server.identity.system_roles import SystemRole

_SQL = load_queries("hms_server.identity")
# Above every id of ours.
_LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class HeldRole(NamedTuple):
    """A role as far as permissions go."""

    code: str
    system: bool
    all_permissions: bool
    permissions: Sequence[str]
    # where it is held in some departments only: their ids
    departments: Sequence[str] | None = None


def held_roles(row: Any) -> list[HeldRole]:
    """The column `roles` of a row."""
    return [HeldRole(*role) for role in row.roles]


# Sessions


def find_tenant(transaction: Transaction, code: str) -> Pending:
    """The id of a tenant by its code; needs a platform transaction."""
    return transaction.queue(_SQL["find_tenant"], code=code)


def load_login(transaction: Transaction, username_key: str) -> Pending:
    """Tenant and user for a password check."""
    return transaction.queue(_SQL["load_login"], username_key=username_key)


def open_session(
    transaction: Transaction,
    *,
    session_id: str,
    user_id: str,
    password_hash: str,
    refresh_hash: bytes,
    address: str,
    seconds: int,
) -> Pending:
    """A new session, of `seconds` where the tenant has no time of its own; no row where the user changed
    since the password was checked."""
    return transaction.queue(
        _SQL["open_session"],
        session_id=session_id,
        user_id=user_id,
        password_hash=password_hash,
        refresh_hash=refresh_hash,
        address=address,
        seconds=seconds,
    )


def rehash_password(transaction: Transaction, user_id: str, old: str, new: str) -> None:
    """Today's parameters for the same password."""
    transaction.queue(_SQL["rehash_password"], user_id=user_id, password_hash=old, new_hash=new)


def lock_session(transaction: Transaction, session_id: str) -> Pending:
    """A session with its user, locked until the end of the transaction."""
    return transaction.queue(_SQL["lock_session"], session_id=session_id)


def rotate_session(transaction: Transaction, session_id: str, refresh_hash: bytes) -> None:
    """The next refresh token takes the present one's place."""
    transaction.queue(_SQL["rotate_session"], session_id=session_id, refresh_hash=refresh_hash)


def revoke_session(transaction: Transaction, session_id: str, reason: str) -> None:
    """Ends a session."""
    transaction.queue(_SQL["revoke_session"], session_id=session_id, reason=reason)


def revoke_sessions_of_user(
    transaction: Transaction, user_id: str, reason: str, keep_session_id: str = ids.NIL
) -> Pending:
    """Ends every session of a user but one; the rows name those that were ended."""
    return transaction.queue(
        _SQL["revoke_sessions_of_user"],
        user_id=user_id,
        reason=reason,
        keep_session_id=keep_session_id,
    )


def list_sessions(transaction: Transaction, user_id: str, page: Page) -> Pending:
    """Sessions of a user that stand, newest first, in reading order of the page."""
    if page.backward and page.key is not None:
        return transaction.queue(
            _SQL["list_sessions_backward"], user_id=user_id, after=page.key[0], limit=page.limit
        )
    before = _LAST_ID if page.key is None else page.key[0]
    return transaction.queue(_SQL["list_sessions"], user_id=user_id, before=before, limit=page.limit)


def gate_state(transaction: Transaction, user_id: str, session_id: str) -> Pending:
    """What the gate must know of a caller."""
    return transaction.queue(_SQL["gate_state"], user_id=user_id, session_id=session_id)


# The tenant, as far as users and roles need it


def lock_tenant(transaction: Transaction) -> Pending:
    """Makes changes of users and roles of one tenant take turns."""
    return transaction.queue(_SQL["lock_tenant"])


def bump_tenant_permissions(transaction: Transaction) -> Pending:
    """Every token of the tenant is stale from here on."""
    return transaction.queue(_SQL["bump_tenant_permissions"])


# Users


def load_roles_of(transaction: Transaction, user_id: str) -> Pending:
    """The roles that a user holds, as one row."""
    return transaction.queue(_SQL["load_roles_of"], user_id=user_id)


def get_user(transaction: Transaction, user_id: str) -> Pending:
    """A user with the codes of his roles."""
    return transaction.queue(_SQL["get_user"], id=user_id)


def find_user(transaction: Transaction, username_key: str) -> Pending:
    """Id and state of a user by name."""
    return transaction.queue(_SQL["find_user"], username_key=username_key)


def list_users(transaction: Transaction, page: Page) -> Pending:
    """Users in order of their names, in reading order of the page."""
    return _list(transaction, "list_users", page)


def insert_user(
    transaction: Transaction,
    *,
    user_id: str,
    username: str,
    password_hash: str,
    display_name: str = "",
    email: str = "",
    state: str = "ACTIVE",
    must_change_password: bool = False,
) -> None:
    """A new user without roles."""
    transaction.queue(
        _SQL["insert_user"],
        id=user_id,
        username=username,
        username_key=username.lower(),
        display_name=display_name,
        email=email,
        state=state,
        password_hash=password_hash,
        must_change_password=must_change_password,
    )


def update_user(
    transaction: Transaction,
    *,
    user_id: str,
    display_name: str,
    email: str,
    state: str,
    password_hash: str | None,
    must_change_password: bool,
    permission_step: int,
    actor_id: str,
) -> None:
    """The next version of a user; the present one is kept. None leaves the password."""
    if password_hash is not None:
        password_store.keep(transaction, user_id)
    transaction.queue(
        _SQL["update_user"],
        id=user_id,
        display_name=display_name,
        email=email,
        state=state,
        password_hash=password_hash,
        must_change_password=must_change_password,
        permission_step=permission_step,
        actor_id=actor_id,
    )


def set_user_roles(transaction: Transaction, user_id: str, role_ids: Sequence[str]) -> None:
    """Exactly these roles."""
    parameters = {"user_id": user_id, "role_ids": list(role_ids)}
    transaction.queue(_SQL["remove_user_roles"], **parameters)
    transaction.queue(_SQL["add_user_roles"], **parameters)


def set_limited_roles(transaction: Transaction, user_id: str, limits: Sequence[tuple[str, str]]) -> None:
    """Exactly these roles in departments: pairs of the ids of a role and of a department."""
    parameters = {
        "user_id": user_id,
        "role_ids": [role_id for role_id, _ in limits],
        "department_ids": [department_id for _, department_id in limits],
    }
    transaction.queue(_SQL["remove_limited_roles"], **parameters)
    transaction.queue(_SQL["add_limited_roles"], **parameters)


def find_departments(transaction: Transaction, department_ids: Sequence[str]) -> Pending:
    """Departments by id, and whether they are active; a missing one has no row."""
    return transaction.queue(_SQL["find_departments"], ids=list(department_ids))


def give_role(transaction: Transaction, user_id: str, code: str) -> None:
    """One more role."""
    transaction.queue(_SQL["give_role"], user_id=user_id, code=code)


def other_administrators(transaction: Transaction, user_id: str) -> Pending:
    """Whether an enabled administrator beside this user stands."""
    return transaction.queue(_SQL["other_administrators"], user_id=user_id)


# Roles


def find_roles(transaction: Transaction, codes: Sequence[str]) -> Pending:
    """Roles by code; a missing one has no row."""
    return transaction.queue(_SQL["find_roles"], codes=list(codes))


def get_role(transaction: Transaction, role_id: str) -> Pending:
    """A role."""
    return transaction.queue(_SQL["get_role"], id=role_id)


def list_roles(transaction: Transaction, page: Page) -> Pending:
    """Roles in order of their codes, in reading order of the page."""
    return _list(transaction, "list_roles", page)


def insert_role(
    transaction: Transaction,
    *,
    role_id: str,
    code: str,
    display_name: str,
    permissions: Sequence[str],
) -> None:
    """A new role of the tenant's own."""
    transaction.queue(
        _SQL["insert_role"],
        id=role_id,
        code=code,
        display_name=display_name,
        permissions=sorted(permissions),
    )


def update_role(
    transaction: Transaction,
    *,
    role_id: str,
    display_name: str,
    permissions: Sequence[str],
    actor_id: str,
) -> None:
    """The next version of a role; the present one is kept."""
    transaction.queue(
        _SQL["update_role"],
        id=role_id,
        display_name=display_name,
        permissions=sorted(permissions),
        actor_id=actor_id,
    )


def delete_role(transaction: Transaction, role_id: str, actor_id: str) -> None:
    """Deletes a role; its last version is kept."""
    transaction.queue(_SQL["delete_role"], id=role_id, actor_id=actor_id)


def role_is_held(transaction: Transaction, role_id: str) -> Pending:
    """Whether a user holds the role, be it in a department only."""
    return transaction.queue(_SQL["role_is_held"], id=role_id)


def insert_system_roles(transaction: Transaction, roles: Sequence[SystemRole]) -> None:
    """The rows of system roles; those that stand are left."""
    transaction.queue(
        _SQL["insert_system_roles"],
        ids=[ids.uuid7() for _ in roles],
        codes=[role.code for role in roles],
        display_names=[role.display_name for role in roles],
        all_permissions=[role.all_permissions for role in roles],
    )


def _list(transaction: Transaction, name: str, page: Page) -> Pending:
    if page.backward and page.key is not None:
        return transaction.queue(_SQL[f"{name}_backward"], before=page.key[0], limit=page.limit)
    after = "" if page.key is None else page.key[0]
    return transaction.queue(_SQL[name], after=after, limit=page.limit)
