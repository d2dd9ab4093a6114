"""Appointments and tokens go with the visit that was started from them.

The clinical room begins and ends visits, and says so here in its own transaction (clinical/desk.py); the
tables are this room's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms_server import errors
from hms_server.clinical.desk import Place as Asked
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.scheduling import states, store

_QUERIES = load_queries("hms_server.scheduling", "desk.sql")
_IN_CONSULTATION = "IN_CONSULTATION"
# State of an encounter, and that of its token. Who was not treated after all goes back to the desk.
_TOKEN_OF: Mapping[str, str] = {
    "IN_PROGRESS": _IN_CONSULTATION,
    "ON_HOLD": "ON_HOLD",
    "COMPLETED": "COMPLETED",
    "CANCELLED": "ON_HOLD",
    "ENTERED_IN_ERROR": "ON_HOLD",
}


class Place:
    """What was locked."""

    def __init__(self, patient: Pending, appointment: Pending, token: Pending) -> None:
        self._patient, self._appointment, self._token = patient, appointment, token

    @property
    def patient(self) -> Any:
        """id, deleted, merged_into; None where the caller sees none."""
        return self._patient.first

    @property
    def appointment(self) -> Any:
        """The appointment's row; None where there is none."""
        return self._appointment.first

    @property
    def token(self) -> Any:
        """The token's row; None where there is none."""
        return self._token.first


class Desk:
    """The front desk of the scheduling room (clinical/desk.py says what is asked of it)."""

    def lock(
        self,
        transaction: Transaction,
        *,
        appointment_id: str = "",
        queue_token_id: str = "",
        encounter_id: str = "",
    ) -> Place:
        """Queues the locks: patient, appointment, token."""
        of = {
            "appointment_id": appointment_id or None,
            "queue_token_id": queue_token_id or None,
            "encounter_id": encounter_id or None,
        }
        patient = transaction.queue(_QUERIES["lock_patient_of"], **of)
        appointment = transaction.queue(_QUERIES["lock_appointment_of"], **of)
        return Place(patient, appointment, transaction.queue(_QUERIES["lock_token_of"], **of))

    def begin(self, transaction: Transaction, place: Asked, call: Call) -> tuple[AuditedEntities, ...]:
        """The token goes into consultation; without one the appointment must be checked in.

        Raises FailedPrecondition: NOT_CHECKED_IN, or WRONG_STATE where the token is not waiting.
        """
        if place.token is None:
            if place.appointment.state != "CHECKED_IN":
                raise errors.FailedPrecondition(
                    "The appointment is not checked in: check the patient in first.",
                    reason="NOT_CHECKED_IN",
                    metadata={"state": place.appointment.state},
                )
            return ()
        states.require_step(states.TOKEN, "token", place.token.state, _IN_CONSULTATION)
        return self._move(transaction, place.token, _IN_CONSULTATION, call)

    def follow(
        self, transaction: Transaction, place: Asked, state: str, call: Call
    ) -> tuple[AuditedEntities, ...]:
        """Moves the token with the encounter, and fulfils the appointment of one that is completed. What the
        desk has ended by itself stays as it is."""
        moved: tuple[AuditedEntities, ...] = ()
        wanted = _TOKEN_OF.get(state, "")
        if place.token is not None and _leads(place.token.state, wanted):
            moved += self._move(transaction, place.token, wanted, call)
        fulfils = state == "COMPLETED" and (place.token is None or place.token.state != "TRANSFERRED")
        if fulfils and place.appointment is not None and place.appointment.state == "CHECKED_IN":
            store.update(transaction, place.appointment, call.caller.user_id, state="FULFILLED")
            moved += (AuditedEntities("appointment", "UPDATE", [place.appointment.id]),)
        return moved

    def _move(
        self, transaction: Transaction, token: Any, state: str, call: Call
    ) -> tuple[AuditedEntities, ...]:
        transaction.queue(_QUERIES["move_token"], id=token.id, state=state, actor_id=call.caller.user_id)
        return (AuditedEntities("queue_token", "UPDATE", [token.id]),)


def _leads(before: str, after: str) -> bool:
    """Whether a token gets from one state to another; through the consultation, where its visit ends before
    the desk has noted that it began again."""
    possible = states.TOKEN[before]
    return after in possible or (
        after == "COMPLETED" and _IN_CONSULTATION in possible and after in states.TOKEN[_IN_CONSULTATION]
    )
