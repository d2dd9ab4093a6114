"""The guided tour of `scripts/run --check`: the main jobs, one line for each step that held or not.

Each step is a function of the `tour_*` modules; its docstring is the line that is printed, its answer
says what was seen.
"""

import http.client
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from inspect import getdoc

import grpc

from hms_server.devstack import (
    tour_access,
    tour_audit,
    tour_day,
    tour_departments,
    tour_glass,
    tour_import,
    tour_merge,
    tour_patients,
    tour_record,
    tour_search,
    tour_stubs,
)
from hms_server.devstack.progress import Progress
from hms_server.devstack.tour_visit import NotHeld, Visit, describe

Step = Callable[[Visit], str]

STEPS: tuple[Step, ...] = (
    *tour_access.ENTRANCE,
    *tour_patients.STEPS,
    *tour_search.STEPS,
    *tour_stubs.STEPS,
    *tour_import.STEPS,
    *tour_record.STEPS,
    *tour_day.STEPS,
    *tour_merge.STEPS,
    *tour_departments.STEPS,
    *tour_glass.STEPS,
    *tour_access.REFUSALS,
    *tour_access.SESSIONS,
    *tour_audit.STEPS,
)


def run(env: Mapping[str, str], platform: Mapping[str, str] | None = None) -> bool:
    """Take every step on the running system; whether all of them held.

    `env` is what `.hms/env` holds. `platform` is the sign-in of the platform's administrator; without
    it no second hospital can be made, and its step is left out.
    """
    steps = [step for step in STEPS if platform is not None or step not in tour_access.OF_THE_PLATFORM]
    visit = Visit(env, platform)
    try:
        return walk(visit, steps, Progress())
    finally:
        visit.close()


def walk(visit: Visit, steps: Sequence[Step], progress: Progress) -> bool:
    """Take the steps in order, going on after one that fails."""
    begun = time.monotonic()
    failed = sum(not _take(visit, step, progress) for step in steps)
    progress.say(f"  {len(steps) - failed} of {len(steps)} steps held, {time.monotonic() - begun:.1f} s")
    return failed == 0


def _take(visit: Visit, step: Step, progress: Progress) -> bool:
    title = (getdoc(step) or step.__name__).splitlines()[0].rstrip(".")
    try:
        seen = step(visit)
    except NotHeld as error:
        why = str(error)
    except grpc.RpcError as error:
        why = describe(error)
    except (
        OSError,
        http.client.HTTPException,
        subprocess.SubprocessError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # No connection, or an answer of another shape than expected.
        why = f"{type(error).__name__}: {error}"
    else:
        progress.say(f"  ok    {title}" + (f": {seen}" if seen else ""))
        return True
    progress.say(f"  FAIL  {title}: {why}")
    return False
