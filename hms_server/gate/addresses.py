"""Which addresses may call: rules kept in each process, so that looking them up costs no trip.

A change is pushed to every process (Redis pub/sub, listener.py) and read anew by the next call. What was
pushed in vain is read after 30 s at the latest: with Redis away that is the bound.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hms_server import clock, errors, ids
from hms_server.gate.bounds import ADDRESS_RULES_SECONDS
from hms_server.telemetry import metrics

# Where PostgreSQL is away: how long what is known stands until it is asked again.
_AGAIN_SECONDS = 5.0
_MOST_ENTRIES = 10_000
# Refusals of one address leave one audit record in this time.
_AUDIT_SECONDS = 60.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rule(NamedTuple):
    """A rule in force: DENY or ALLOW, and a network as CIDR."""

    id: str
    action: str
    network: str


class AddressDenied(errors.PermissionDenied):
    """A rule of `tenant_id` refuses the address. `first` marks the refusal that is worth an audit record."""

    default_reason = "ADDRESS_DENIED"

    def __init__(self, first: bool, tenant_id: str) -> None:
        super().__init__("Calls from this address are refused: ask the administrator of the hospital.")
        self.first = first
        self.tenant_id = tenant_id


class RuleSet:
    """One tenant's rules. DENY comes before ALLOW; an ALLOW refuses whatever no ALLOW names."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._denied = [ipaddress.ip_network(r.network) for r in rules if r.action == "DENY"]
        self._allowed = [ipaddress.ip_network(r.network) for r in rules if r.action == "ALLOW"]
        self._decided: dict[str, bool] = {}

    def admits(self, address: str) -> bool:
        """Whether calls from there are let in."""
        if not (self._denied or self._allowed):
            return True
        decided = self._decided.get(address)
        if decided is None:
            decided = self._decide(address)
            if len(self._decided) >= _MOST_ENTRIES:
                self._decided.clear()
            self._decided[address] = decided
        return decided

    def _decide(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return True  # a socket of this machine has no address
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if any(parsed in network for network in self._denied):
            return False
        return not self._allowed or any(parsed in network for network in self._allowed)


class _Entry(NamedTuple):
    rules: RuleSet
    until: float


class AddressBook:
    """The rules of the tenants that call this process."""

    def __init__(self, load: Callable[[str], Sequence[Rule]]) -> None:
        self._load = load
        self._entries: dict[str, _Entry] = {}
        self._changes = 0
        self._lock = threading.Lock()
        self._refused: dict[tuple[str, str], float] = {}

    def check(self, tenant_id: str, address: str) -> None:
        """Raises AddressDenied; Unavailable where the rules were never read and cannot be."""
        entry = self._entries.get(tenant_id)
        if entry is None or entry.until <= clock.monotonic():
            entry = self._read(tenant_id, entry)
        if not entry.rules.admits(address):
            metrics.GATE.labels("address_denied").inc()
            raise AddressDenied(self._is_first(tenant_id, address), tenant_id)

    def changed(self, tenant_id: str) -> None:
        """The next call of the tenant reads its rules anew."""
        with self._lock:
            self._changes += 1
            entry = self._entries.get(tenant_id)
            if entry is not None:
                self._entries[tenant_id] = entry._replace(until=0.0)

    def all_changed(self) -> None:
        """News may have been missed: every tenant's rules are read anew."""
        with self._lock:
            self._changes += 1
            for tenant_id, entry in self._entries.items():
                self._entries[tenant_id] = entry._replace(until=0.0)

    def _read(self, tenant_id: str, before: _Entry | None) -> _Entry:
        # Their time runs from before they are read: reading may take long.
        changes, until = self._changes, clock.monotonic() + ADDRESS_RULES_SECONDS
        try:
            entry = _Entry(RuleSet(self._load(tenant_id)), until)
        except errors.HmsError:
            if before is None:
                raise
            metrics.GATE_FALLBACK.labels("addresses").inc()
            entry = before._replace(until=clock.monotonic() + _AGAIN_SECONDS)
        with self._lock:
            # Whoever logs in may name any hospital, also one that is not there: the oldest makes room.
            if tenant_id not in self._entries and len(self._entries) >= _MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
            # What changed while it was being read may be missing in it: good for this call alone.
            self._entries[tenant_id] = entry if changes == self._changes else entry._replace(until=0.0)
        return entry

    def _is_first(self, tenant_id: str, address: str) -> bool:
        now = clock.monotonic()
        with self._lock:
            if self._refused.get((tenant_id, address), 0.0) > now:
                return False
            self._refused.pop((tenant_id, address), None)
            if len(self._refused) >= _MOST_ENTRIES:
                del self._refused[next(iter(self._refused))]
            self._refused[tenant_id, address] = now + _AUDIT_SECONDS
            return True


def check_platform(book: AddressBook, address: str) -> None:
    """The platform's rules are everybody's; raises as `AddressBook.check` does."""
    book.check(ids.PLATFORM_TENANT, address)
