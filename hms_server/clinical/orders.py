"""What is done to an order beside writing and amending it: collected, revoked. Its results: results.py."""

from __future__ import annotations

from hms.clinical.v1 import order_pb2
from hms_server.clinical import records, transitions
from hms_server.context import Call
from hms_server.database.retry import on_conflict


class Orders(records.Records):
    """The records of type ORDER."""

    @on_conflict
    def collect(self, request: order_pb2.CollectOrderRequest, call: Call) -> order_pb2.Order:
        """The specimen was collected, or the examination has begun. Raises NotFound, FailedPrecondition where
        the order is not ACTIVE, InvalidArgument for who collected it or when."""

        def change(order: order_pb2.Order) -> None:
            transitions.require(self._kind, order.state, "IN_PROGRESS")
            order.state = "IN_PROGRESS"
            order.collect_time = request.collect_time or records.now()
            order.collected_by_id = request.practitioner_id
            order.collect_user_id = call.caller.user_id
            if request.specimen_note:
                order.specimen_note = request.specimen_note

        pointers = order_pb2.Order(collected_by_id=request.practitioner_id)
        made: order_pb2.Order = self._change(request, call, request.id, request.etag, change, pointers)
        return made

    @on_conflict
    def revoke(self, request: order_pb2.RevokeOrderRequest, call: Call) -> order_pb2.Order:
        """It is no longer wanted. Raises NotFound, and FailedPrecondition where it is done or revoked."""

        def change(order: order_pb2.Order) -> None:
            transitions.require(self._kind, order.state, "REVOKED")
            order.state = "REVOKED"
            order.revoke_reason = request.reason

        made: order_pb2.Order = self._change(request, call, request.id, request.etag, change, None)
        return made
