"""How fast the workers move audit records into the chains, and whether any is lost or doubled.

Twice the records of several hospitals are put into the outbox, each time in one commit, and drained by
the system's own workers: undisturbed at first, which gives the rate, then with one worker killed
(SIGKILL) in the middle. Afterwards every record must be an event once, and `hms audit verify` must hold.
"""

from __future__ import annotations

import contextlib
import random
import time
from typing import NamedTuple

import psycopg

from bench import generator
from bench.errors import BenchError
from bench.figures import shown
from bench.hospitals import Hospital
from bench.rows import escape
from bench.system import System
from hms.patient.v1 import patient_pb2
from hms_server import ids
from hms_server.context import Call, Principal
from hms_server.database import audited
from hms_server.devstack.errors import StackError
from hms_server.policy import policy_of

HOSPITALS = 4
_KILLED = "worker-1"
# The kill comes when this share is drained.
_KILL_AT = 0.4
_LOOK_EVERY = 0.02
_LONGEST_SECONDS = 600.0
# COPY is refused where row-level security is forced, and the outbox is in use: by way of a table of our own.
_COLUMNS = "tenant_id, event_id, record, patient_ids, outcome"
_STAGE = f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {_COLUMNS} FROM audit_outbox LIMIT 0"
_COPY = f"COPY staged ({_COLUMNS}) FROM STDIN"
_INSERT = f"INSERT INTO audit_outbox ({_COLUMNS}) SELECT {_COLUMNS} FROM staged"
_DRAINED = "SELECT coalesce(sum(sequence), 0) FROM audit_chain WHERE tenant_id = ANY (%s)"
_EVENTS = "SELECT id::text FROM audit_event WHERE tenant_id = ANY (%s)"
# Patients that a call returned, as often as in use: one record, a page of a list, none.
_PATIENTS = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 25, 0, 0, 0)


class _Drained(NamedTuple):
    """One filling: how many events the workers made in how many seconds."""

    events: int
    seconds: float


def run(system: System) -> dict[str, float]:
    """Measures; `lost`, `doubled` and `verified` tell whether the audit is whole."""
    made = system.empty_hospitals(HOSPITALS)
    system.settle()
    # Making them left records of its own.
    sent = set(_stored(system, made))
    calm = _drained(system, made, sent, kill=False)
    killed = _drained(system, made, sent, kill=True)
    stored = _stored(system, made)
    events = set(stored)
    return {
        "events": len(sent),
        "events_per_s": shown(calm.events / calm.seconds),
        "events_per_s_with_kill": shown(killed.events / killed.seconds),
        "lost": len(sent - events),
        "doubled": len(stored) - len(events),
        "strange": len(events - sent),
        "verified": int(_verify(system)),
    }


def _fill(system: System, made: list[Hospital], sent: set[str]) -> int:
    """Puts records into the outbox in one commit and notes their ids; answers how many."""
    chance = random.Random(f"outbox/{system.sizes.seed}/{len(sent)}")
    total = system.sizes.events
    wanted = generator.sizes(total, len(made), exponent=1.0)
    counts = [round(total * each / sum(wanted)) for each in wanted]
    with psycopg.connect(system.owner_url) as connection, connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for hospital, count in zip(made, counts, strict=True):
                record = _record(hospital)
                for _ in range(count):
                    event_id = ids.uuid7()
                    sent.add(event_id)
                    copy.write(_line(hospital, event_id, record, chance))
        cursor.execute(_INSERT)
    return sum(counts)


def _record(hospital: Hospital) -> str:
    """What a call's own transaction writes, by the code that writes it."""
    method = patient_pb2.DESCRIPTOR.services_by_name["PatientService"].methods_by_name["GetPatient"]
    call = Call(policy_of(method), {}, address="10.20.30.40")
    call.principal = Principal(hospital.tenant_id, ids.uuid7(), "reception", ids.uuid7(), 1, frozenset(), 0.0)
    call.request_id = call.trace_id = "0" * 32
    return audited.record(call)


def _line(hospital: Hospital, event_id: str, record: str, chance: random.Random) -> str:
    trace = f"{chance.getrandbits(128):032x}"
    count = _PATIENTS[chance.randrange(len(_PATIENTS))]
    patients = ",".join(_patient_id(chance) for _ in range(count))
    text = escape(record.replace("0" * 32, trace))
    return f"{hospital.tenant_id}\t{event_id}\t{text}\t{{{patients}}}\tOK\n"


def _patient_id(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _drained(system: System, made: list[Hospital], sent: set[str], *, kill: bool) -> _Drained:
    """Fills the outbox and watches it being drained; the clock runs from the first batch to the last."""
    tenants = [hospital.tenant_id for hospital in made]
    with psycopg.connect(system.owner_url, autocommit=True) as connection:

        def drained() -> int:
            row = connection.execute(_DRAINED, [tenants]).fetchone()
            return int(row[0]) if row else 0

        begin = events = drained()
        end = begin + _fill(system, made, sent)
        filled_at = time.monotonic()
        # The rate is that of the work: the wait for the sweep that finds the records is left out.
        first_at = last_at = 0.0
        first_events = begin
        while events < end:
            time.sleep(_LOOK_EVERY)
            now, seen = time.monotonic(), drained()
            if seen > events:
                if not first_at:
                    first_at, first_events = now, seen
                events, last_at = seen, now
            if kill and events - begin > _KILL_AT * (end - begin):
                system.stack.kill(_KILLED)
                system.say(f"killed {_KILLED} after {events - begin:,} events")
                kill = False
            if now - filled_at > _LONGEST_SECONDS:
                raise BenchError(f"audit_drain: {end - events:,} records were not drained")
    result = _Drained(events - first_events, max(last_at - first_at, _LOOK_EVERY))
    system.say(f"{events - begin:,} events, {result.events / result.seconds:,.0f} a second")
    return result


def _stored(system: System, made: list[Hospital]) -> list[str]:
    """The id of every event of the hospitals, as often as it stands."""
    system.drained()
    with psycopg.connect(system.owner_url) as connection:
        rows = connection.execute(_EVENTS, [[hospital.tenant_id for hospital in made]])
        return [row[0] for row in rows]


def _verify(system: System) -> bool:
    """Whether the proof of every chain holds."""
    started = time.monotonic()
    with contextlib.suppress(StackError):
        system.stack.commands.run("audit", "verify")
        system.say(f"verified in {time.monotonic() - started:.0f} s")
        return True
    return False
