"""What the clinical room asks of the front desk: appointments and the queue belong to the scheduling room.

`bootstrap` puts the two together (scheduling/desk.py is the one that there is), so that neither room knows
the other's store.
"""

from __future__ import annotations

from typing import Any, Protocol

from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.transaction import Transaction


class Place(Protocol):
    """An appointment and a token that were locked together with their patient. There after the flush."""

    @property
    def patient(self) -> Any:
        """id, deleted, merged_into; None where the caller sees none."""

    @property
    def appointment(self) -> Any:
        """The appointment's row; None where there is none."""

    @property
    def token(self) -> Any:
        """The row of the token that counts; None where there is none."""


class Desk(Protocol):
    """Appointments and tokens, as a visit moves them."""

    def lock(
        self,
        transaction: Transaction,
        *,
        appointment_id: str = "",
        queue_token_id: str = "",
        encounter_id: str = "",
    ) -> Place:
        """Queues the locks of an appointment, of a token, or of what an encounter was started from."""

    def begin(self, transaction: Transaction, place: Place, call: Call) -> tuple[AuditedEntities, ...]:
        """The patient goes in. Raises FailedPrecondition (NOT_CHECKED_IN, WRONG_STATE)."""

    def follow(
        self, transaction: Transaction, place: Place, state: str, call: Call
    ) -> tuple[AuditedEntities, ...]:
        """Token and appointment go with an encounter that takes on this state."""
