"""Restricted patients, and the way to one in need.

Who sees a restricted patient is decided in the database alone, by one policy
(docs/decisions/0015-restricted-by-policy.md). Here the restriction is set, and grants are made and reviewed.
"""

from __future__ import annotations

from typing import Any

from hms.patient.v1 import break_glass_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database, Transaction
from hms_server.identity import system_roles
from hms_server.notify import kinds, outbox
from hms_server.patient import break_glass_store as store
from hms_server.patient import mapping, merge_store, normalise
from hms_server.patient.merge import require_unmerged
from hms_server.telemetry import metrics


class BreakGlasses:
    """The restrictions and grants of PatientService."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    def restrict(
        self, request: pb.SetPatientRestrictionRequest, call: Call
    ) -> pb.SetPatientRestrictionResponse:
        """Restricts a patient or lifts that; what changes nothing makes no version.

        A repeat is answered from its request record: the caller may not see the patient any more. Raises
        NotFound, Aborted (ETAG_MISMATCH), and FailedPrecondition (PATIENT_MERGED) for a merged record.
        """
        patient_id = request.id.lower()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            locked = merge_store.lock(transaction, [patient_id])
            # After the lock, so that it sees a request with the same id that was being served.
            probe = self._request_ids.probe(transaction, call, request)
            transaction.flush()
            if probe.repeat() is not None and probe.pending is not None:
                transaction.audit(action="READ", entity_id=patient_id, patient_ids=(patient_id,))
                return _restriction(patient_id, request.restricted, probe.pending.rows[0].entity_version)
            row = next((row for row in locked.rows if row.id == patient_id), None)
            if row is None:
                raise errors.NotFound("No such patient.")
            require_unmerged(row)
            aip.require_etag(request.etag, row.version)
            version = row.version
            if row.restricted != request.restricted:
                version += 1
                store.restrict(transaction, patient_id, request.restricted, call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, patient_id, version)
            transaction.audit(
                entity_id=patient_id,
                old_version=row.version,
                new_version=version,
                # Those that were merged into it are restricted with it.
                patient_ids=tuple(each.id for each in locked.rows),
                reason=request.reason,
            )
        return _restriction(patient_id, request.restricted, version)

    def take(self, request: pb.BreakGlassRequest, call: Call) -> pb.BreakGlassGrant:
        """Makes a grant for the caller, of which the privacy officers get a mail. Whether the patient is
        restricted is not told, and makes no difference. Raises NotFound, and InvalidArgument where no patient
        or two are named."""
        uhid = normalise.uhid(request.uhid)
        if bool(request.patient_id) == bool(uhid):
            raise errors.invalid_field("patient_id", "say which patient: by patient_id, or else by uhid")
        grant_id, user_id = ids.uuid7(), call.caller.user_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            found = store.find(transaction, request.patient_id, uhid)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, earlier)
            patient_id = found.rows[0].id
            if patient_id is None:
                raise errors.NotFound("No such patient.")
            store.insert(
                transaction,
                grant_id,
                patient_id,
                user_id=user_id,
                reason=request.reason,
                seconds=request.duration_seconds,
            )
            self._request_ids.remember(transaction, call, probe, grant_id, 1)
            transaction.audit(entity_id=grant_id, new_version=1, patient_ids=(patient_id,))
            asked = outbox.queue(
                transaction,
                call,
                kinds.BREAK_GLASS,
                entity_id=grant_id,
                role_codes=system_roles.holding(kinds.BREAK_GLASS.permission),
                username=call.caller.username,
                duration_seconds=request.duration_seconds,
            )
            made = store.read(transaction, grant_id)
        metrics.BREAK_GLASS.inc()
        asked.committed()
        return _grant(made.first)

    def get(self, request: pb.GetBreakGlassRequest, call: Call) -> pb.BreakGlassGrant:
        """A grant; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            found = store.get(transaction, request.id.lower())
        if found.first is None:
            raise errors.NotFound("No such grant.")
        return _grant(found.first)

    def list_grants(self, request: pb.ListBreakGlassRequest, call: Call) -> pb.ListBreakGlassResponse:
        """A page of grants, newest first."""
        patient_id, user_id = request.patient_id.lower(), request.user_id.lower()
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(patient_id, user_id, request.unreviewed),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            found = store.list_grants(
                transaction, page, patient_id=patient_id, user_id=user_id, unreviewed=request.unreviewed
            )
        rows, following, preceding = self._pages.close(
            page, found.rows, lambda row: (row.create_time.isoformat(), row.id)
        )
        return pb.ListBreakGlassResponse(
            grants=[_grant(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def review(self, request: pb.ReviewBreakGlassRequest, call: Call) -> pb.BreakGlassGrant:
        """Stores what somebody else than its user found of a grant. Raises NotFound, and FailedPrecondition
        for a grant of one's own or one that was reviewed."""
        grant_id = request.id.lower()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            locked = store.lock(transaction, grant_id)
            probe = self._request_ids.probe(transaction, call, request)
            transaction.flush()
            if probe.repeat() is not None:
                return _repeated(transaction, grant_id)
            row = locked.first
            if row is None:
                raise errors.NotFound("No such grant.")
            if row.user_id == call.caller.user_id:
                raise errors.FailedPrecondition("Nobody reviews a grant of their own: somebody else has to.")
            if row.outcome:
                raise errors.FailedPrecondition("The grant was reviewed already.")
            store.review(
                transaction,
                grant_id,
                outcome=pb.BreakGlassOutcome.Name(request.outcome).removeprefix("BREAK_GLASS_OUTCOME_"),
                note=request.note,
                reviewer_id=call.caller.user_id,
            )
            self._request_ids.remember(transaction, call, probe, grant_id, row.version + 1)
            transaction.audit(
                entity_id=grant_id,
                old_version=row.version,
                new_version=row.version + 1,
                patient_ids=(row.patient_id,),
            )
            made = store.read(transaction, grant_id)
        return _grant(made.first)


def _repeated(transaction: Transaction, grant_id: str) -> pb.BreakGlassGrant:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = store.read(transaction, grant_id)
    transaction.flush()
    row = pending.rows[0]
    transaction.audit(action="READ", entity_id=grant_id, patient_ids=(row.patient_id,))
    transaction.commit()
    return _grant(row)


def _restriction(patient_id: str, restricted: bool, version: int) -> pb.SetPatientRestrictionResponse:
    return pb.SetPatientRestrictionResponse(patient_id=patient_id, restricted=restricted, etag=str(version))


def _grant(row: Any) -> pb.BreakGlassGrant:
    reviewed = row.review_time is not None
    return pb.BreakGlassGrant(
        id=row.id,
        patient_id=row.patient_id,
        user_id=row.user_id,
        username=row.username,
        reason=row.reason,
        create_time=mapping.timestamp(row.create_time),
        expire_time=mapping.timestamp(row.expire_time),
        outcome=pb.BreakGlassOutcome.Value(f"BREAK_GLASS_OUTCOME_{row.outcome or 'UNSPECIFIED'}"),
        note=row.note,
        reviewer_id=row.reviewer_id,
        review_time=mapping.timestamp(row.review_time) if reviewed else None,
        notice=pb.BreakGlassNotice.Value(f"BREAK_GLASS_NOTICE_{row.notice}"),
    )
