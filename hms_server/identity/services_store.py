"""The statements on service accounts, by what they are for. Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Iterable

from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_SQL = load_queries("hms_server.identity", "services.sql")


def load_login(transaction: Transaction, client_id: str) -> Pending:
    """Tenant and account for a check of the secret."""
    return transaction.queue(_SQL["load_service_login"], client_id=client_id)


def open_session(
    transaction: Transaction,
    *,
    session_id: str,
    client_id: str,
    secret_hash: bytes,
    refresh_hash: bytes,
    address: str,
    seconds: int,
) -> Pending:
    """A new session; no row where the account changed since the secret was checked."""
    return transaction.queue(
        _SQL["open_service_session"],
        session_id=session_id,
        client_id=client_id,
        secret_hash=secret_hash,
        refresh_hash=refresh_hash,
        address=address,
        seconds=seconds,
    )


def get(transaction: Transaction, account_id: str) -> Pending:
    """A service account."""
    return transaction.queue(_SQL["get_service_account"], id=account_id)


def list_accounts(transaction: Transaction, page: Page) -> Pending:
    """Service accounts in order of their names, in reading order of the page."""
    if page.backward and page.key is not None:
        return transaction.queue(_SQL["list_service_accounts_backward"], before=page.key[0], limit=page.limit)
    after = "" if page.key is None else page.key[0]
    return transaction.queue(_SQL["list_service_accounts"], after=after, limit=page.limit)


def insert(
    transaction: Transaction,
    *,
    account_id: str,
    name: str,
    display_name: str,
    state: str,
    permissions: Iterable[str],
    secret_hash: bytes,
) -> None:
    """A new service account."""
    transaction.queue(
        _SQL["insert_service_user"],
        id=account_id,
        username=name,
        username_key=name.lower(),
        display_name=display_name,
        state=state,
    )
    transaction.queue(
        _SQL["insert_service_account"],
        id=account_id,
        permissions=sorted(permissions),
        secret_hash=secret_hash,
    )


def update(
    transaction: Transaction,
    *,
    account_id: str,
    display_name: str,
    state: str,
    permission_step: int,
    actor_id: str,
) -> None:
    """The next version of a service account; the present one is kept. Comes before what else changes."""
    transaction.queue(
        _SQL["update_service_user"],
        id=account_id,
        display_name=display_name,
        state=state,
        permission_step=permission_step,
        actor_id=actor_id,
    )


def set_permissions(transaction: Transaction, account_id: str, permissions: Iterable[str]) -> None:
    """Exactly these permissions."""
    transaction.queue(_SQL["set_service_permissions"], id=account_id, permissions=sorted(permissions))


def set_secret(transaction: Transaction, account_id: str, secret_hash: bytes, keep_seconds: int) -> None:
    """Another secret; the present one works on for `keep_seconds`."""
    transaction.queue(
        _SQL["set_service_secret"], id=account_id, secret_hash=secret_hash, keep_seconds=keep_seconds
    )
