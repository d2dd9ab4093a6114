"""Trees of departments, whole and by one statement."""

from __future__ import annotations

from hms.admin.v1 import directory_act_pb2 as pb
from hms_server import errors
from hms_server.admin import mapping
from hms_server.admin.kinds import KINDS
from hms_server.context import Call
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database

_MOST = 2000
_DEEPEST = 50
_SQL = load_queries("hms_server.admin", "department_tree.sql")


class DepartmentTree:
    """A part of the admin service."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def get(self, request: pb.GetDepartmentTreeRequest, call: Call) -> pb.GetDepartmentTreeResponse:
        """The departments below one, or all; raises NotFound for a root that there is not, or is deleted."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _SQL["tree"],
                root_id=request.root_id or None,
                show_inactive=request.show_inactive,
                depth=_DEEPEST,
                limit=_MOST + 1,
            )
        rows = pending.rows
        if request.root_id and not rows:
            raise errors.NotFound("No such department.")
        shown = [row for row in rows[:_MOST] if row.depth < _DEEPEST]
        return pb.GetDepartmentTreeResponse(
            nodes=[
                pb.DepartmentTreeNode(department=mapping.entry(KINDS["DEPARTMENT"], row), depth=row.depth)
                for row in shown
            ],
            truncated=len(shown) < len(rows),
        )
