"""Merging two records of one person, and taking it back.

Both records are locked first, in the order of their ids; what belongs to them moves in a later flush, so that
its statements see what was committed while the lock was waited for (docs/decisions/0013-merge-moves-rows.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.patient.v1 import merge_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database, Transaction
from hms_server.patient import keys, merge_mapping, merge_rules, merge_store, store

# Of the records that an unmerge lists one by one.
MOST_LISTED = 1000


class PatientMerges:
    """The merges of PatientService."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    def preview(self, request: pb.PreviewMergeRequest, call: Call) -> pb.PreviewMergeResponse:
        """What a merge would do. Raises as `merge` does for two records that can never be one."""
        survivor_id, merged_id = _two(request)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            found = merge_store.preview(transaction, [survivor_id, merged_id], merged_id)
            counts = merge_store.count_rows(transaction, merged_id)
            transaction.flush()
            if not found.rows:
                transaction.commit()  # recorded as NOT_FOUND
            rows = {row.id: row for row in found.rows}
            survivor, merged = _live(rows, survivor_id), _live(rows, merged_id)
            merge_rules.require_room(merge_rules.united(survivor.document, merged.document, {}))
        return merge_mapping.preview(
            survivor,
            merged,
            merge_rules.conflicts(survivor.document, merged.document),
            merge_rules.additions(survivor.document, merged.document),
            {row.entity_type: row.row_count for row in counts.rows},
        )

    def merge(self, request: pb.MergePatientsRequest, call: Call) -> pb.Merge:
        """Makes two records one.

        Raises NotFound, InvalidArgument (a record with itself; a needless decision), Aborted
        (ETAG_MISMATCH), FailedPrecondition: WRONG_STATE for a deleted record, PATIENT_MERGED for one that
        went away, MERGE_CONFLICT for what is undecided or cannot be united.
        """
        survivor_id, merged_id = _two(request)
        decisions = _decisions(request)
        merge_id, actor_id = ids.uuid7(), call.caller.user_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            locked = merge_store.lock(transaction, [survivor_id, merged_id])
            # After the lock, so that it sees a request with the same id that was being served.
            probe = self._request_ids.probe(transaction, call, request)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return merge_mapping.merge(_repeated(transaction, earlier))
            rows = {row.id: row for row in locked.rows}
            survivor, merged = _live(rows, survivor_id), _live(rows, merged_id)
            aip.require_etag(request.survivor_etag, survivor.version)
            aip.require_etag(request.merged_etag, merged.version)
            merge_rules.require_decisions(
                merge_rules.conflicts(survivor.document, merged.document), decisions
            )
            document = merge_rules.united(survivor.document, merged.document, decisions)
            merge_rules.require_room(document)
            merge_rules.require_order(document)

            went = merge_store.insert(
                transaction,
                merge_id=merge_id,
                survivor=survivor,
                merged=merged,
                actor_id=actor_id,
                reason=request.reason,
                decisions=[{"field": field, "keep": keep} for field, keep in decisions.items()],
            )
            try:
                transaction.flush()
            except UniqueViolation:
                raise errors.FailedPrecondition(
                    "Both patients have a record of which one patient can have only one: "
                    "end or change one of the two first.",
                    reason="MERGE_CONFLICT",
                ) from None

            uhids = [*survivor.merged_uhids, merged.uhid, *merged.merged_uhids]
            store.update(
                transaction,
                patient_id=survivor_id,
                document=document,
                keys=keys.derive(document, survivor.uhid, uhids),
                actor_id=actor_id,
                deleted=False,
                merged_uhids=uhids,
            )
            store.update(
                transaction,
                patient_id=merged_id,
                document=merged.document,
                keys=keys.derive(merged.document, merged.uhid),
                actor_id=actor_id,
                deleted=True,
                merged_into=survivor_id,
            )
            done = merge_store.note_moved(
                transaction, merge_id, {row.entity_type: len(row.ids) for row in went.rows}
            )
            self._request_ids.remember(transaction, call, probe, merge_id, 1)
            _audit(transaction, (survivor, merged), [(row.entity_type, row.ids) for row in went.rows])
        return merge_mapping.merge(done.first)

    def unmerge(self, request: pb.UnmergePatientsRequest, call: Call) -> pb.UnmergePatientsResponse:
        """Takes a merge back.

        Raises NotFound, and FailedPrecondition (WRONG_STATE) where it was taken back already, where the
        survivor is deleted, or was merged away since: metadata merge_id names the merge to take back first.
        """
        merge_id, actor_id = request.id.lower(), call.caller.user_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            locked = merge_store.lock_of_merge(transaction, merge_id)
            probe = self._request_ids.probe(transaction, call, request)
            read = merge_store.read(transaction, merge_id)
            versions = merge_store.documents(transaction, merge_id)
            transaction.flush()
            if probe.repeat() is not None:
                return merge_mapping.unmerged(_repeated(transaction, merge_id))
            rows = {row.id: row for row in locked.rows}
            merge = _in_force(read.first)
            survivor, merged = rows[merge.survivor_id], rows[merge.merged_id]
            _require_unrestricted(survivor, merged)
            if survivor.delete_time is not None:
                raise errors.FailedPrecondition("The surviving record is deleted: undelete it first.")
            before, after = (row.document for row in versions.rows)
            parted = merge_rules.parted(before, after, survivor.document)

            pending = merge_store.return_rows(transaction, merge_id)
            transaction.flush()
            back = merge_rules.outcomes(pending.rows)

            gone = {merged.uhid, *merged.merged_uhids}
            uhids = [uhid for uhid in survivor.merged_uhids if uhid not in gone]
            store.update(
                transaction,
                patient_id=survivor.id,
                document=parted.document,
                keys=keys.derive(parted.document, survivor.uhid, uhids),
                actor_id=actor_id,
                deleted=False,
                merged_uhids=uhids,
            )
            store.update(
                transaction,
                patient_id=merged.id,
                document=merged.document,
                keys=keys.derive(merged.document, merged.uhid, merged.merged_uhids),
                actor_id=actor_id,
                deleted=False,
            )
            result = {
                "kept_fields": parted.kept_fields,
                **_listed("kept", back["KEPT"]),
                **_listed("amended", back["AMENDED"]),
                **_listed("followed", back["FOLLOWED"]),
            }
            done = merge_store.note_unmerged(
                transaction, merge_id, actor_id=actor_id, reason=request.reason, result=result
            )
            self._request_ids.remember(transaction, call, probe, merge_id, 2)
            _audit(transaction, (survivor, merged), [*back["RETURNED"], *back["FOLLOWED"]])
        return merge_mapping.unmerged(done.first)

    def get(self, request: pb.GetMergeRequest, call: Call) -> pb.Merge:
        """One merge; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            found = merge_store.get(transaction, request.id.lower())
        return merge_mapping.merge(_found(found.first, "merge"))

    def list_merges(self, request: pb.ListMergesRequest, call: Call) -> pb.ListMergesResponse:
        """A patient's merges, newest first; raises NotFound."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.patient_id,),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            found = merge_store.list_merges(transaction, page, request.patient_id)
        _found(found.first, "patient")
        once = [row for row in found.rows if row.id is not None and row.patient_id == row.survivor_id]
        rows, following, preceding = self._pages.close(
            page, once, lambda row: (row.merge_time.isoformat(), row.id)
        )
        return pb.ListMergesResponse(
            merges=[merge_mapping.merge(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )


def require_unmerged(row: Any) -> None:
    """Raises FailedPrecondition (PATIENT_MERGED) for a record that went into another one."""
    if row.merged_into is not None:
        raise errors.FailedPrecondition(
            f"The patient was merged into {row.merged_into}: use that record.",
            reason="PATIENT_MERGED",
            metadata={"survivor_id": row.merged_into},
        )


def _two(request: pb.PreviewMergeRequest | pb.MergePatientsRequest) -> tuple[str, str]:
    survivor_id, merged_id = request.survivor_id.lower(), request.merged_id.lower()
    if survivor_id == merged_id:
        raise errors.invalid_field("merged_id", "a record cannot be merged into itself")
    return survivor_id, merged_id


def _decisions(request: pb.MergePatientsRequest) -> dict[str, str]:
    made = {d.field: pb.MergeKeep.Name(d.keep).removeprefix("MERGE_KEEP_") for d in request.decisions}
    if len(made) < len(request.decisions):
        raise errors.invalid_field("decisions", "decides a field twice")
    return made


def _found(row: Any, what: str) -> Any:
    if row is None:
        raise errors.NotFound(f"No such {what}.")
    return row


def _live(rows: dict[str, Any], patient_id: str) -> Any:
    row = _found(rows.get(patient_id), "patient")
    require_unmerged(row)
    if row.delete_time is not None:
        raise errors.FailedPrecondition("One of the patients is deleted: undelete the record first.")
    _require_unrestricted(row)
    return row


def _require_unrestricted(*rows: Any) -> None:
    """A restriction is about one record and those that see it: it does not move, and is set anew instead."""
    if any(row.restricted for row in rows):
        raise errors.FailedPrecondition(
            "One of the patients is restricted: lift the restriction first, and set it anew afterwards."
        )


def _in_force(row: Any) -> Any:
    merge = _found(row, "merge")
    if merge.unmerge_time is not None:
        raise errors.FailedPrecondition("The merge was taken back already.")
    if merge.later_id is not None:
        raise errors.FailedPrecondition(
            f"The surviving record was itself merged since: take back merge {merge.later_id} first.",
            metadata={"merge_id": merge.later_id},
        )
    return merge


def _repeated(transaction: Transaction, merge_id: str) -> Any:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = merge_store.read(transaction, merge_id)
    transaction.flush()
    row = _found(pending.first, "merge")
    transaction.audit(
        action="READ",
        entity_type="merge",
        entity_id=merge_id,
        patient_ids=(row.survivor_id, row.merged_id),
    )
    transaction.commit()
    return row


def _audit(
    transaction: Transaction, patients: Iterable[Any], changed: Iterable[tuple[str, list[str]]]
) -> None:
    """One event on each of the two records, with every row that changed its patient."""
    entities = [AuditedEntities(kind, "UPDATE", rows) for kind, rows in changed]
    for patient in patients:
        transaction.audit(
            entity_type="patient",
            entity_id=patient.id,
            old_version=patient.version,
            new_version=patient.version + 1,
            patient_ids=(patient.id,),
            entities=entities,
        )


def _listed(name: str, rows: Iterable[tuple[str, list[str]]]) -> dict[str, Any]:
    every = [{"type": kind, "id": one} for kind, ids_of_kind in rows for one in ids_of_kind]
    return {name: every[:MOST_LISTED], f"{name}_count": len(every)}
