"""Which states of an order and a referral lead to which, and what may be amended in which. Pure.

A plain amendment leads a draft to ACTIVE and nowhere else: every other step is a method of its own, which
says what the step needs (who collected, why it was revoked).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms_server import errors
from hms_server.clinical.kinds import Kind

STATES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ORDER": {
        "DRAFT": ("ACTIVE", "REVOKED"),
        "ACTIVE": ("IN_PROGRESS", "COMPLETED", "REVOKED"),
        "IN_PROGRESS": ("COMPLETED", "REVOKED"),
        "COMPLETED": (),
        "REVOKED": (),
    },
    "REFERRAL": {
        "DRAFT": ("ACTIVE", "REVOKED"),
        "ACTIVE": ("ACCEPTED", "DECLINED", "REVOKED"),
        "ACCEPTED": ("COMPLETED", "REVOKED"),
        "COMPLETED": (),
        "DECLINED": (),
        "REVOKED": (),
    },
}
_FIRST = ("DRAFT", "ACTIVE")
# Fields that stand from the state on in which somebody works by them.
_FIXED = {
    "ORDER": ("category", "items"),
    "REFERRAL": ("to_practitioner_id", "to_department_id", "to_organization_id"),
}


def require_first(kind: Kind, message: Any) -> None:
    """Raises InvalidArgument for a new record in a state that only an act leads to."""
    if kind.type in STATES and message.state not in _FIRST:
        raise errors.invalid_field(f"{kind.field}.state", "of a new one is DRAFT or ACTIVE")


def require(kind: Kind, before: str, after: str) -> None:
    """Raises FailedPrecondition where one state does not lead to the other."""
    possible = STATES[kind.type].get(before, ())
    if after not in possible:
        ways = f"leads to {' and '.join(possible)} alone" if possible else "is final"
        raise errors.FailedPrecondition(f"What is {before} cannot become {after}: {before} {ways}.")


def require_amendable(kind: Kind, before: Any, after: Any) -> None:
    """Raises FailedPrecondition for an amendment that takes a step which is a method of its own, or changes
    what somebody works by already."""
    if kind.type not in STATES:
        return
    if before.state != after.state and (before.state, after.state) != ("DRAFT", "ACTIVE"):
        raise errors.FailedPrecondition(
            "An amendment leads a DRAFT to ACTIVE alone: use the method of the step."
        )
    if before.state not in _FIRST:
        changed = [name for name in _FIXED[kind.type] if getattr(before, name) != getattr(after, name)]
        if changed:
            raise errors.FailedPrecondition(
                f"{' and '.join(changed)} cannot change any more: revoke this one and make another."
            )
