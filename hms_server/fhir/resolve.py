"""Puts the records that references mean into the fields of drafts. Pure: what the database knows is given.

A reference means the entry whose fullUrl or type and id it names, else what the same source brought in
earlier. One that means nothing is a fault. One to a resource that HMS does not keep is left out, unless
the record cannot be without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from hms_server.errors import FieldViolation
from hms_server.fhir.bundle import Entry
from hms_server.fhir.identity import Key, Known
from hms_server.fhir.items import ROLE, Item
from hms_server.fhir.references import KINDS
from hms_server.fhir.translate import Slot

_LOCAL = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]+)?")
_INDEX = re.compile(r"\[[0-9]+\]")
# Records that belong to one patient.
CLINICAL = frozenset(KINDS.values()) - {"PATIENT", "ORGANIZATION", "LOCATION", "PRACTITIONER", ROLE}


HIDDEN = "whose record is restricted: only who sees the patient can import this"


class Target(NamedTuple):
    """A record that a reference means; `kind` is "" where HMS does not keep the type."""

    type: str
    kind: str
    entity_id: str


class Survivor(NamedTuple):
    """Where a patient's record lives on, and whether it was deleted."""

    patient_id: str
    deleted: bool


class Resolver:
    """What the references of one bundle mean."""

    def __init__(self, entries: Iterable[Entry], items: Iterable[Item]) -> None:
        self._named: dict[str, Item | Target] = {}
        kept = {id(item.entry): item for item in items}
        for entry in entries:
            meant = kept.get(id(entry)) or Target(entry.type, "", "")
            if entry.full_url:
                self._named[entry.full_url.lower()] = self._named[entry.full_url] = meant
            if entry.source_id:
                self._named[f"{entry.type}/{entry.source_id}"] = meant
        # What stands in the database, filled in by the importer
        self.earlier: dict[Key, Known] = {}
        self.survivors: Mapping[str, Survivor] = {}
        # Patients from before whom the importer does not see: restricted ones
        self.hidden: frozenset[str] = frozenset()
        self.owners: Mapping[str, str] = {}

    def outside(self, items: Iterable[Item]) -> list[Key]:
        """The resources beyond the bundle that drafts refer to."""
        found: dict[Key, None] = {}
        for item in items:
            for slot in item.to_do.slots:
                if slot.reference not in self._named:
                    match = _LOCAL.fullmatch(slot.reference)
                    if match and match[1] in KINDS and f"{match[1]}/{match[2]}" not in self._named:
                        found[match[1], match[2]] = None
        return list(found)

    def standing(self, items: Iterable[Item]) -> Iterator[tuple[str, str]]:
        """(kind, id) of the records from before that drafts refer to."""
        for item in items:
            for slot in item.to_do.slots:
                meant = self.find(slot.reference)
                if isinstance(meant, Target) or (meant is not None and meant.known is not None):
                    yield meant.kind, meant.entity_id

    def find(self, reference: str) -> Item | Target | None:
        """What a reference means; None where it means nothing."""
        meant = self._named.get(reference)
        if meant is None and ":" in reference:
            meant = self._named.get(reference.lower())
        if meant is not None:
            return meant
        if reference.startswith("#"):
            return Target("contained resource", "", "")
        match = _LOCAL.fullmatch(reference)
        if match is None:
            return None
        meant = self._named.get(f"{match[1]}/{match[2]}")
        if meant is None and match[1] not in KINDS:
            meant = Target(match[1], "", "")
        known = self.earlier.get((match[1], match[2]))
        if meant is None and known is not None:
            meant = Target(match[1], KINDS[match[1]], known.entity_id)
        return meant

    def fill(self, item: Item) -> Iterator[FieldViolation]:
        """Fills the slots of a draft; yields what is wrong with them. Adds to its `left_out`."""
        draft = item.to_do
        filled: set[str] = set()
        empty: list[Slot] = []
        for slot in draft.slots:
            meant = self.find(slot.reference)
            if meant is None:
                # Those by urn:uuid are looked for in the whole bundle, see bundle.dangling.
                if not slot.reference.startswith("urn:uuid:"):
                    yield _fault(item, slot, "refers to nothing that the bundle or an earlier one holds")
            elif (kind := _kind(meant)) in slot.kinds:
                entity_id = meant.entity_id
                if kind == "PATIENT":
                    survivor = self.survivors.get(entity_id)
                    if survivor is not None:
                        entity_id = survivor.patient_id
                        if survivor.deleted:
                            yield _fault(
                                item, slot, "refers to a patient whose record is deleted: undelete it"
                            )
                    elif entity_id in self.hidden:
                        yield _fault(item, slot, f"refers to a patient {HIDDEN}")
                _put(draft.fields, slot.path, entity_id)
                filled.add(slot.fhir_path)
            elif slot.required:
                wanted = " or ".join(kind.lower() for kind in slot.kinds if kind != ROLE)
                yield _fault(item, slot, f"refers to a {_type(meant)}, where HMS needs a {wanted}")
            else:
                empty.append(slot)
        item.patient_id = draft.fields.get("patient_id", "")
        if empty:
            _leave_out(item, [slot for slot in empty if slot.fhir_path not in filled])

    def strangers(self, item: Item) -> Iterator[FieldViolation]:
        """References to records of another patient; asked once all drafts are filled."""
        for slot in item.to_do.slots:
            if CLINICAL.isdisjoint(slot.kinds):
                continue
            meant = self.find(slot.reference)
            if meant is None or _kind(meant) not in slot.kinds:
                continue
            owner = self.owners.get(meant.entity_id, "")
            if isinstance(meant, Item) and meant.patient_id:
                owner = meant.patient_id
            if owner != item.patient_id:
                yield _fault(item, slot, "refers to a record of another patient")


def _kind(meant: Item | Target) -> str:
    return meant.kind


def _type(meant: Item | Target) -> str:
    return meant.entry.type if isinstance(meant, Item) else meant.type


def _fault(item: Item, slot: Slot, text: str) -> FieldViolation:
    return FieldViolation(item.entry.at(slot.fhir_path), text)


def _put(fields: Any, path: tuple[str | int, ...], value: str) -> None:
    for step in path[:-1]:
        fields = fields[step]
    fields[path[-1]] = value


def _leave_out(item: Item, slots: list[Slot]) -> None:
    """Notes what is left out, and closes the gaps in lists."""
    draft = item.to_do
    gaps: dict[str | int, set[str | int]] = {}
    for slot in slots:
        path = _INDEX.sub("", slot.fhir_path)
        if path not in draft.left_out:
            draft.left_out.append(path)
        if len(slot.path) > 1 and isinstance(slot.path[1], int):
            gaps.setdefault(slot.path[0], set()).add(slot.path[1])
    for name, places in gaps.items():
        rest = [value for i, value in enumerate(draft.fields[str(name)]) if i not in places]
        if rest:
            draft.fields[str(name)] = rest
        else:
            del draft.fields[str(name)]
