"""Request ids (AIP-155): a mutation that is repeated with the same request_id happens once.

Usage in a mutation: `probe` in the first flush, `Probe.repeat()` after it, `remember` in the second.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from typing import Any

from google.protobuf.message import Message

from hms_server import errors
from hms_server.context import Call
from hms_server.database.queries import compile_query
from hms_server.database.transaction import Pending, Transaction

_PROBE = compile_query(
    "requests.probe",
    """
    SELECT request_hash, entity_id, entity_version FROM request_record
    WHERE tenant_id = :tenant_id AND principal_id = :principal_id AND method = :method
      AND request_id = :request_id
    """,
)
_REMEMBER = compile_query(
    "requests.remember",
    """
    INSERT INTO request_record
      (tenant_id, principal_id, method, request_id, request_hash, entity_id, entity_version)
    VALUES (:tenant_id, :principal_id, :method, :request_id, :request_hash, :entity_id,
            :entity_version)
    """,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """A request id that was looked up, and what is needed to remember it."""

    request_id: str
    request_hash: bytes
    pending: Pending | None

    def repeat(self) -> str | None:
        """Id of the entity that the first request made or changed; None where this is the first.

        Raises InvalidArgument (REQUEST_ID_REUSED) where the first request had another body.
        """
        row: Any = self.pending.first if self.pending is not None else None
        if row is None:
            return None
        if not hmac.compare_digest(row.request_hash, self.request_hash):
            raise errors.InvalidArgument(
                "This request_id was used with another body: make a new one for a new request.",
                reason="REQUEST_ID_REUSED",
            )
        return str(row.entity_id)


class RequestIds:
    """Looks request ids up and remembers them. `key` makes the stored hash useless without it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def probe(self, transaction: Transaction, call: Call, request: Message) -> Probe:
        """Queues the look-up of `request.request_id`; nothing where the caller sent none."""
        request_id: str = request.request_id  # type: ignore[attr-defined]
        digest = hmac.new(self._key, request.SerializeToString(deterministic=True), hashlib.sha256).digest()
        pending = None
        if request_id:
            pending = transaction.queue(_PROBE, **_who(call), request_id=request_id)
        return Probe(request_id, digest, pending)

    def remember(
        self, transaction: Transaction, call: Call, probe: Probe, entity_id: str, version: int
    ) -> None:
        """Queues the record, in the transaction that makes the change."""
        if probe.request_id:
            transaction.queue(
                _REMEMBER,
                **_who(call),
                request_id=probe.request_id,
                request_hash=probe.request_hash,
                entity_id=entity_id,
                entity_version=version,
            )


def _who(call: Call) -> dict[str, str]:
    return {"principal_id": call.caller.user_id, "method": call.method.full_name}
