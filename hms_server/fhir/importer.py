"""Takes one FHIR bundle over, in one transaction: all of it or nothing.

An attempt reads what is known of the bundle's resources, makes the rows of what is new or changed with no
transaction open, and then writes them: the resources' identities first, in order, so that of two imports
that bring the same one waits for the other. Whoever comes second, or finds that something changed since it
was read, begins anew and then sees what the first one made.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence

import orjson

from hms_server import errors, ids
from hms_server.admin import bulk as directory
from hms_server.clinical import bulk as clinical
from hms_server.context import Call
from hms_server.database.faults import ForeignKeyViolation, UniqueViolation
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.errors import FieldViolation
from hms_server.fhir import bundle, identity, prepare, trail
from hms_server.fhir.identity import Claim, Digester, Identities
from hms_server.fhir.items import DIRECTORY, ROLE, Item, Outcome
from hms_server.fhir.look import Look
from hms_server.fhir.prepare import Preparer, Rows
from hms_server.fhir.resolve import Resolver
from hms_server.fhir.translate import MAPPING_VERSION, TYPES
from hms_server.patient import bulk as patients
from hms_server.patient.uhid import UhidAllocator

_ATTEMPTS = 8


class Importer:
    """Takes bundles over."""

    def __init__(self, database: Database, uhids: UhidAllocator) -> None:
        """`database` gives a transaction the time that a large bundle takes."""
        self._database = database
        self._uhids = uhids
        self._digester = Digester(MAPPING_VERSION)

    def run(self, text: bytes, source: str, call: Call) -> Outcome:
        """Takes over the bundle with this text.

        Raises InvalidArgument (BUNDLE_REJECTED) with what is wrong, and ConcurrentChange where others
        were first again and again.
        """
        for number in range(1, _ATTEMPTS + 1):
            try:
                return self._attempt(text, source, call)
            except (errors.ConcurrentChange, UniqueViolation):
                # UniqueViolation: a UHID of an earlier format, or a code that was being given just now.
                time.sleep(random.uniform(0, 0.02) * number)  # noqa: S311 - spreads, keeps no secret
            except ForeignKeyViolation as error:
                if not error.constraint.endswith("_tree"):
                    raise
                circle = FieldViolation("entry", "organizations would be parts of each other in a circle")
                raise bundle.rejected([circle]) from None
        raise errors.ConcurrentChange("Other changes were first again and again: try again.")

    def _attempt(self, text: bytes, source: str, call: Call) -> Outcome:
        outcome = Outcome()
        entries = bundle.parse(text, TYPES)
        faults = list(bundle.dangling(text, entries))
        items = self._items(entries, outcome, faults)
        self._recognise(items, source, call)
        resolver = Resolver(entries, items)
        to_do = [item for item in items if not item.is_unchanged]
        prepare.draft(to_do, faults)
        drafted = [item for item in to_do if item.draft is not None]
        look = self._look(drafted, resolver, source, call)
        rows = Preparer(resolver, look.present, outcome, faults).prepare(drafted)
        if faults:
            raise bundle.rejected(faults)
        self._write(_Work(source, items, to_do, rows), look, resolver, call)
        outcome.count(items)
        return outcome

    def _items(
        self, entries: Sequence[bundle.Entry], outcome: Outcome, faults: list[FieldViolation]
    ) -> list[Item]:
        """The entries that HMS keeps; the resources of the others are let go."""
        items = []
        for entry in prepare.slices(entries):
            resource = entry.resource
            if entry.type not in TYPES or resource is None:
                outcome.skipped[entry.type] += 1
                entry.resource = None
                continue
            try:
                items.append(Item(entry, self._digester.digest(resource)))
            except orjson.JSONEncodeError:
                faults.append(FieldViolation(entry.at(""), "is nested too deeply"))
        return items

    def _recognise(self, items: Sequence[Item], source: str, call: Call) -> None:
        """Tells what the items became earlier; what did not change since is let go."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pendings = Identities(transaction, source).known([item.key for item in items])
        earlier = identity.found(pendings)
        for item in items:
            item.known = earlier.get(item.key)
            if item.known is not None:
                item.entity_id = item.known.entity_id
            elif item.kind != ROLE:
                item.entity_id = ids.uuid7()
            if item.is_unchanged:
                item.entry.resource = None

    def _look(self, drafted: Sequence[Item], resolver: Resolver, source: str, call: Call) -> Look:
        """What stands of the records that the drafts are about."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            identities = Identities(transaction, source)
            outside = resolver.outside(drafted)
            if outside:
                pendings = identities.known(outside)
                transaction.flush()
                resolver.earlier = identity.found(pendings)
            look = Look(drafted, resolver)
            if look.is_needed:
                look.queue(transaction)
                look.queue_owners(identities)
                transaction.flush()
            look.take(resolver)
        return look

    def _write(self, work: _Work, look: Look, resolver: Resolver, call: Call) -> None:
        uhids = self._uhids.take_many(call.tenant_id, len(work.rows.new_patients))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            if work.to_do:
                identities = Identities(transaction, work.source)
                claimed = identities.claim([_claim(item) for item in work.new])
                locked = identities.lock([item.key for item in work.changed])
                look.queue(transaction)
                transaction.flush()
                _require_first(work, claimed, locked)
                look.require_same(resolver)
                identities.renew([_claim(item) for item in work.changed])
                _queue_rows(transaction, work.rows, uhids, call.caller.user_id)
            transaction.audit_many(trail.events(work.items, work.rows, look.present))


class _Work:
    """What is to be written of one bundle."""

    def __init__(self, source: str, items: Sequence[Item], to_do: Sequence[Item], rows: Rows) -> None:
        self.source = source
        self.items = items
        self.to_do = to_do
        self.new = [item for item in to_do if item.known is None]
        self.changed = [item for item in to_do if item.known is not None]
        self.rows = rows


def _claim(item: Item) -> Claim:
    return Claim(item.key, item.entity_id, item.digest)


def _require_first(work: _Work, claimed: Iterable[Pending], locked: Iterable[Pending]) -> None:
    """Raises ConcurrentChange where another import was first with one of the items."""
    if sum(pending.affected for pending in claimed) < len(work.new):
        raise errors.ConcurrentChange("Another import brings the same resources: try again.")
    if identity.found(locked) != {item.key: item.known for item in work.changed}:
        raise errors.ConcurrentChange("Another import changes the same resources: try again.")


def _queue_rows(transaction: Transaction, rows: Rows, uhids: Iterable[str], actor_id: str) -> None:
    for kind in DIRECTORY:
        directory.insert(transaction, kind, rows.new_entries[kind], actor_id)
    for kind in DIRECTORY:
        directory.update(transaction, kind, rows.changed_entries[kind], actor_id)
    new = [
        patients.new_row(item.entity_id, uhid, document)
        for (item, document), uhid in zip(rows.new_patients, uhids, strict=True)
    ]
    patients.insert(transaction, new, actor_id)
    patients.update(transaction, rows.changed_patients, actor_id)
    clinical.insert(transaction, rows.new_records, actor_id)
    clinical.update(transaction, rows.changed_records, actor_id)
