"""The tenant that leaves: its row, and the record of what is done to it in both chains."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import psycopg

from hms_server import ids
from hms_server.context import Call, MethodPolicy
from hms_server.database import audited
from hms_server.errors import ConfigError

_ROW = "SELECT id::text, code, display_name, state, version, update_time FROM tenant WHERE code = %s"
_AUDIT = """
INSERT INTO audit_outbox (tenant_id, event_id, record, outcome) VALUES (%s, %s, %s::text::jsonb, 'OK')
"""


@dataclasses.dataclass(frozen=True, slots=True)
class LeavingTenant:
    """A row of `tenant`."""

    id: str
    code: str
    display_name: str
    state: str
    version: int
    update_time: datetime.datetime


def find(connection: psycopg.Connection[Any], code: str, *, lock: bool = False) -> LeavingTenant:
    """The tenant of that code, locked against every change where that is asked for; raises ConfigError."""
    row = connection.execute(f"{_ROW}{' FOR UPDATE' if lock else ''}".encode(), [code]).fetchone()
    if row is None:
        raise ConfigError(f"no tenant has the code {code!r}")
    if row[0] == ids.PLATFORM_TENANT:
        raise ConfigError("the platform itself is no hospital")
    return LeavingTenant(*row)


def record(
    connection: psycopg.Connection[Any],
    tenant: LeavingTenant,
    *,
    command: str,
    action: str,
    operator: str,
    reason: str,
    new_version: int = 0,
) -> None:
    """Leaves an audit record in the platform's chain and in the tenant's own: its staff did it, to them."""
    policy = MethodPolicy(
        full_name=command,
        access="PUBLIC",
        permission="",
        rate_tier="EXEMPT",
        audit_action=action,
        replica_ok=False,
        entity_type="tenant",
        platform_only=True,
    )
    call = Call(policy, {})
    call.request_id = ids.uuid7()
    versions = {"old_version": tenant.version, "new_version": new_version} if new_version else {}
    fields = audited.record(call, entity_id=tenant.id, actor_name=operator, reason=reason, **versions)
    for chain in (ids.PLATFORM_TENANT, tenant.id):
        connection.execute(_AUDIT, [chain, audited.new_event_id(), fields])
