"""Names of the gate's keys in Redis. The tenant is the hash tag: one tenant, one slot of a cluster."""

from __future__ import annotations

import functools
import hashlib
import ipaddress

# Where ids of tenants are published whose rules of addresses changed.
ADDRESS_CHANNEL = "hms:address-rules"
# Where ids of tenants are published whose limits of calls changed.
LIMITS_CHANNEL = "hms:call-limits"


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


def of_address(tier: str, address: str) -> list[str]:
    """An address that is not logged in: calls of a tier, its block, how often it was blocked."""
    whose = f"hms:{{{network(address)}}}"
    return [f"{whose}:c:{tier}", f"{whose}:block", f"{whose}:blocks"]


def login(account: str, address: str) -> list[str]:
    """Tries to log in: those of one address, those of all, and whether the address is known."""
    whose = f"hms:{{login:{_digest(account)}}}"
    own = f"{whose}:{_digest(network(address))}"
    return [
        *(f"{own}:{part}" for part in ("c", "block", "blocks")),
        *(f"{whose}:{part}" for part in ("c", "block", "blocks")),
        f"{own}:known",
    ]


@functools.lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Who is counted as one: an address, of IPv6 the /64 that one subscriber has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
