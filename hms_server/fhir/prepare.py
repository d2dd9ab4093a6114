"""From drafts to rows: fills in references, and lets each room check what is to be its own.

Everything that takes time of the processor happens here, before the transaction that writes, so that no
lock is held meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hms_server import clock, errors
from hms_server.admin import bulk as directory
from hms_server.clinical import bulk as clinical
from hms_server.clinical.kinds import KINDS
from hms_server.errors import FieldViolation
from hms_server.fhir import folding
from hms_server.fhir.items import CREATED, DIRECTORY, ROLE, UPDATED, Item, Outcome, Row, by_kind
from hms_server.fhir.resolve import HIDDEN, Resolver
from hms_server.fhir.translate import MappingError, fhir_path, translate
from hms_server.patient import bulk as patients

T = TypeVar("T")

_SLICE = 96
_BREATH_SECONDS = 0.0001


def slices(items: Sequence[T]) -> Iterator[T]:
    """The items; now and then other threads of the server get a turn first."""
    for i, item in enumerate(items):
        if i % _SLICE == _SLICE - 1:
            time.sleep(_BREATH_SECONDS)
        yield item


def draft(items: Sequence[Item], faults: list[FieldViolation]) -> None:
    """Makes the drafts of items, whose resources are let go."""
    for item in slices(items):
        resource, item.entry.resource = item.entry.resource, None
        try:
            item.draft = translate(resource or {})
        except MappingError as error:
            faults.extend(FieldViolation(item.entry.at(fault.path), fault.text) for fault in error.faults)


class Rows:
    """The rows of a bundle, by what is to be done with them."""

    def __init__(self) -> None:
        # By kind, of the directory
        self.new_entries: dict[str, list[Row]] = {kind: [] for kind in DIRECTORY}
        self.changed_entries: dict[str, list[Row]] = {kind: [] for kind in DIRECTORY}
        # Patients: of new ones the item and document, whose UHID is still to come
        self.new_patients: list[tuple[Item, dict[str, Any]]] = []
        self.changed_patients: list[Row] = []
        self.new_records: list[Row] = []
        self.changed_records: list[Row] = []


class Preparer:
    """Makes the rows of one bundle. `present` holds, by id, what stands of those that change."""

    def __init__(
        self,
        resolver: Resolver,
        present: Mapping[str, Any],
        outcome: Outcome,
        faults: list[FieldViolation],
    ) -> None:
        self._resolver = resolver
        self._present = present
        self._outcome = outcome
        self._faults = faults
        self._now = clock.now().isoformat(timespec="seconds")
        self._today = patients.today()
        # Places of references that mean nothing
        self._unresolved: set[str] = set()
        self.rows = Rows()

    def prepare(self, items: Sequence[Item]) -> Rows:
        """The rows of items that have drafts. What is wrong is added to the faults."""
        of_kind = by_kind(items)
        roles = of_kind.pop(ROLE, [])
        for item in roles:
            # First, since others refer to a practitioner by the role.
            self._fill(item)
            item.entity_id = item.to_do.fields.get("practitioner_id") or item.entity_id
        for kind in DIRECTORY:
            self._directory(kind, of_kind.pop(kind, []), roles if kind == "PRACTITIONER" else [])
        for item in slices(of_kind.pop("PATIENT", [])):
            self._fill(item)
            self._patient(item)
        rest = [item for kind in sorted(of_kind) for item in of_kind[kind]]
        for item in rest:
            self._fill(item)
        for item in slices(rest):
            self._faults.extend(self._resolver.strangers(item))
            self._record(item)
        return self.rows

    def _fill(self, item: Item) -> None:
        found = list(self._resolver.fill(item))
        self._faults.extend(found)
        self._unresolved.update(fault.field for fault in found)
        self._outcome.leave_out(item, item.to_do.left_out)

    def _directory(self, kind: str, items: list[Item], roles: list[Item]) -> None:
        fields: dict[str, dict[str, Any]] = {}
        places: dict[str, Item] = {}
        for item in items:
            self._fill(item)
            present = self._present.get(item.entity_id)
            fields[item.entity_id] = folding.folded(item.to_do.fields, present and present.document)
            places[item.entity_id] = item
        for practitioner_id, brought, gone in _moves(roles):
            if practitioner_id not in fields:
                present = self._present.get(practitioner_id)
                if present is None:
                    continue  # the role's own reference is at fault
                fields[practitioner_id] = present.document
            made = [{**role.to_do.fields["role"], "id": role.entry.source_id} for role in brought]
            fields[practitioner_id] = folding.with_roles(fields[practitioner_id], made, gone)
        of_roles = {role.entry.source_id: role for role in roles}
        made_anew = {
            entity_id
            for entity_id, of_entry in fields.items()
            if self._entry(kind, entity_id, of_entry, places.get(entity_id), of_roles)
        }
        for role in roles:
            if role.known is None:
                role.outcome = CREATED
            elif role.entity_id in made_anew:
                role.outcome = UPDATED

    def _entry(
        self, kind: str, entity_id: str, fields: dict[str, Any], item: Item | None, roles: Mapping[str, Item]
    ) -> bool:
        """Makes the row of an entry; whether it is new or differs from what stands."""
        try:
            row = directory.prepare(kind, fields, entity_id)
        except errors.InvalidArgument as error:
            for violation in error.violations:
                self._faults.append(_of_entry(kind, fields, violation, item, roles))
            return False
        present = self._present.get(entity_id)
        if present is None:
            self.rows.new_entries[kind].append(row)
        elif row["document"] != present.document:
            self.rows.changed_entries[kind].append(row)
        else:
            return False
        if item is not None:
            item.outcome = CREATED if present is None else UPDATED
        return True

    def _patient(self, item: Item) -> None:
        if item.entity_id in self._resolver.hidden:
            place = item.entry.path or "resource"
            self._faults.append(FieldViolation(place, f"is of a patient {HIDDEN}"))
            return
        survivor = self._resolver.survivors.get(item.entity_id)
        if survivor is not None and survivor.deleted:
            self._faults.append(
                FieldViolation(
                    item.entry.path or "resource", "is of a patient whose record is deleted: undelete it"
                )
            )
            return
        if survivor is not None and survivor.patient_id != item.entity_id:
            return  # merged: what the record says now is the hospital's to decide
        try:
            document = patients.prepare(item.to_do.fields, self._today)
        except errors.InvalidArgument as error:
            self._refuse(item, error)
            return
        present = self._present.get(item.entity_id)
        if present is None:
            item.outcome = CREATED
            self.rows.new_patients.append((item, document))
            return
        document = patients.with_own_identifiers(document, present.document)
        if document != present.document:
            item.outcome = UPDATED
            self.rows.changed_patients.append(patients.changed_row(present, document))

    def _record(self, item: Item) -> None:
        try:
            row = clinical.prepare(KINDS[item.kind], item.to_do.fields, item.entity_id, self._now)
        except errors.InvalidArgument as error:
            self._refuse(item, error)
            return
        item.draft = None
        item.outcome = CREATED if item.known is None else UPDATED
        (self.rows.new_records if item.known is None else self.rows.changed_records).append(row)

    def _refuse(self, item: Item, error: errors.InvalidArgument) -> None:
        draft = item.to_do
        for violation in error.violations:
            place = item.entry.at(fhir_path(item.kind, violation.field, draft.kept))
            # A reference that is at fault leaves its field empty, which is a fault again.
            if place not in self._unresolved:
                self._faults.append(FieldViolation(place, violation.description))


def _moves(roles: Iterable[Item]) -> Iterator[tuple[str, list[Item], list[str]]]:
    """(practitioner, roles that it gets, ids of roles that went to another)."""
    brought: dict[str, list[Item]] = {}
    gone: dict[str, list[str]] = {}
    for role in roles:
        if role.entity_id:
            brought.setdefault(role.entity_id, []).append(role)
        if role.known is not None and role.known.entity_id != role.entity_id:
            gone.setdefault(role.known.entity_id, []).append(role.entry.source_id)
    for practitioner_id in dict.fromkeys((*brought, *gone)):
        yield practitioner_id, brought.get(practitioner_id, []), gone.get(practitioner_id, [])


def _of_entry(
    kind: str,
    fields: Mapping[str, Any],
    violation: FieldViolation,
    item: Item | None,
    roles: Mapping[str, Item],
) -> FieldViolation:
    """A violation of an entry at the resource it comes from: the entry's own, or a role's."""
    head, mark, rest = violation.field.partition(".roles[")
    if mark:
        index, _, inner = rest.partition("].")
        role = roles.get(fields["roles"][int(index)].get("id", ""))
        if role is not None:
            path = fhir_path(ROLE, f"{head}.roles.{inner}", role.to_do.kept)
            return FieldViolation(role.entry.at(path), violation.description)
    source = item or next(iter(roles.values()))
    path = fhir_path(kind, violation.field, item.to_do.kept if item else None)
    return FieldViolation(source.entry.at(path), violation.description)
