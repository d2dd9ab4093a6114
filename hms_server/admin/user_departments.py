"""The departments that users work in. The only writer of user_department.

They decide who sees a restricted patient (docs/decisions/0015-restricted-by-policy.md).
"""

from __future__ import annotations

from hms.admin.v1 import user_department_pb2 as pb
from hms_server import errors
from hms_server.admin import directory_store
from hms_server.admin.kinds import KINDS
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.queries import load_queries
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending

_SQL = load_queries("hms_server.admin", "user_departments.sql")


class UserDepartmentBook:
    """The users' departments, a part of the admin service."""

    def __init__(self, *, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    def get(self, request: pb.GetUserDepartmentsRequest, call: Call) -> pb.UserDepartments:
        """A user's departments; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(_SQL["read"], user_id=request.user_id)
        return _found(pending)

    @on_conflict
    def set(self, request: pb.SetUserDepartmentsRequest, call: Call) -> pb.UserDepartments:
        """Makes these the user's departments. Raises NotFound, and InvalidArgument for an unknown one."""
        user_id, wanted = request.user_id.lower(), [each.lower() for each in request.department_ids]
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            user = transaction.queue(_SQL["lock_user"], user_id=user_id)
            probe = self._request_ids.probe(transaction, call, request)
            known = directory_store.existing(transaction, KINDS["DEPARTMENT"], set(wanted))
            transaction.flush()
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=user_id)
            else:
                if user.first is None:
                    raise errors.NotFound("No such user.")
                _require_known(wanted, {row.id for row in known.rows})
                removed = transaction.queue(_SQL["remove"], user_id=user_id, ids=wanted)
                added = transaction.queue(_SQL["add"], user_id=user_id, ids=wanted)
                transaction.flush()
                self._request_ids.remember(transaction, call, probe, user_id, 1)
                transaction.audit(
                    entity_id=user_id,
                    entities=[
                        AuditedEntities("department", action, [row.department_id for row in pending.rows])
                        for action, pending in (("DELETE", removed), ("CREATE", added))
                        if pending.rows
                    ],
                )
            answer = transaction.queue(_SQL["read"], user_id=user_id)
        return _found(answer)


def _require_known(wanted: list[str], known: set[str]) -> None:
    unknown = tuple(
        errors.FieldViolation(f"department_ids[{i}]", "names no department")
        for i, each in enumerate(wanted)
        if each not in known
    )
    if unknown:
        raise errors.InvalidArgument(f"{unknown[0].field}: {unknown[0].description}", violations=unknown)


def _found(pending: Pending) -> pb.UserDepartments:
    if not pending.rows:
        raise errors.NotFound("No such user.")
    return pb.UserDepartments(
        user_id=pending.rows[0].user_id,
        department_ids=[row.department_id for row in pending.rows if row.department_id is not None],
    )
