"""What the waiting list takes and gives. Pure: no I/O."""

from __future__ import annotations

from typing import Any

from hms.scheduling.v1 import appointment_pb2 as pb
from hms_server import errors

# How long an offer stands, and how soon a slot may begin that is still offered.
OFFER_SECONDS = 30 * 60
LEAST_SECONDS = 10 * 60
_RANK = {"URGENT": 1, "ROUTINE": 2}
# What of an entry stands in its document.
_DOCUMENT = ("reasons", "note", "wanted_weekdays", "wanted_day_start", "wanted_day_end", "waitlist_priority")


def rank(entry: pb.Appointment) -> int:
    """Where an entry stands among others: 1 before 2."""
    return _RANK[entry.waitlist_priority or "ROUTINE"]


def entry_of(sent: pb.Appointment) -> pb.Appointment:
    """What a caller says of a new entry. Raises InvalidArgument where it lacks a patient or a department, or
    wants a time that there is not."""
    for name in ("patient_id", "department_id"):
        if not getattr(sent, name):
            raise errors.invalid_field(f"appointment.{name}", "is required")
    if (
        sent.HasField("wanted_start_time")
        and sent.HasField("wanted_end_time")
        and sent.wanted_start_time.ToDatetime() >= sent.wanted_end_time.ToDatetime()
    ):
        raise errors.invalid_field("appointment.wanted_end_time", "must be after wanted_start_time")
    if sent.wanted_day_start and sent.wanted_day_end and sent.wanted_day_start >= sent.wanted_day_end:
        raise errors.invalid_field("appointment.wanted_day_end", "must be after wanted_day_start")
    made = pb.Appointment()
    made.CopyFrom(sent)
    made.waitlist_priority = sent.waitlist_priority or "ROUTINE"
    return made


def document_of(entry: pb.Appointment, as_json: Any) -> dict[str, Any]:
    """The document of a new entry. `as_json` makes a message a dictionary."""
    kept = pb.Appointment()
    kept.CopyFrom(entry)
    for field, _ in entry.ListFields():
        if field.name not in _DOCUMENT:
            kept.ClearField(field.name)  # type: ignore[arg-type]
    found: dict[str, Any] = as_json(kept)
    return found


def open_patient(row: Any) -> str:
    """Id of the patient who is put on the list. Raises NotFound, FailedPrecondition (PATIENT_MERGED)."""
    if row is None:
        raise errors.NotFound("No such patient.")
    if row.merged_into is not None:
        raise errors.FailedPrecondition(
            "The patient was merged into another: write to the record that stands.",
            reason="PATIENT_MERGED",
            metadata={"survivor_id": str(row.merged_into)},
        )
    if row.deleted:
        raise errors.FailedPrecondition("The patient is deleted: undelete the record first.")
    return str(row.id)


def require_place(entry: pb.Appointment, place: Any) -> None:
    """Raises InvalidArgument where an entry points to what is not there, not in use, or not the patient's."""
    wrong = tuple(
        errors.FieldViolation(f"appointment.{name}", description)
        for name, description in (
            ("department_id", "names no department in use"),
            ("practitioner_id", "names no practitioner in use"),
            ("previous_appointment_id", "names no appointment of this patient"),
        )
        if getattr(entry, name) and getattr(place, name) is None
    )
    if wrong:
        raise errors.InvalidArgument(f"{wrong[0].field}: {wrong[0].description}", violations=wrong)


def require_offer(row: Any) -> None:
    """Raises FailedPrecondition (NOT_AN_OFFER) for what was not offered from the waiting list."""
    if row.state != "HELD" or row.waitlist_time is None:
        raise errors.FailedPrecondition(
            f"The appointment is {row.state} and no offer from the waiting list: cancel it instead.",
            reason="NOT_AN_OFFER",
            metadata={"state": row.state},
        )


def require_inside(department_id: str, departments: frozenset[str] | None, permission: str) -> None:
    """Raises PermissionDenied (DEPARTMENT_LIMITED) where a limited caller writes for another department."""
    if departments is not None and department_id.lower() not in departments:
        raise errors.PermissionDenied(
            f"The caller holds {permission} in some departments only: department_id must be one of them.",
            reason="DEPARTMENT_LIMITED",
            metadata={"permission": permission},
        )
