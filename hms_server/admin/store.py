"""The admin room's statements, by what they are for. Each is queued; the caller flushes.

Those of the directory stand in directory_store.py.
"""

from __future__ import annotations

from typing import Any

import orjson

from hms_server.admin.rules import JSON_SETTINGS, RateLimits
from hms_server.context import CallLimits
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_SQL = load_queries("hms_server.admin")


def get_tenant(transaction: Transaction, tenant_id: str) -> Pending:
    """A hospital; in a platform transaction."""
    return transaction.queue(_SQL["get_tenant"], id=tenant_id)


def lock_tenant(transaction: Transaction, tenant_id: str) -> Pending:
    """A hospital, locked until the end of the transaction."""
    return transaction.queue(_SQL["lock_tenant"], id=tenant_id)


def list_tenants(transaction: Transaction, page: Page) -> Pending:
    """Hospitals in order of their codes, in reading order of the page."""
    if page.backward and page.key is not None:
        return transaction.queue(_SQL["list_tenants_backward"], before=page.key[0], limit=page.limit)
    after = "" if page.key is None else page.key[0]
    return transaction.queue(_SQL["list_tenants"], after=after, limit=page.limit)


def insert_tenant(
    transaction: Transaction,
    *,
    code: str,
    display_name: str,
    state: str,
    rate_limits: RateLimits,
    call_limits: CallLimits,
) -> None:
    """The tenant that was entered, with its settings and its counter of UHIDs."""
    transaction.queue(
        _SQL["insert_tenant"],
        code=code,
        display_name=display_name,
        state=state,
        rate_limits=orjson.dumps(rate_limits).decode(),
        call_limits=_stored(call_limits),
    )
    transaction.queue(_SQL["insert_settings"])
    transaction.queue(_SQL["insert_uhid_counter"])


def update_tenant(
    transaction: Transaction,
    *,
    display_name: str,
    state: str,
    rate_limits: RateLimits,
    call_limits: CallLimits,
    permission_step: int,
    actor_id: str,
) -> None:
    """The next version of the tenant that was entered; the present one is kept."""
    transaction.queue(
        _SQL["update_tenant"],
        display_name=display_name,
        state=state,
        rate_limits=orjson.dumps(rate_limits).decode(),
        call_limits=_stored(call_limits),
        permission_step=permission_step,
        actor_id=actor_id,
    )


def _stored(limits: CallLimits) -> str:
    """What is set of a tenant's limits, as the column holds it."""
    return orjson.dumps({name: value for name, value in limits._asdict().items() if value}).decode()


def get_settings(transaction: Transaction) -> Pending:
    """The tenant's settings."""
    return transaction.queue(_SQL["get_settings"])


def lock_settings(transaction: Transaction, new_time_zone: str) -> Pending:
    """The tenant's settings, locked, and whether the zone that is asked for stands (if one is)."""
    return transaction.queue(_SQL["lock_settings"], new_time_zone=new_time_zone)


def update_settings(transaction: Transaction, settings: dict[str, Any], *, actor_id: str) -> None:
    """The next version of the settings (every one of rules.SETTINGS_FIELDS); the present one is kept."""
    texts = {name: orjson.dumps(settings[name]).decode() for name in JSON_SETTINGS}
    transaction.queue(_SQL["update_settings"], **{**settings, **texts}, actor_id=actor_id)
