"""`hms platform clear-address-rules`: lets everybody in again, also where nobody can call any more."""

from __future__ import annotations

from hms_server import config, errors, ids
from hms_server.admin import address_store as store
from hms_server.cache import client as redis_client
from hms_server.context import Call, MethodPolicy
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.gate_state import GateLoader

# The command stands in for a method, so that its audit record says what ended the rules.
_POLICY = MethodPolicy(
    full_name="hms platform clear-address-rules",
    access="PUBLIC",
    permission="",
    rate_tier="EXEMPT",
    audit_action="DELETE",
    replica_ok=False,
    entity_type="address_rule",
    platform_only=True,
)


def clear(database: Database, settings: config.Settings, tenant: str) -> str:
    """Ends every rule of a tenant (its code or id), of the platform where none is named.

    Raises NotFound for a tenant that does not stand.
    """
    tenant_id = GateLoader(database).tenant_of(tenant) if tenant else ids.PLATFORM_TENANT
    if not tenant_id:
        raise errors.NotFound(f"there is no tenant {tenant}")
    call = Call(_POLICY, {})
    call.request_id = ids.uuid7()
    with database.tenant_transaction(tenant_id, call) as transaction:
        ended = store.delete_all(transaction)
        transaction.flush()
        for row in ended.rows:
            transaction.audit(entity_id=row.id, actor_name=_POLICY.full_name)
    if not settings.redis_url:
        return f"ended {len(ended.rows)} rules; HMS_REDIS_URL is not set: in force within 60 seconds"
    GatePublisher(redis_client.connect(settings.redis_url, settings)).addresses_changed(tenant_id)
    return f"ended {len(ended.rows)} rules"
