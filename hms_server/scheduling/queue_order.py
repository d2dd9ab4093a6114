"""Who comes before whom in the queue of a session. Pure: no I/O.

The queue goes by urgency (0 EMERGENCY, 1 PREGNANT and ELDERLY, 2 NORMAL), then by `order_time`, then by id:

- An appointment's order_time is its slot's start. Who checks in later than GRACE after it gets the time of
  the check-in instead.
- A walk-in takes an open seat: a seat of the session that is kept for walk-ins, or one that nobody has
  booked. Open seats are sorted by time; the n-th walk-in of the session takes the n-th. His order_time is
  BEHIND_SLOT after the start of that seat's slot, so that appointments of the same slot go first; never
  before the moment the token was issued, and never before the walk-in before him.
- A walk-in beyond the open seats waits behind the session's end: behind everybody who has a seat.
- Without a session a walk-in's order_time is the moment of issue.

What holds (tests/unit/test_queue_order.py): walk-ins of one urgency keep the order in which they came; and an
appointment whose patient is there in time never waits behind more walk-ins of its urgency than there are open
seats in slots that begin before its own. One who is late waits behind nobody of his urgency who came after
him.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

URGENCY: Mapping[str, int] = {"EMERGENCY": 0, "PREGNANT": 1, "ELDERLY": 1, "NORMAL": 2}
# So late a patient keeps the place of the slot.
GRACE = datetime.timedelta(minutes=10)
BEHIND_SLOT = datetime.timedelta(seconds=1)
# Who was skipped comes back behind so many of those who wait.
SKIPPED_BEHIND = 3
_STEP = datetime.timedelta(microseconds=1)


def appointment_time(start: datetime.datetime, check_in: datetime.datetime) -> datetime.datetime:
    """order_time of an appointment that is checked in."""
    return check_in if check_in > start + GRACE else start


def open_seats(
    slot_starts: Sequence[datetime.datetime],
    seats: Sequence[int],
    walk_in_seats: Sequence[int],
    booked_starts: Sequence[datetime.datetime],
) -> list[datetime.datetime]:
    """Starts of the slots of the seats that walk-ins can take, one for each seat, in order.

    `booked_starts` has one entry for each seat that is booked. What is booked beyond a slot's bookable seats,
    or stands on no slot (the schedule was changed since), takes the last seats that are left of the session.
    """
    left = dict.fromkeys(slot_starts, 0)
    bookable = dict.fromkeys(slot_starts, 0)
    for start, all_of_slot, kept in zip(slot_starts, seats, walk_in_seats, strict=True):
        left[start] += all_of_slot
        bookable[start] += all_of_slot - kept
    homeless = 0
    for start in booked_starts:
        if bookable.get(start, 0) > 0:
            bookable[start] -= 1
            left[start] -= 1
        else:
            homeless += 1
    found = [start for start in sorted(left) for _ in range(left[start])]
    return found[: len(found) - homeless] if homeless < len(found) else []


def has_room(seats: Sequence[datetime.datetime], walk_ins: int) -> bool:
    """Whether one more walk-in has a seat, where so many have one."""
    return walk_ins < len(seats)


def walk_in_time(
    issue: datetime.datetime,
    seats: Sequence[datetime.datetime],
    walk_ins: int,
    last: datetime.datetime | None,
    session_end: datetime.datetime,
) -> datetime.datetime:
    """order_time of the walk-in who comes after `walk_ins` others. `seats`: of `open_seats`; `last`: the
    latest order_time of those others."""
    place = seats[walk_ins] + BEHIND_SLOT if has_room(seats, walk_ins) else session_end
    return max(issue, place) if last is None else max(issue, place, last)


def return_time(own: datetime.datetime, places: Sequence[datetime.datetime]) -> datetime.datetime:
    """order_time of somebody who was skipped and is back: behind the first SKIPPED_BEHIND of `places`
    (order_time of those who wait with his urgency, in order), and never before his old place."""
    behind = places[:SKIPPED_BEHIND]
    return max(own, behind[-1] + _STEP) if behind else own


def transfer_time(order_time: datetime.datetime, state: str, now: datetime.datetime) -> datetime.datetime:
    """order_time in another practitioner's queue: the patient keeps the rank of the arrival. Who was
    skipped, and so was not there, gets the present moment."""
    return max(order_time, now) if state == "SKIPPED" else order_time
