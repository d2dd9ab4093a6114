"""Servers, Redis and workers are killed while glasses are broken: each acknowledged grant is mailed.

Nothing is mended by hand: the test only waits.
"""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.error

import pytest

from hms_server import ids
from tests.fix_client import colleague, eventually, hospital

# A worker that is killed at a mail holds it for 75 seconds.
PATIENCE = 120.0


@pytest.mark.timeout(240)
def test_each_acknowledged_break_glass_is_mailed(fresh_stack):
    administrator = hospital(fresh_stack)
    doctor = colleague(administrator, "DOCTOR")
    officers = {"privacy_officer_emails": ["officer@hospital.example"]}
    assert administrator.rest("PATCH", "/v1/settings", officers).status == 200
    patient = administrator.create_patient()
    acknowledged = []
    stop = threading.Event()

    def break_glasses():
        while not stop.is_set():
            body = {
                "reason": "unconscious, nobody else is here",
                "duration_seconds": 60,
                "request_id": ids.uuid7(),
            }
            grant = answered(doctor, f"/v1/patients/{patient.id}:breakGlass", body)
            acknowledged.append(grant["id"])
            stop.wait(0.2)

    writer = threading.Thread(target=break_glasses)
    writer.start()
    for victim in ("worker-1", "redis", "server-1", "worker-1", "redis", "cron"):
        before = len(acknowledged)
        eventually(lambda: len(acknowledged) > before + 2, PATIENCE)  # noqa: B023
        fresh_stack.kill(victim, signal.SIGKILL)
    stop.set()
    writer.join()
    assert len(set(acknowledged)) == len(acknowledged) > 10

    def mailed():
        mails = [path.read_text() for path in fresh_stack.layout.mail.glob("*.txt")]
        told = {mail.partition("BREAK_GLASS:")[2].split()[0] for mail in mails}
        return told if set(acknowledged) <= told else None

    eventually(mailed, PATIENCE)
    doctor.close()
    administrator.close()


def answered(caller, path, body):
    """The answer, repeated under one request id until there is one."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            answer = caller.rest("POST", path, body)
            if answer.status == 200:
                return answer.json
            assert answer.status in (409, 429, 503, 504), answer.body
        except (OSError, urllib.error.URLError, json.JSONDecodeError):
            pass
        assert time.monotonic() < until, "it was not answered in time"
        time.sleep(0.1)
