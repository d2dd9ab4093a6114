"""Whose account a user's is: the link between users and practitioners, one to one."""

from __future__ import annotations

from typing import Any

from hms.admin.v1 import directory_act_pb2 as act
from hms.admin.v1 import directory_pb2 as pb
from hms_server import aip, errors
from hms_server.admin import directory_store, mapping
from hms_server.admin.kinds import KINDS
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.faults import UniqueViolation
from hms_server.database.queries import load_queries
from hms_server.database.requests import Probe, RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction

_KIND = KINDS["PRACTITIONER"]
_SQL = load_queries("hms_server.admin", "accounts.sql")


class PractitionerAccounts:
    """A part of the admin service."""

    def __init__(self, *, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    def mine(self, call: Call) -> pb.Practitioner:
        """The practitioner whose account the caller has; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(_SQL["of_user"], user_id=call.caller.user_id)
        if pending.first is None:
            raise errors.NotFound("Your account is no practitioner's: ask an administrator to link it.")
        return _shown(pending.first)

    @on_conflict
    def link(self, request: act.LinkPractitionerUserRequest, call: Call) -> pb.Practitioner:
        """Makes a user's account the practitioner's. Raises NotFound, InvalidArgument for an unknown
        user, Aborted, and FailedPrecondition (PRACTITIONER_LINKED) where one of them has another."""
        user_id = request.user_id.lower()
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                user = transaction.queue(_SQL["user"], user_id=user_id)
                holder = transaction.queue(_SQL["of_user"], user_id=user_id)
                probe = self._request_ids.probe(transaction, call, request)
                row = directory_store.lock(transaction, _KIND, request.id)
                transaction.flush()
                if probe.repeat() is not None:
                    return self._repeated(transaction, request.id)
                practitioner = _found(row.first)
                aip.require_etag(request.etag, practitioner.version)
                _require_free(practitioner, holder.first, user_id)
                if user.first is None:
                    raise errors.invalid_field("user_id", "no such user")
                return self._set(transaction, probe, call, practitioner, user_id)
        except UniqueViolation as refused:
            if refused.constraint != "practitioner_by_user":
                raise
            raise _linked("The account is another practitioner's") from None

    @on_conflict
    def unlink(self, request: act.UnlinkPractitionerUserRequest, call: Call) -> pb.Practitioner:
        """The practitioner has no account any more; where there was none it stays so.

        Raises NotFound, Aborted.
        """
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            row = directory_store.lock(transaction, _KIND, request.id)
            transaction.flush()
            if probe.repeat() is not None:
                return self._repeated(transaction, request.id)
            practitioner = _found(row.first)
            aip.require_etag(request.etag, practitioner.version)
            return self._set(transaction, probe, call, practitioner, None)

    def _set(
        self, transaction: Transaction, probe: Probe, call: Call, row: Any, user_id: str | None
    ) -> pb.Practitioner:
        version, made = row.version, None
        if row.user_id != user_id:
            version += 1
            made = transaction.queue(
                _SQL["set_user"], id=row.id, user_id=user_id, actor_id=call.caller.user_id
            )
        touched = [each for each in (row.user_id or user_id,) if each]
        self._request_ids.remember(transaction, call, probe, row.id, version)
        transaction.audit(
            entity_id=row.id,
            old_version=row.version,
            new_version=version,
            entities=[AuditedEntities("user", "UPDATE", touched)] if touched else (),
        )
        transaction.commit()
        return _shown(row if made is None else made.first)

    def _repeated(self, transaction: Transaction, entry_id: str) -> pb.Practitioner:
        pending = directory_store.get(transaction, _KIND, entry_id)
        transaction.audit(action="READ", entity_id=entry_id)
        transaction.commit()
        return _shown(_found(pending.first))


def _require_free(practitioner: Any, holder: Any, user_id: str) -> None:
    if practitioner.delete_time is not None:
        raise errors.FailedPrecondition(
            "The practitioner is deleted: undelete it first.", reason="DIRECTORY_ENTRY_DELETED"
        )
    if practitioner.user_id not in (None, user_id):
        raise _linked("The practitioner has another account")
    if holder is not None and holder.id != practitioner.id:
        raise _linked("The account is another practitioner's")


def _linked(text: str) -> errors.FailedPrecondition:
    return errors.FailedPrecondition(f"{text}: unlink that first.", reason="PRACTITIONER_LINKED")


def _found(row: Any) -> Any:
    if row is None:
        raise errors.NotFound("No such practitioner.")
    return row


def _shown(row: Any) -> pb.Practitioner:
    shown: pb.Practitioner = mapping.entry(_KIND, row)
    return shown
