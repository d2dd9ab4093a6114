"""What stands of the records that a bundle touches: read first, and looked at once more under locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hms_server import errors
from hms_server.admin import bulk as directory
from hms_server.database.transaction import Pending, Transaction
from hms_server.fhir.identity import Identities
from hms_server.fhir.items import DIRECTORY, ROLE, Item
from hms_server.fhir.resolve import CLINICAL, Resolver, Survivor, Target
from hms_server.patient import bulk as patients


class Look:
    """The records from before that the drafts of a bundle change or refer to."""

    def __init__(self, drafted: Sequence[Item], resolver: Resolver) -> None:
        refers = set(resolver.standing(drafted))
        changes = {(item.kind, item.entity_id) for item in drafted if item.known is not None}
        changes.update(("PRACTITIONER", found) for found in _of_roles(drafted, resolver))
        self._entries = {kind: _ids(changes, (kind,)) for kind in DIRECTORY}
        self._patients = _ids(changes, ("PATIENT",))
        self._living = _ids(refers | changes, ("PATIENT",))
        self._records = _ids(refers, CLINICAL)
        self._pendings: list[Pending] = []
        self._living_pending: Pending | None = None
        self._owners: Pending | None = None
        # By id, of those that change: id, version, document, ...
        self.present: dict[str, Any] = {}

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to look at."""
        return bool(any(self._entries.values()) or self._living or self._records)

    def queue(self, transaction: Transaction) -> None:
        """Queues the look-ups. What changes is locked until the transaction ends, in one order."""
        self._pendings = [
            directory.load(transaction, kind, found) for kind, found in self._entries.items() if found
        ]
        if self._living:
            self._living_pending = patients.survivors(transaction, self._living)
        if self._patients:
            self._pendings.append(patients.load(transaction, self._patients))

    def queue_owners(self, identities: Identities) -> None:
        """Queues the look-up of whose the records are that are referred to."""
        if self._records:
            self._owners = identities.owners(self._records)

    def take(self, resolver: Resolver) -> None:
        """Takes what the first flush found."""
        self.present = self._rows()
        resolver.survivors = self._survivors()
        resolver.hidden = frozenset(self._living) - resolver.survivors.keys()
        if self._owners is not None:
            resolver.owners = {row.id: row.patient_id for row in self._owners.rows}

    def require_same(self, resolver: Resolver) -> None:
        """Raises ConcurrentChange where another flush found something else."""
        found = self._rows()
        is_same = found.keys() == self.present.keys() and all(
            row.version == self.present[entry_id].version for entry_id, row in found.items()
        )
        if not is_same or self._survivors() != resolver.survivors:
            raise errors.ConcurrentChange("A record of the bundle is being changed: try again.")

    def _rows(self) -> dict[str, Any]:
        return {row.id: row for pending in self._pendings for row in pending.rows}

    def _survivors(self) -> dict[str, Survivor]:
        rows = self._living_pending.rows if self._living_pending is not None else ()
        return {row.id: Survivor(row.survivor_id, row.deleted) for row in rows}


def _of_roles(drafted: Iterable[Item], resolver: Resolver) -> Iterable[str]:
    """Practitioners from before who get a role or lose one."""
    for item in drafted:
        if item.kind != ROLE:
            continue
        if item.known is not None:
            yield item.known.entity_id
        for slot in item.to_do.slots:
            meant = resolver.find(slot.reference) if slot.path == ("practitioner_id",) else None
            if isinstance(meant, Target) or (meant is not None and meant.known is not None):
                yield meant.entity_id


def _ids(pairs: Iterable[tuple[str, str]], kinds: Iterable[str]) -> list[str]:
    wanted = set(kinds)
    return sorted({entity_id for kind, entity_id in pairs if kind in wanted and entity_id})
