"""PatientService: proto in, proto out. By now the caller is known, allowed, and the request valid."""

from __future__ import annotations

from typing import Any

from hms.patient.v1 import break_glass_pb2, merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import aip, clock, errors, ids
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import Probe, RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.patient import duplicates, keys, mapping, rules, store
from hms_server.patient.break_glass import BreakGlasses
from hms_server.patient.merge import PatientMerges, require_unmerged
from hms_server.patient.search import PatientSearch
from hms_server.patient.uhid import UhidAllocator


class PatientServicer:
    """The registry. Reads are one round trip to the database, writes two."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._uhids = UhidAllocator(database)
        self._search = PatientSearch(database)
        self._duplicates = duplicates.Duplicates(database, pages)
        self._merges = PatientMerges(database, pages, request_ids)
        self._glass = BreakGlasses(database, pages, request_ids)

    def GetPatient(self, request: pb.GetPatientRequest, call: Call) -> pb.Patient:
        """One patient, deleted or not; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get(transaction, request.id)
        return mapping.patient(_found(pending.first))

    def BatchGetPatients(
        self, request: pb.BatchGetPatientsRequest, call: Call
    ) -> pb.BatchGetPatientsResponse:
        """All of the ids in their order, or NotFound that names the missing ones."""
        wanted = list(request.ids)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.batch_get(transaction, wanted)
        rows = {row.id: row for row in pending.rows}
        if not rows:
            raise errors.NotFound(f"No such patient: {', '.join(self._missing(wanted, call))}.")
        return pb.BatchGetPatientsResponse(
            patients=[mapping.patient(rows[patient_id.lower()]) for patient_id in wanted]
        )

    def _missing(self, wanted: list[str], call: Call) -> list[str]:
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            existing = store.existing_ids(transaction, wanted)
        return sorted({patient_id.lower() for patient_id in wanted} - {row.id for row in existing.rows})

    @on_conflict
    def CreatePatient(self, request: pb.CreatePatientRequest, call: Call) -> pb.Patient:
        """Registers a patient and says who it may be already."""
        document = rules.new_document(request.patient, _today())
        patient_id = ids.uuid7()
        uhid = self._uhids.take(call.tenant_id)
        derived = keys.derive(document, uhid)
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                probe = self._request_ids.probe(transaction, call, request)
                candidates = store.candidates(transaction, derived)
                transaction.flush()
                earlier = probe.repeat()
                if earlier is not None:
                    return self._repeated(transaction, call, earlier)
                made = store.insert(
                    transaction,
                    patient_id=patient_id,
                    uhid=uhid,
                    document=document,
                    keys=derived,
                    actor_id=call.caller.user_id,
                )
                self._request_ids.remember(transaction, call, probe, patient_id, 1)
                similar = duplicates.similar(candidates.rows, document, derived, duplicates.AT_REGISTRATION)
                transaction.audit(
                    entity_id=patient_id,
                    new_version=1,
                    patient_ids=(patient_id, *(c.patient_id for c in similar)),
                )
        except UniqueViolation:
            # A UHID of an earlier format reads like this one: the next number is tried.
            raise errors.ConcurrentChange("The UHID is taken: try again.") from None
        patient = mapping.patient(made.first)
        patient.duplicate_candidates.extend(similar)
        return patient

    @on_conflict
    def UpdatePatient(self, request: pb.UpdatePatientRequest, call: Call) -> pb.Patient:
        """Changes the fields that the mask names; a change that changes nothing makes no version."""
        aip.require_id("patient.id", request.patient.id)
        selected = aip.selected(request.patient, request.update_mask, rules.MUTABLE)

        def change(row: Any) -> dict[str, Any]:
            if row.delete_time is not None:
                raise errors.FailedPrecondition("The patient is deleted: undelete the record first.")
            return rules.changed_document(row.document, request.patient, selected, _today())

        return self._change(request, call, request.patient.id, request.patient.etag, change, deleted=False)

    @on_conflict
    def DeletePatient(self, request: pb.DeletePatientRequest, call: Call) -> pb.Patient:
        """Marks the record as deleted; one that is, is refused with FailedPrecondition."""

        def change(row: Any) -> dict[str, Any]:
            if row.delete_time is not None:
                raise errors.FailedPrecondition("The patient is deleted already.")
            document: dict[str, Any] = row.document
            return document

        return self._change(request, call, request.id, request.etag, change, deleted=True)

    @on_conflict
    def UndeletePatient(self, request: pb.UndeletePatientRequest, call: Call) -> pb.Patient:
        """Brings a deleted record back; one that is not deleted is refused with FailedPrecondition."""

        def change(row: Any) -> dict[str, Any]:
            if row.delete_time is None:
                raise errors.FailedPrecondition("The patient is not deleted.")
            document: dict[str, Any] = row.document
            return document

        return self._change(request, call, request.id, request.etag, change, deleted=False)

    def ListPatients(self, request: pb.ListPatientsRequest, call: Call) -> pb.ListPatientsResponse:
        """A page by registration time or by name, both ways."""
        order, ascending = rules.order_of(request.order_by)
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(order, ascending, request.show_deleted),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_patients(
                transaction, page, call, order=order, ascending=ascending, show_deleted=request.show_deleted
            )

        def key(row: Any) -> tuple[Any, str]:
            return (row.name_key if order == "name" else row.create_time.isoformat()), row.id

        rows, following, preceding = self._pages.close(page, pending.rows, key)
        return pb.ListPatientsResponse(
            patients=[mapping.patient(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def SearchPatients(self, request: pb.SearchPatientsRequest, call: Call) -> pb.SearchPatientsResponse:
        """The best matches of every criterion together, best first."""
        return self._search.search(request, call)

    def ListPatientVersions(
        self, request: pb.ListPatientVersionsRequest, call: Call
    ) -> pb.ListPatientVersionsResponse:
        """Every version that stood, newest first; raises NotFound."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.patient_id,),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_versions(transaction, page, request.patient_id)
        if not pending.rows and page.key is None:
            _found(None)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.version,))
        return pb.ListPatientVersionsResponse(
            versions=[mapping.version(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def ListDuplicateCandidates(
        self, request: pb.ListDuplicateCandidatesRequest, call: Call
    ) -> pb.ListDuplicateCandidatesResponse:
        """Records that may be the same person as this one; raises NotFound."""
        return self._duplicates.candidates(request, call)

    def ListDuplicatePairs(
        self, request: merge_pb2.ListDuplicatePairsRequest, call: Call
    ) -> merge_pb2.ListDuplicatePairsResponse:
        """A piece of the worklist of pairs."""
        return self._duplicates.pairs(request, call)

    def PreviewMerge(
        self, request: merge_pb2.PreviewMergeRequest, call: Call
    ) -> merge_pb2.PreviewMergeResponse:
        """What a merge would do: see PatientMerges."""
        return self._merges.preview(request, call)

    @on_conflict
    def MergePatients(self, request: merge_pb2.MergePatientsRequest, call: Call) -> merge_pb2.Merge:
        """Makes two records one: see PatientMerges."""
        return self._merges.merge(request, call)

    @on_conflict
    def UnmergePatients(
        self, request: merge_pb2.UnmergePatientsRequest, call: Call
    ) -> merge_pb2.UnmergePatientsResponse:
        """Takes a merge back: see PatientMerges."""
        return self._merges.unmerge(request, call)

    def GetMerge(self, request: merge_pb2.GetMergeRequest, call: Call) -> merge_pb2.Merge:
        """One merge; raises NotFound."""
        return self._merges.get(request, call)

    def ListMerges(self, request: merge_pb2.ListMergesRequest, call: Call) -> merge_pb2.ListMergesResponse:
        """A patient's merges, newest first; raises NotFound."""
        return self._merges.list_merges(request, call)

    @on_conflict
    def SetPatientRestriction(
        self, request: break_glass_pb2.SetPatientRestrictionRequest, call: Call
    ) -> break_glass_pb2.SetPatientRestrictionResponse:
        """Restricts a patient or lifts that: see BreakGlasses."""
        return self._glass.restrict(request, call)

    @on_conflict
    def BreakGlass(
        self, request: break_glass_pb2.BreakGlassRequest, call: Call
    ) -> break_glass_pb2.BreakGlassGrant:
        """Lets the caller see one patient for a while: see BreakGlasses."""
        return self._glass.take(request, call)

    def GetBreakGlass(
        self, request: break_glass_pb2.GetBreakGlassRequest, call: Call
    ) -> break_glass_pb2.BreakGlassGrant:
        """One grant; raises NotFound."""
        return self._glass.get(request, call)

    def ListBreakGlass(
        self, request: break_glass_pb2.ListBreakGlassRequest, call: Call
    ) -> break_glass_pb2.ListBreakGlassResponse:
        """Who broke the glass, newest first."""
        return self._glass.list_grants(request, call)

    @on_conflict
    def ReviewBreakGlass(
        self, request: break_glass_pb2.ReviewBreakGlassRequest, call: Call
    ) -> break_glass_pb2.BreakGlassGrant:
        """What a reviewer found: see BreakGlasses."""
        return self._glass.review(request, call)

    def _change(
        self, request: Any, call: Call, patient_id: str, etag: str, change: Any, *, deleted: bool
    ) -> pb.Patient:
        """The two flushes of every change. `change` makes the new document of the present row."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe: Probe = self._request_ids.probe(transaction, call, request)
            present = store.lock(transaction, patient_id)
            transaction.flush()
            if probe.repeat() is not None:
                return self._repeated(transaction, call, patient_id)
            row = _found(present.first)
            require_unmerged(row)
            aip.require_etag(etag, row.version)
            document = change(row)
            version = row.version + 1
            if document == row.document and deleted == (row.delete_time is not None):
                version, made = row.version, present
            else:
                made = store.update(
                    transaction,
                    patient_id=row.id,
                    document=document,
                    keys=keys.derive(document, row.uhid, row.merged_uhids),
                    actor_id=call.caller.user_id,
                    deleted=deleted,
                )
            self._request_ids.remember(transaction, call, probe, row.id, version)
            transaction.audit(
                entity_id=row.id, old_version=row.version, new_version=version, patient_ids=(row.id,)
            )
        return mapping.patient(made.first)

    def _repeated(self, transaction: Transaction, call: Call, patient_id: str) -> pb.Patient:
        """The present state, for a request that was answered before: audited as what it now is, a read."""
        pending = store.lock(transaction, patient_id)
        transaction.audit(action="READ", entity_id=patient_id, patient_ids=(patient_id,))
        transaction.commit()
        return mapping.patient(_found(pending.first))


def _today() -> str:
    """Today's date where the day has come first (UTC+14), so that nobody's birth is refused."""
    ahead = clock.now().timestamp() + 14 * 3600
    return clock.date_of(ahead)


def _found(row: Any) -> Any:
    if row is None:
        raise errors.NotFound("No such patient.")
    return row
