"""Legal holds: placed by a hospital on itself, or by the platform on a hospital.

What they stop is decided where it is done: drop_audit_month() (migrations/0015_audit_retention.sql) and
`hms tenant erase`. A hold that the platform placed is released by the platform alone. What the platform does
is in two chains, its own and the hospital's.
"""

from __future__ import annotations

from typing import Any

from hms.audit.v1 import legal_hold_pb2 as pb
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction

_SQL = load_queries("hms_server.audit", "holds.sql")


class LegalHolds:
    """The holds of AuditService. `database` is that of the tenants."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    @on_conflict
    def place(self, request: pb.PlaceLegalHoldRequest, call: Call) -> pb.LegalHold:
        """Places a hold on the caller's own hospital."""
        return self._place(
            self._database.tenant_transaction(call.tenant_id, call), call.tenant_id, request, call
        )

    @on_conflict
    def place_on_tenant(self, request: pb.PlaceTenantLegalHoldRequest, call: Call) -> pb.LegalHold:
        """Places a hold on a hospital, for the platform. Raises NotFound, and FailedPrecondition for one
        that is being erased."""
        tenant_id = _hospital(request.tenant_id, call)
        return self._place(self._database.platform_transaction(call), tenant_id, request, call)

    @on_conflict
    def release(self, request: pb.ReleaseLegalHoldRequest, call: Call) -> pb.LegalHold:
        """Ends a hold on the caller's own hospital. Raises NotFound, and FailedPrecondition for one of the
        platform or one that was released."""
        return self._release(
            self._database.tenant_transaction(call.tenant_id, call), call.tenant_id, request, call
        )

    @on_conflict
    def release_on_tenant(self, request: pb.ReleaseTenantLegalHoldRequest, call: Call) -> pb.LegalHold:
        """Ends a hold on a hospital, for the platform. Raises NotFound, and FailedPrecondition for one that
        was released."""
        tenant_id = _hospital(request.tenant_id, call)
        return self._release(self._database.platform_transaction(call), tenant_id, request, call)

    def list_own(self, request: pb.ListLegalHoldsRequest, call: Call) -> pb.ListLegalHoldsResponse:
        """Holds on the caller's own hospital, newest first."""
        found = self._list(
            self._database.tenant_transaction(call.tenant_id, call), call.tenant_id, request, call
        )
        return pb.ListLegalHoldsResponse(**found)

    def list_of_tenant(
        self, request: pb.ListTenantLegalHoldsRequest, call: Call
    ) -> pb.ListTenantLegalHoldsResponse:
        """Holds on a hospital, newest first, for the platform."""
        tenant_id = _hospital(request.tenant_id, call)
        found = self._list(self._database.platform_transaction(call), tenant_id, request, call)
        return pb.ListTenantLegalHoldsResponse(**found)

    def _place(self, opened: Transaction, tenant_id: str, request: Any, call: Call) -> pb.LegalHold:
        hold_id = ids.uuid7()
        with opened as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            tenant = transaction.queue(_SQL["hold_tenant"], id=tenant_id)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, tenant_id, earlier, call)
            if tenant.first is None:
                raise errors.NotFound("No such tenant.")
            if tenant.first.state == "ERASING":
                raise errors.FailedPrecondition(
                    "The tenant is being erased. Once it is erased, its audit can be held.",
                    reason="WRONG_STATE",
                )
            self._request_ids.remember(transaction, call, probe, hold_id, 1)
            self._audit(transaction, tenant_id, call, entity_id=hold_id, new_version=1, reason=request.reason)
            transaction.queue(
                _SQL["insert_hold"],
                id=hold_id,
                reason=request.reason,
                of_platform=tenant_id != call.tenant_id,
                user_id=call.caller.user_id,
                username=call.caller.username,
            )
            made = transaction.queue(_SQL["read_hold"], id=hold_id)
        return _hold(made)

    def _release(self, opened: Transaction, tenant_id: str, request: Any, call: Call) -> pb.LegalHold:
        hold_id = request.id.lower()
        with opened as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            _enter(transaction, tenant_id, call)
            locked = transaction.queue(_SQL["lock_hold"], id=hold_id)
            transaction.flush()
            if probe.repeat() is not None:
                return _repeated(transaction, tenant_id, hold_id, call)
            row = locked.first
            if row is None:
                raise errors.NotFound("No such legal hold.")
            if row.of_platform and tenant_id == call.tenant_id:
                raise errors.FailedPrecondition("The platform placed this hold: it alone releases it.")
            if row.release_time is not None:
                raise errors.FailedPrecondition("The hold was released already.")
            versions = {"old_version": row.version, "new_version": row.version + 1}
            _leave(transaction, tenant_id, call)
            self._request_ids.remember(transaction, call, probe, hold_id, row.version + 1)
            self._audit(transaction, tenant_id, call, entity_id=hold_id, reason=request.reason, **versions)
            transaction.queue(
                _SQL["release_hold"],
                id=hold_id,
                user_id=call.caller.user_id,
                username=call.caller.username,
                reason=request.reason,
            )
            made = transaction.queue(_SQL["read_hold"], id=hold_id)
        return _hold(made)

    def _audit(self, transaction: Transaction, tenant_id: str, call: Call, **fields: Any) -> None:
        """In the caller's chain and, where the platform acts on a hospital, in the hospital's, which the
        transaction is in from here on."""
        transaction.audit(**fields)
        if tenant_id != call.tenant_id:
            transaction.enter(tenant_id)
            transaction.audit(**fields)

    def _list(self, opened: Transaction, tenant_id: str, request: Any, call: Call) -> dict[str, Any]:
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(tenant_id, request.standing),
            size=request.page_size,
            token=request.page_token,
        )
        key, hold_id = page.key or ("infinity", ids.MAX)
        with opened as transaction:
            _enter(transaction, tenant_id, call)
            found = transaction.queue(
                _SQL["list_holds_before" if page.backward else "list_holds_after"],
                key=key,
                id=hold_id,
                standing=request.standing,
                limit=page.limit,
            )
        rows, following, preceding = self._pages.close(
            page, found.rows, lambda row: (row.create_time.isoformat(), row.id)
        )
        return {
            "legal_holds": list(map(_message, rows)),
            "next_page_token": following,
            "previous_page_token": preceding,
        }


def _hospital(tenant_id: str, call: Call) -> str:
    """The second lock of the platform's methods; the edge has the first. The platform is no hospital."""
    if call.tenant_id != ids.PLATFORM_TENANT:
        raise errors.PermissionDenied("Only users of the platform may do this.")
    if tenant_id == ids.PLATFORM_TENANT:
        raise errors.NotFound("No such tenant.")
    return tenant_id.lower()


def _enter(transaction: Transaction, tenant_id: str, call: Call) -> None:
    if tenant_id != call.tenant_id:
        transaction.enter(tenant_id)


def _leave(transaction: Transaction, tenant_id: str, call: Call) -> None:
    if tenant_id != call.tenant_id:
        transaction.enter(call.tenant_id)


def _repeated(transaction: Transaction, tenant_id: str, hold_id: str, call: Call) -> pb.LegalHold:
    """The same request came again: the present state, audited as a read."""
    _leave(transaction, tenant_id, call)
    transaction.audit(action="READ", entity_id=hold_id)
    _enter(transaction, tenant_id, call)
    pending = transaction.queue(_SQL["read_hold"], id=hold_id)
    transaction.commit()
    return _hold(pending)


def _hold(pending: Pending) -> pb.LegalHold:
    return _message(pending.rows[0])


def _message(row: Any) -> pb.LegalHold:
    return pb.LegalHold(
        id=row.id,
        reason=row.reason,
        of_platform=row.of_platform,
        user_id=row.user_id,
        username=row.username,
        create_time=row.create_time,
        release_time=row.release_time,
        release_user_id=row.release_user_id or "",
        release_username=row.release_username,
        release_reason=row.release_reason,
    )
