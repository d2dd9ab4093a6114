"""What the front desk may do: the patient, the session, the department. Pure: no I/O."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from hms_server import errors
from hms_server.context import Call


def require_open_patient(patient: Any) -> None:
    """Raises NotFound for a patient that the caller does not see, FailedPrecondition for one that was
    merged or deleted. `patient`: the row that was locked."""
    if patient is None:
        raise errors.NotFound("No such patient.")
    if patient.merged_into is not None:
        raise errors.FailedPrecondition(
            "The patient was merged into another: write to the record that stands.",
            reason="PATIENT_MERGED",
            metadata={"survivor_id": patient.merged_into},
        )
    if patient.deleted:
        raise errors.FailedPrecondition("The patient is deleted: undelete the record first.")


def require_same_patient(patient: Any, row: Any) -> None:
    """A merge that came between gave the row another patient than the one that was locked: raises
    ConcurrentChange, and the call is made again."""
    if patient is None or patient.id != row.patient_id:
        raise errors.ConcurrentChange("The patient was merged meanwhile: try again.")


def require_inside(call: Call, department_id: str) -> None:
    """Raises PermissionDenied (DEPARTMENT_LIMITED) where the caller is limited to other departments."""
    if call.departments is not None and department_id not in call.departments:
        raise errors.PermissionDenied(
            f"The caller holds {call.method.permission} in some departments only: this queue is of another.",
            reason="DEPARTMENT_LIMITED",
            metadata={"permission": call.method.permission},
        )


def choose_session(rows: Sequence[Any], department_id: str, now: datetime.datetime) -> Any | None:
    """The session of now or the next of the day, of `sessions_of_day`; None where there is none."""
    for row in rows:
        if (
            row.session_start is not None
            and row.session_end > now
            and department_id in ("", row.department_id)
        ):
            return row
    return None


def require_practitioner(row: Any) -> None:
    """Raises NotFound for a practitioner that there is not, FailedPrecondition for an inactive one."""
    if row.practitioner_id is None:
        raise errors.NotFound("No such practitioner.")
    if not row.active:
        raise errors.FailedPrecondition("The practitioner is inactive: choose another one.")


def no_session() -> errors.FailedPrecondition:
    """Nobody sits there today."""
    text = "has no session now or later today: choose another one, or say without_session"
    return errors.FailedPrecondition(
        f"The practitioner {text}.",
        reason="NO_SESSION_TODAY",
        violations=(errors.FieldViolation("without_session", f"the practitioner {text}"),),
    )


def walk_ins_full(walk_ins: int) -> errors.FailedPrecondition:
    """All seats of the session are taken."""
    return errors.FailedPrecondition(
        "The session has no seat left for a walk-in: choose another session, or say beyond_capacity to put"
        " the patient behind everybody who has a seat.",
        reason="WALK_INS_FULL",
        metadata={"walk_ins": str(walk_ins)},
    )


def already_in_queue(token_id: str) -> errors.FailedPrecondition:
    """The patient stands there already."""
    text = "the patient has a place in this practitioner's queue already"
    return errors.FailedPrecondition(
        f"{text[0].upper()}{text[1:]}: use that token.",
        reason="ALREADY_IN_QUEUE",
        metadata={"queue_token_id": token_id} if token_id else {},
        violations=(errors.FieldViolation("practitioner_id", text),),
    )


def already_called(token: Any | None) -> errors.FailedPrecondition:
    """One is called at a time."""
    return errors.FailedPrecondition(
        "Somebody was called and has not come in: start the consultation, or skip, hold or return that token,"
        " or say recall.",
        reason="ALREADY_CALLED",
        metadata={"queue_token_id": token.id, "token": token.token} if token is not None else {},
    )


def queue_empty() -> errors.FailedPrecondition:
    """Nobody waits."""
    return errors.FailedPrecondition("Nobody waits in this queue.", reason="QUEUE_EMPTY")


def next_is_hidden(token: str) -> errors.FailedPrecondition:
    """Who is next the caller may not see, and nobody is passed over unnoticed."""
    return errors.FailedPrecondition(
        "Who is next is hidden from the caller (restricted, or of another department): somebody who works"
        " there calls next, or call another token out of the order and say why.",
        reason="NEXT_IS_HIDDEN",
        metadata={"token": token},
    )


def require_today(start: datetime.datetime | None, day: Any) -> None:
    """Raises FailedPrecondition where an appointment is not of the hospital's present day."""
    if start is None or not day.day_start <= start < day.day_end:
        raise errors.FailedPrecondition(
            "The appointment is not of today: reschedule it, or give the patient a token of his own."
        )


def require_begun(start: datetime.datetime | None, now: datetime.datetime) -> None:
    """Raises FailedPrecondition where a slot has not begun."""
    if start is None or start > now:
        raise errors.FailedPrecondition(
            "The slot has not begun: nobody missed it. Cancel the appointment if the patient will not come."
        )


def prefix(row: Any) -> str:
    """What tokens begin with: the department's code, else the hospital's own word."""
    return str(row.department_code or row.token_prefix)


def nobody_there() -> errors.FailedPrecondition:
    """Nobody else of a department has a session now."""
    return errors.FailedPrecondition(
        "No other practitioner of the department has a session now: name a practitioner.",
        reason="NO_SESSION_TODAY",
    )
