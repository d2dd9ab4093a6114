"""Calls the named SQL of mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.notify.kinds import Kind, Mail

_SQL = load_queries("hms_server.notify")


class Failed(NamedTuple):
    """A mail that failed for good, and the codes that say why."""

    tenant_id: str
    id: str
    recipient: int
    reply: str


class MailState(NamedTuple):
    """How many mails of all tenants wait and failed, and for how long the oldest waits."""

    waiting: int
    failed: int
    age_seconds: float


def ask_privacy_officers(
    transaction: Transaction,
    mail_id: str,
    kind: Kind,
    *,
    entity_id: str,
    detail: dict[str, object],
    actor_id: str,
    role_codes: Sequence[str],
) -> Pending:
    """A mail to each privacy officer of the tenant: recipient, 0 where there is nobody."""
    return transaction.queue(
        _SQL["ask_privacy_officers"],
        id=mail_id,
        kind=kind.name,
        permission=kind.permission,
        entity_id=entity_id,
        detail=orjson.dumps(detail).decode(),
        actor_id=actor_id,
        role_codes=list(role_codes),
    )


def waiting_tenants(database: Database, limit: int) -> list[str]:
    """Tenants with mails that are due, `limit` at most."""
    with database.platform_transaction() as transaction:
        waiting = transaction.queue(_SQL["waiting_tenants"], limit=limit)
    return [row.tenant_id for row in waiting.rows]


def take(database: Database, tenant_id: str, seconds: float) -> Mail | None:
    """The tenant's next mail that is due, for nobody else within `seconds`."""
    with database.tenant_transaction(tenant_id) as transaction:
        taken = transaction.queue(_SQL["take"], seconds=seconds)
    return _mail(taken)


def take_failed(database: Database, failed: Failed, seconds: float) -> Mail | None:
    """A mail that failed for good, waiting again; None where it is not there or has not failed."""
    with database.tenant_transaction(failed.tenant_id) as transaction:
        taken = transaction.queue(
            _SQL["take_failed"], id=failed.id, recipient=failed.recipient, seconds=seconds
        )
    return _mail(taken)


def end(database: Database, mail: Mail, state: str, reply: str = "") -> None:
    """A mail is SENT, or FAILED for good."""
    with database.tenant_transaction(mail.tenant_id) as transaction:
        transaction.queue(_SQL["end"], id=mail.id, recipient=mail.recipient, state=state, reply=reply)


def put_off(database: Database, mail: Mail, seconds: float, reply: str) -> None:
    """A mail is tried again after `seconds`."""
    with database.tenant_transaction(mail.tenant_id) as transaction:
        transaction.queue(_SQL["put_off"], id=mail.id, recipient=mail.recipient, seconds=seconds, reply=reply)


def failed(database: Database, seconds: float, limit: int) -> list[Failed]:
    """Mails that failed for good within the last `seconds`, `limit` at most."""
    with database.platform_transaction() as transaction:
        found = transaction.queue(_SQL["failed"], seconds=seconds, limit=limit)
    return [Failed(*row) for row in found.rows]


def mail_state(database: Database, ceiling: int) -> MailState:
    """What waits and what failed, counted up to `ceiling`."""
    with database.platform_transaction() as transaction:
        state = transaction.queue(_SQL["mail_state"], ceiling=ceiling)
    row = state.rows[0]
    return MailState(row.waiting, row.failed, max(row.age_seconds or 0.0, 0.0))


def _mail(taken: Pending) -> Mail | None:
    row = taken.first
    return None if row is None else Mail(**row._asdict())
