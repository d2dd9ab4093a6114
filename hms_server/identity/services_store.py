"""The statements on service accounts, by what they are for. Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.identity.service_assertions import Used
from hms_server.identity.service_keys import ServiceKey

_SQL = load_queries("hms_server.identity", "services.sql")


class StoredKey(NamedTuple):
    """A key of a service account; times in microseconds since 1970."""

    kid: str
    algorithm: str
    public_key: str
    create_micros: int
    expire_micros: int | None


def keys_of(row: Any) -> list[StoredKey]:
    """The column `keys` of a row."""
    return [StoredKey(*key) for key in row.keys]


def load_login(transaction: Transaction, client_id: str, kid: str) -> Pending:
    """Tenant and account for a check of the secret or of an assertion signed with the key `kid`."""
    return transaction.queue(_SQL["load_service_login"], client_id=client_id, kid=kid)


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


def open_session_by_key(
    transaction: Transaction,
    *,
    session_id: str,
    client_id: str,
    kid: str,
    public_key: str,
    refresh_hash: bytes,
    address: str,
    seconds: int,
) -> Pending:
    """A new session; no row where account or key changed since the assertion was checked."""
    return transaction.queue(
        _SQL["open_session_by_key"],
        session_id=session_id,
        client_id=client_id,
        kid=kid,
        public_key=public_key,
        refresh_hash=refresh_hash,
        address=address,
        seconds=seconds,
    )


def use_assertion(transaction: Transaction, client_id: str, used: Used) -> Pending:
    """Notes that the assertion is used up; nothing is affected where it was before."""
    transaction.queue(_SQL["forget_assertions"], client_id=client_id)
    return transaction.queue(
        _SQL["use_assertion"], client_id=client_id, jti_hash=used.jti_hash, expire_time=used.expire_time
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
    secret_hash: bytes | None,
) -> None:
    """A new service account; None: without a secret."""
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


def set_secret(
    transaction: Transaction, account_id: str, secret_hash: bytes | None, keep_seconds: int
) -> None:
    """Another secret, or none; the present one works on for `keep_seconds`."""
    transaction.queue(
        _SQL["set_service_secret"], id=account_id, secret_hash=secret_hash, keep_seconds=keep_seconds
    )


def put_key(
    transaction: Transaction, account_id: str, key: ServiceKey, ends: float | None, actor_id: str
) -> None:
    """A new key, or another end of one that stands."""
    transaction.queue(
        _SQL["put_service_key"],
        id=account_id,
        kid=key.kid,
        algorithm=key.algorithm,
        public_key=key.pem,
        expire_time=ends,
        actor_id=actor_id,
    )


def remove_key(transaction: Transaction, account_id: str, kid: str) -> None:
    """Removes a key."""
    transaction.queue(_SQL["remove_service_key"], id=account_id, kid=kid)
