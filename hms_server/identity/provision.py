"""What a new tenant needs of identity: its system roles and its first administrator.

Called by the admin room and by `hms platform create-admin`, inside their own transaction.
"""

from __future__ import annotations

from hms_server import ids
from hms_server.database.transaction import Pending, Transaction
from hms_server.identity import store, system_roles


def add_system_roles(transaction: Transaction, tenant_id: str) -> None:
    """Queues the tenant's system roles; those that stand are left."""
    store.insert_system_roles(transaction, list(system_roles.of_tenant(tenant_id).values()))


def add_administrator(
    transaction: Transaction,
    tenant_id: str,
    *,
    user_id: str,
    username: str,
    password_hash: str,
    must_change_password: bool = False,
) -> None:
    """Queues a user who holds the tenant's administrator role."""
    store.insert_user(
        transaction,
        user_id=user_id,
        username=username,
        password_hash=password_hash,
        must_change_password=must_change_password,
    )
    platform = tenant_id == ids.PLATFORM_TENANT
    role = system_roles.PLATFORM_ADMINISTRATOR if platform else system_roles.ADMINISTRATOR
    store.give_role(transaction, user_id, role.code)


def find_user(transaction: Transaction, username: str) -> Pending:
    """Queues a look for a user by name: id and state."""
    return store.find_user(transaction, username.lower())
