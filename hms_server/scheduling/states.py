"""The states of appointments and queue tokens, and which leads to which. Pure: no I/O.

The tables here are the whole truth: every change of a state goes through `require_step`, and docs/api.md
shows them to callers.
"""

from __future__ import annotations

from collections.abc import Mapping

from hms_server import errors

# States that hold a seat: those of the exclusion constraint appointment_seat.
SEATED = ("HELD", "BOOKED", "CONFIRMED", "ARRIVED", "CHECKED_IN", "FULFILLED")
# Lies ahead, or is under way.
OPEN = ("HELD", "BOOKED", "CONFIRMED", "ARRIVED", "CHECKED_IN", "WAITLISTED")
# Can go to another slot; the state stays.
MOVABLE = ("BOOKED", "CONFIRMED")

APPOINTMENT: Mapping[str, frozenset[str]] = {
    "WAITLISTED": frozenset({"HELD", "CANCELLED"}),
    # An offer from the waiting list that nobody took goes back to the list.
    "HELD": frozenset({"BOOKED", "CANCELLED", "EXPIRED", "WAITLISTED"}),
    "BOOKED": frozenset({"CONFIRMED", "ARRIVED", "CHECKED_IN", "CANCELLED", "NO_SHOW"}),
    "CONFIRMED": frozenset({"ARRIVED", "CHECKED_IN", "CANCELLED", "NO_SHOW"}),
    "ARRIVED": frozenset({"CHECKED_IN", "CANCELLED", "NO_SHOW"}),
    "CHECKED_IN": frozenset({"FULFILLED", "CANCELLED", "NO_SHOW"}),
    "FULFILLED": frozenset(),
    "CANCELLED": frozenset(),
    # Came after all.
    "NO_SHOW": frozenset({"ARRIVED", "CHECKED_IN"}),
    "EXPIRED": frozenset(),
}

TOKEN: Mapping[str, frozenset[str]] = {
    "WAITING": frozenset({"CALLED", "IN_CONSULTATION", "ON_HOLD", "SKIPPED", "TRANSFERRED", "CANCELLED"}),
    "CALLED": frozenset({"IN_CONSULTATION", "WAITING", "ON_HOLD", "SKIPPED", "TRANSFERRED", "CANCELLED"}),
    "IN_CONSULTATION": frozenset({"COMPLETED", "ON_HOLD", "TRANSFERRED"}),
    # Sent for a test, say; comes back to the queue.
    "ON_HOLD": frozenset({"WAITING", "IN_CONSULTATION", "COMPLETED", "TRANSFERRED", "CANCELLED"}),
    "SKIPPED": frozenset({"WAITING", "TRANSFERRED", "CANCELLED"}),
    "COMPLETED": frozenset(),
    "TRANSFERRED": frozenset(),
    "CANCELLED": frozenset(),
}


def require_step(table: Mapping[str, frozenset[str]], what: str, before: str, after: str) -> None:
    """Raises FailedPrecondition (WRONG_STATE) where one state does not lead to the other. `what` is
    "appointment" or "token"."""
    possible = table[before]
    if after not in possible:
        ways = f"leads to {', '.join(sorted(possible))} alone" if possible else "is final"
        raise errors.FailedPrecondition(
            f"The {what} is {before}: it cannot become {after}, for {before} {ways}.",
            metadata={"state": before},
        )


def require_movable(state: str) -> None:
    """Raises FailedPrecondition (WRONG_STATE) for an appointment that cannot go to another slot."""
    if state not in MOVABLE:
        raise errors.FailedPrecondition(
            f"The appointment is {state}: only one that is BOOKED or CONFIRMED can be moved. Book anew.",
            metadata={"state": state},
        )
