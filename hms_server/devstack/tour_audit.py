"""Steps of the guided tour: the trail that all the other steps have left, and the metrics."""

import http.client
import re
import subprocess
from typing import Any
from urllib.parse import urlencode

from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from hms_server import ids
from hms_server.devstack.commands import hms
from hms_server.devstack.environment import inherited
from hms_server.devstack.tour_visit import TIMEOUT, Session, Visit, eventually, expect, request

_SECONDS_TO_VERIFY = 30
_PATIENTS = "hms.patient.v1.PatientService"


def each_call(visit: Visit) -> str:
    """Every call of this tour that showed or changed patients has left one audit event."""
    wanted = dict(visit.me.served)
    expect(wanted, "no call was served")

    def look() -> list[Any]:
        events = _events(visit, actor_id=visit.me.user_id)
        return events if wanted.keys() <= {event["request_id"] for event in events} else []

    events = eventually(look) or _events(visit, actor_id=visit.me.user_id)
    seen = [event["request_id"] for event in events]
    missing = [call for key, call in wanted.items() if key not in seen]
    expect(not missing, f"{len(missing)} of {len(wanted)} are missing: {', '.join(missing[:5])}")
    # A merge is an act on two records.
    doubled = [c for key, c in wanted.items() if seen.count(key) > (2 if c.endswith("merge") else 1)]
    expect(not doubled, f"more than one event: {', '.join(doubled[:5])}")
    expect(all(event["address"] and event["actor_name"] for event in events), "who or where is missing")
    visit.keep("audit events", events)
    return f"{len(wanted)} calls"


def one_patient(visit: Visit) -> str:
    """The audit of one patient names creation, readings and change, in that order."""
    patient_id = visit.made("patient")["id"]
    events = _events(visit, patient_id=patient_id)
    expect(all(patient_id in event["patient_ids"] for event in events), "of another patient")
    events.reverse()
    actions = [event["action"] for event in events if event["outcome"] == "OK"]
    expect(actions[:1] == ["CREATE"], f"the first act is {actions[:1]}")
    expect("READ" in actions, "no reading is there")
    changes = [event for event in events if event["method"] == f"{_PATIENTS}/UpdatePatient"]
    (change,) = [event for event in changes if event["outcome"] == "OK"]
    expect((change["old_version"], change["new_version"]) == ("1", "2"), f"the change is {change}")
    visit.keep("change", change)
    return f"{len(events)} events"


def changed_fields(visit: Visit) -> str:
    """An audit event shows the fields that changed, before and after."""
    event = visit.me.call("GET", f"/v1/auditEvents/{visit.made('change')['id']}").ok()
    changes = {c["field"]: (c["old_value"], c["new_value"]) for c in event["changes"]}
    expected = {"gender": ('"female"', ""), "marital_status": ("", '"M"')}
    expect(changes == expected, f"shown is {changes}")
    return ", ".join(changes)


def denials(visit: Visit) -> str:
    """The audit shows what was refused: the wrong password, the doctor's attempt."""
    doctor: Session = visit.made("doctor")
    wanted = {
        visit.made("wrong log-in"): ("UNAUTHENTICATED", "BAD_CREDENTIALS"),
        visit.made("denied call"): ("PERMISSION_DENIED", "PERMISSION_DENIED"),
    }

    def look() -> dict[str, Any]:
        events = {e["request_id"]: e for e in [*_events(visit), *_events(visit, actor_id=doctor.user_id)]}
        return events if wanted.keys() <= events.keys() else {}

    events = eventually(look)
    expect(events, "they are missing")
    for request_id, outcome in wanted.items():
        event = events[request_id]
        expect(
            (event["outcome"], event["reason"]) == outcome, f"told as {event['outcome']} {event['reason']}"
        )
    return "BAD_CREDENTIALS, PERMISSION_DENIED"


def audit_of_audit(visit: Visit) -> str:
    """Reading the audit is audited too."""
    auditor: Session = visit.made("auditor")

    def look() -> list[Any]:
        events = _events(visit, actor_id=auditor.user_id)
        return [e for e in events if e["method"] == "hms.audit.v1.AuditService/ListAuditEvents"]

    found = eventually(look)
    expect(found, "the readings are missing")
    return f"{len(found)} readings"


def legal_hold(visit: Visit) -> str:
    """The auditor places a legal hold, may not release it, and the administrator does."""
    auditor: Session = visit.made("auditor")
    body = {"reason": "a matter of the guided tour", "request_id": ids.uuid7()}
    hold = auditor.call("POST", "/v1/legalHolds", body).ok()
    standing = auditor.call("GET", "/v1/legalHolds?standing=true&page_size=1").ok()["legal_holds"]
    expect([each["id"] for each in standing] == [hold["id"]], f"{standing} stand")
    path, body = f"/v1/legalHolds/{hold['id']}:release", {"reason": "the tour is over"}
    auditor.call("POST", path, body).refused(http.client.FORBIDDEN, "PERMISSION_DENIED")
    released = visit.me.call("POST", path, body).ok()
    expect(released["release_time"], "it still stands")
    return "403 PERMISSION_DENIED, then released"


def chain(visit: Visit) -> str:
    """`hms audit verify` finds the chain unbroken."""
    done = subprocess.run(
        hms("audit", "verify"),
        env={**inherited(), **visit.env},
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_SECONDS_TO_VERIFY,
    )
    said = (done.stdout + done.stderr).strip()
    expect(done.returncode == 0, f"exit status {done.returncode}: {said[-500:]}")
    return said


def metrics(visit: Visit) -> str:
    """The metrics count the calls of all server processes together."""
    method = f"{_PATIENTS}/GetPatient"
    before = _served(visit, method)
    stub: Any = patient_pb2_grpc.PatientServiceStub(visit.channel)
    asked = patient_pb2.GetPatientRequest(id=visit.made("patient")["id"])
    stub.GetPatient(asked, timeout=TIMEOUT, metadata=visit.me.metadata("GetPatient"))
    # The answer leaves before the call is counted.
    after = eventually(lambda: max(_served(visit, method) - before, 0), 2.0) + before
    expect(after == before + 1, f"{before:.0f} calls, then {after:.0f}")
    expect(_served(visit, "hms.identity.v1.IdentityService/Login") > 0, "no log-in is counted")
    return f"GetPatient {before:.0f} → {after:.0f}"


def _events(visit: Visit, **filters: str) -> list[Any]:
    """The newest events, read by the auditor."""
    auditor: Session = visit.made("auditor")
    query = urlencode({"page_size": 500, **filters})
    events: list[Any] = auditor.call("GET", f"/v1/auditEvents?{query}").ok()["audit_events"]
    return events


def _served(visit: Visit, method: str) -> float:
    """How many calls of a method the metrics count as served."""
    url, _, path = visit.env["HMS_METRICS_URL"].rpartition("/")
    answer = request(url, "GET", f"/{path}")
    expect(answer.status == 200, f"the metrics answered {answer.status}")
    lines = re.findall(r"^hms_requests_total\{(.*?)\} (\S+)", answer.body.decode(), re.MULTILINE)
    return sum(
        float(value) for labels, value in lines if f'method="{method}"' in labels and 'code="OK"' in labels
    )


STEPS = (each_call, one_patient, changed_fields, denials, audit_of_audit, legal_hold, chain, metrics)
