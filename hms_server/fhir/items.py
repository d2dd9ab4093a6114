"""The resources of a bundle that HMS keeps, on their way into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hms_server.fhir.bundle import Entry
from hms_server.fhir.identity import Key, Known
from hms_server.fhir.references import KINDS
from hms_server.fhir.translate import Draft

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
DIRECTORY = ("ORGANIZATION", "LOCATION", "PRACTITIONER")
ROLE = "PRACTITIONER_ROLE"


class Item:
    """One resource. `known` is what it became earlier; without it the resource is new."""

    __slots__ = ("digest", "draft", "entity_id", "entry", "kind", "known", "outcome", "patient_id")

    def __init__(self, entry: Entry, digest: bytes) -> None:
        self.entry = entry
        self.kind = KINDS[entry.type]
        self.digest = digest
        self.known: Known | None = None
        # The record it is; of a role, its practitioner. "" for a new role until that is resolved
        self.entity_id = ""
        # There while there is anything to do
        self.draft: Draft | None = None
        # Of clinical records: whose they are, once that is resolved
        self.patient_id = ""
        self.outcome = UNCHANGED

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.entry.type, self.entry.source_id

    @property
    def is_unchanged(self) -> bool:
        """Whether it was taken over already, just as it is."""
        return self.known is not None and self.known.digest == self.digest

    @property
    def to_do(self) -> Draft:
        """The draft of one that is not unchanged."""
        if self.draft is None:
            raise RuntimeError("the resource has no draft")
        return self.draft


class Outcome:
    """What became of a bundle."""

    def __init__(self) -> None:
        # By FHIR type and outcome
        self.counts: Counter[tuple[str, str]] = Counter()
        # By FHIR type
        self.skipped: Counter[str] = Counter()
        # By path: "Patient.photo"
        self.left_out: Counter[str] = Counter()

    def count(self, items: Iterable[Item]) -> None:
        """Counts the items by their outcome."""
        self.counts.update((item.entry.type, item.outcome) for item in items)

    def leave_out(self, item: Item, paths: Iterable[str]) -> None:
        """Notes paths of a resource that HMS has no place for."""
        self.left_out.update(f"{item.entry.type}.{path}" for path in paths)


def by_kind(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items by kind."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.kind, []).append(item)
    return found


Row = dict[str, Any]
