"""How long somebody in the queue will wait. Pure: no I/O.

A consultation is taken to last as long as the practitioner's last ones did: the last up to 20 of today, or
where there is none of today, the last up to 20 of 30 days. That mean is drawn towards the length of the
session's slots as if PRIOR consultations of exactly that length had been among them (the mean of a normal
distribution with a prior, James and Stein), so that one long consultation in the morning does not double
everybody's wait.

    wait = people before * mean - what has passed of the consultations under way + time until the session
    begins

where people before are those who wait before, who is called, and who is in consultation, each of whom has at
most the mean still to go; never negative.
"""

from __future__ import annotations

from collections.abc import Sequence

LAST = 20
PRIOR = 5
# Where no session says how long a slot is.
USUAL_SECONDS = 900.0


def consultation_seconds(
    today: Sequence[float], earlier: Sequence[float], slot_seconds: float | None
) -> float:
    """How long a consultation takes. `today` and `earlier`: seconds of those that ended, newest first."""
    known = list(today or earlier)[:LAST]
    slot = slot_seconds or USUAL_SECONDS
    return (sum(known) + PRIOR * slot) / (len(known) + PRIOR)


def wait_seconds(
    waiting_before: int, called: int, elapsed: Sequence[float], mean: float, until_session: float
) -> int:
    """Seconds until somebody is called, before whom so many wait. `elapsed`: seconds that each consultation
    under way has taken; `until_session`: until the session begins, negative when it has."""
    under_way = sum(max(0.0, mean - passed) for passed in elapsed)
    return max(0, round((waiting_before + called) * mean + under_way + max(0.0, until_session)))
