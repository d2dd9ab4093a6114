"""Names of the gate's keys in Redis. The tenant is the hash tag: one tenant, one slot of a cluster."""

from __future__ import annotations

import hashlib


def tenant(tenant_id: str) -> str:
    """Hash of the tenant's permission version and limits."""
    return f"hms:{{{tenant_id}}}:t"


def user(tenant_id: str, user_id: str) -> str:
    """A user's permission version."""
    return f"hms:{{{tenant_id}}}:u:{user_id}"


def session(tenant_id: str, session_id: str) -> str:
    """A session's state: '1' active, '0' revoked."""
    return f"hms:{{{tenant_id}}}:s:{session_id}"


def counter(tenant_id: str, tier: str, user_id: str = "") -> str:
    """Calls of a user, or of the whole tenant, in a tier's window."""
    return f"hms:{{{tenant_id}}}:c:{tier}:{user_id}"


def address_counter(tier: str, address: str, account: str) -> str:
    """Calls of an address (and account) that is not logged in."""
    who = hashlib.sha256(f"{address}\0{account}".encode()).hexdigest()[:32]
    return f"hms:{{{address}}}:c:{tier}:{who}"


def address_block(address: str) -> str:
    """Set while an address is blocked."""
    return f"hms:{{{address}}}:block"
