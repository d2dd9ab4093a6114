"""Loads from PostgreSQL what the gate must know of a caller: one statement, one flush."""

from __future__ import annotations

from typing import Any

from hms_server import ids
from hms_server.context import CallLimits
from hms_server.database.transaction import Database
from hms_server.gate.state import GateState
from hms_server.identity import rules, store


class GateLoader:
    """What the gate asks when Redis does not know, or is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: dict[str, str] = {}

    def tenant_of(self, name: str) -> str:
        """The id of the tenant that a login names; empty where there is none. Codes never change."""
        if ids.is_uuid(name.lower()):
            return name.lower()
        if not rules.is_tenant_code(name):
            return ""
        found = self._tenants.get(name)
        if found is None:
            with self._database.platform_transaction() as transaction:
                pending = store.find_tenant(transaction, name)
            if pending.first is None:
                return ""
            found = self._tenants[name] = str(pending.first.id)
        return found

    def load(self, tenant_id: str, user_id: str, session_id: str) -> GateState | None:
        """The state; None where there is no such tenant or user."""
        with self._database.tenant_transaction(tenant_id) as transaction:
            pending = store.gate_state(transaction, user_id, session_id)
        row = pending.first
        if row is None:
            return None
        return GateState(
            tenant_permission_version=row.tenant_permission_version,
            tenant_row_version=row.tenant_row_version,
            tenant_state=row.tenant_state,
            user_permission_version=row.user_permission_version,
            user_state=row.user_state,
            session_active=row.session_active,
            rate_limits=limits(row.rate_limits),
            call_limits=call_limits(row.call_limits),
        )


def limits(stored: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    """A tenant's rate limits as the gate takes them, from the column `rate_limits`."""
    return {tier: (calls, seconds) for tier, (calls, seconds) in stored.items()}


def call_limits(stored: dict[str, Any]) -> CallLimits:
    """What a tenant's calls may be at most, from the column `call_limits`."""
    return CallLimits(**stored)
