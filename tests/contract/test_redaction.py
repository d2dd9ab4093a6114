"""Patient data planted through every door of a running system is found nowhere but in its tables.

Each word planted is unique, so that one look into logs, metrics, Redis, PostgreSQL's activity and the answers
that others get says whether anything of it went astray.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import psycopg
import pytest
import redis

from hms.clinical.v1 import clinical_pb2_grpc
from hms.clinical.v1 import observation_pb2 as clinical
from hms.common.v1 import datatypes_pb2 as types
from hms.patient.v1 import merge_pb2, patient_pb2, patient_pb2_grpc
from hms_server import ids
from hms_server.devstack.postgres import SUPERUSER
from hms_server.devstack.stack import Stack
from tests import fix_fhir as fhir
from tests.contract.gateway_stand import free_port
from tests.contract.strangers import Hospital, Refused, methods, over_grpc
from tests.fix_client import Caller, eventually, http, refused

# Every mark holds it, in one of these forms.
WORD = f"qzv{ids.uuid7()[-8:]}"
# A phone number and an identifier, which are digits.
PHONE = f"98{int(ids.uuid7()[-8:], 16) % 10**8:08d}"
NUMBER = f"7741{int(ids.uuid7()[-10:], 16) % 10**10:010d}"
MARKS = (WORD, PHONE, NUMBER)
_FOUND = re.compile("|".join(MARKS).encode(), re.IGNORECASE)


def mark(place: str) -> str:
    """A word for one place, so that what leaked says from where."""
    return f"{WORD}{place}"


def leaks(text: bytes | str) -> set[bytes]:
    """The marks in a text, each with what stands around it."""
    data = text.encode() if isinstance(text, str) else text
    return {data[max(found.start() - 60, 0) : found.end() + 40] for found in _FOUND.finditer(data)}


@pytest.fixture(scope="module")
def talkative(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server of the system that logs all it can: its address and its log."""
    port, log = free_port(), tmp_path_factory.mktemp("talkative") / "server.log"
    environment = {
        **stack.environment.server(),
        "HMS_GRPC_LISTEN": f"127.0.0.1:{port}",
        "HMS_LOG_LEVEL": "DEBUG",
    }
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hms_server", "serve"], env=environment, stdout=output, stderr=output
        )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(30)
        yield f"127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(30)


def a_patient(place: str, **fields: Any) -> patient_pb2.Patient:
    """A patient whose every field is marked."""
    word = mark(place)
    return patient_pb2.Patient(
        **{
            "given_name": f"{word}given",
            "family_name": f"{word}family",
            "names": [
                patient_pb2.HumanName(family_name=f"{word}family", given_names=[f"{word}given"]),
                patient_pb2.HumanName(use="nickname", text=f"{word}nick"),
            ],
            "identifiers": [patient_pb2.Identifier(type="MR", system="urn:x", value=f"{NUMBER}{place}")],
            "telecoms": [
                patient_pb2.Telecom(system="phone", value=f"+91{PHONE}"),
                patient_pb2.Telecom(system="email", value=f"{word}@example.org"),
            ],
            "addresses": [patient_pb2.Address(lines=[f"{word}street"], city=f"{word}city", country="IN")],
            "birth_date": "1984-03-05",
            "contacts": [patient_pb2.Contact(name=patient_pb2.HumanName(text=f"{word}mother"))],
            **fields,
        }
    )


@pytest.fixture(scope="module")
def planted(stack: Stack, ours: Caller, talkative: tuple[str, Path]) -> dict[str, list[str]]:
    """Marked data sent through every door, right and wrong; the ids of what was made."""
    made = {"patient": [], "observation": []}
    for target in (stack.env["HMS_GRPC_TARGET"], talkative[0]):
        with grpc.insecure_channel(target) as channel:
            _by_stubs(channel, ours, made)
    _by_rest(ours, made)
    _by_bundles(ours)
    # Last, every other method, by their own complaints about what a request lacks.
    hospital = Hospital(over_grpc(ours), word=mark("any").capitalize())
    assert not hospital.could_not
    for method in methods():
        with suppress(Refused):
            if not method.policy.platform_only:
                hospital.answered(method)
    return made


def _by_stubs(channel: grpc.Channel, ours: Caller, made: dict[str, list[str]]) -> None:
    sent = {"metadata": ours.metadata, "timeout": 15}
    patients = patient_pb2_grpc.PatientServiceStub(channel)
    records = clinical_pb2_grpc.ClinicalServiceStub(channel)

    def create(patient: patient_pb2.Patient, request_id: str = "") -> Any:
        request = patient_pb2.CreatePatientRequest(patient=patient, request_id=request_id)
        return patients.CreatePatient(request, **sent)

    one, two = create(a_patient("grpc")), create(a_patient("grpc"))
    made["patient"] += [one.id, two.id]
    for fields in (
        {"query": mark("grpc")},
        {"query": f"{mark('grpc')}given {mark('grpc')}family"},
        {"phone": PHONE},
        {"identifier": f"urn:x|{NUMBER}grpc"},
        {"identifier": NUMBER},
        {"uhid": mark("uhid")},
    ):
        patients.SearchPatients(patient_pb2.SearchPatientsRequest(**fields), **sent)
    change = patient_pb2.Patient(id=one.id, family_name=mark("changed"), etag=one.etag)
    update = patient_pb2.UpdatePatientRequest(patient=change)
    update.update_mask.paths.append("family_name")
    patients.UpdatePatient(update, **sent)

    # What goes wrong holds as much as what goes right.
    assert refused(lambda: patients.UpdatePatient(update, **sent))[1] == "ETAG_MISMATCH"
    for wrong in (
        {"birth_date": WORD[:10]},
        {"gender": mark("gender")},
        {"given_name": mark("long") * 100},
        {"given_name": f"{mark('nul')}\0"},
        {"deceased": True, "deceased_time": mark("time")},
        {"id": mark("id")},
        {"uhid": mark("uhid")},
    ):
        with suppress(grpc.RpcError):
            create(a_patient("wrong", **wrong))
    request_id = ids.uuid7()
    create(a_patient("first"), request_id)
    assert refused(lambda: create(a_patient("second"), request_id))[1] == "REQUEST_ID_REUSED"
    assert refused(lambda: create(a_patient("third"), mark("request")))[0] == "INVALID_ARGUMENT"
    assert refused(lambda: patients.GetPatient(patient_pb2.GetPatientRequest(id=mark("get")), **sent))
    update.update_mask.paths[:] = [mark("mask")]
    assert refused(lambda: patients.UpdatePatient(update, **sent))
    listing = patient_pb2.ListPatientsRequest(page_token=mark("token"), order_by=mark("order"))
    assert refused(lambda: patients.ListPatients(listing, **sent))
    broken = b"\x0a\xff" + mark("broken").encode()
    raw = channel.unary_unary("/hms.patient.v1.PatientService/CreatePatient", lambda b: b, lambda b: b)
    assert refused(lambda: raw(broken, **sent))[1] == "MALFORMED_REQUEST"
    # Nobody signed in, a deadline that is over, a call taken back.
    search = patient_pb2.SearchPatientsRequest(query=mark("late"))
    assert refused(lambda: patients.SearchPatients(search, timeout=15))
    bearer = (("authorization", f"Bearer {mark('bearer')}"),)
    assert refused(lambda: patients.SearchPatients(search, metadata=bearer, timeout=15))
    assert refused(lambda: patients.SearchPatients(search, metadata=ours.metadata, timeout=0.001))
    patients.SearchPatients.future(search, **sent).cancel()

    merge = merge_pb2.PreviewMergeRequest(survivor_id=one.id, merged_id=two.id)
    patients.PreviewMerge(merge, **sent)
    note = types.CodeableConcept(
        codings=[types.Coding(system="http://loinc.org", code="8867-4", display=mark("display"))],
        text=mark("note"),
    )
    observation = clinical.Observation(
        patient_id=one.id,
        code=note,
        categories=["vital-signs"],
        text=mark("value"),
        note=mark("note"),
        effective_time="2026-03-01T09:10:00Z",
    )
    kept = records.CreateObservation(clinical.CreateObservationRequest(observation=observation), **sent)
    made["observation"].append(kept.id)
    observation.effective_time = mark("when")
    refused(
        lambda: records.CreateObservation(clinical.CreateObservationRequest(observation=observation), **sent)
    )
    why = clinical.MarkObservationEnteredInErrorRequest(id=kept.id, reason=mark("reason"), etag=kept.etag)
    records.MarkObservationEnteredInError(why, **sent)


def _by_rest(ours: Caller, made: dict[str, list[str]]) -> None:
    word = mark("rest")
    fields = {"given_name": f"{word}given", "telecoms": [{"system": "phone", "value": PHONE}]}
    answer = ours.rest("POST", "/v1/patients", fields)
    assert answer.status == 200
    made["patient"].append(answer.json["id"])
    for query in (f"query={word}", f"phone=%2B91{PHONE}", f"identifier={NUMBER}", f"query={word}%20x"):
        assert ours.rest("GET", f"/v1/patients:search?{query}").status == 200
    assert ours.rest("POST", "/v1/patients:search", {"query": word}).status == 200

    # Addresses that are none, with patient data where it never belongs.
    for path in (
        f"/v1/patients:search?{word}=1",
        f"/v1/patients:search?query={word}&page_size={word}",
        f"/v1/patients:search?birth_date={quote('5 March ' + word)}",
        f"/v1/patients/{word}",
        f"/v1/patients/{PHONE}",
        f"/v1/patients/{word}/versions",
        f"/v1/patients:{word}",
        f"/v1/{word}",
        f"/{word}/{NUMBER}?query={word}",
        f"/v1/patients/%{word}",
        f"/v1/patients/..%2f{word}",
        f"/docs/{word}",
    ):
        assert 400 <= ours.rest("GET", path).status < 500, path
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert ours.rest(method, f"/v1/patients:search?query={word}").status >= 400
    # Bodies that are none.
    for body in (
        {word: 1},
        {"given_name": {word: 1}},
        {"given_name": word, "birth_date": word},
        {"given_name": word, "gender": word, "telecoms": [{"system": word}]},
        {"given_name": word, "create_time": word},
        {"given_name": word, "active": word},
        {"given_name": f"{word}\ud800"},
        b'{"given_name": "' + word.encode(),
        b"\xff\xfe" + word.encode(),
        word.encode(),
        json.dumps({"given_name": word * 300_000}).encode(),
    ):
        assert 400 <= ours.rest("POST", "/v1/patients", body).status < 500, body[:80]
    headers = {"content_type": f"text/{word}"}
    assert ours.rest("POST", "/v1/patients", word.encode(), **headers).status == 415
    # Odd headers, too, and nobody signed in.
    assert ours.rest("GET", "/v1/patients", x_request_id=f"{word} {word}").status == 400
    assert http("GET", f"{ours.rest_url}/v1/patients:search?query={word}").status == 401
    assert ours.rest("GET", f"/v1/patients:search?query={word}", x_request_timeout="0.001").status
    credentials = {"tenant": ours.tenant, "username": "admin", "password": word}
    assert http("POST", f"{ours.rest_url}/v1/auth:login", credentials).status == 401


def _by_bundles(ours: Caller) -> None:
    word = mark("fhir")
    named = fhir.patient(
        f"{word} Rao",
        identifier=[{"system": "urn:x", "value": f"{NUMBER}fhir"}],
        telecom=[{"system": "phone", "value": f"+91{PHONE}"}],
    )
    whole = fhir.bundle(named, fhir.observation(named, note=[{"text": f"{word}note"}]))
    path = "/v1/fhir/bundles:import"
    assert ours.rest("POST", path, whole).status == 200
    for broken in (
        whole[:-20],
        whole.replace(b'"Patient"', f'"{word}"'.encode()),
        whole.replace(b'"final"', f'"{word}"'.encode()),
        whole.replace(b'"transaction"', f'"{word}"'.encode()),
        fhir.bundle(fhir.patient(word, birthDate=word)),
        fhir.bundle(fhir.patient(word, gender=word)),
        fhir.bundle(fhir.patient(word, telecom=word)),
        fhir.bundle({**fhir.patient(word), "name": [{"text": {"x": word}}]}),
        fhir.bundle({**fhir.observation(fhir.patient(word)), "valueString": word}),
        f'{{"resourceType": "{word}"}}'.encode(),
        word.encode(),
    ):
        assert 400 <= ours.rest("POST", path, broken).status < 500, broken[:200]


def test_the_marks_arrived(planted: dict[str, list[str]], ours: Caller) -> None:
    """What is looked for below is there to be found."""
    stored = ours.rest("GET", f"/v1/patients/{planted['patient'][-1]}").body
    assert len(leaks(stored)) >= 2
    found = ours.rest("POST", "/v1/patients:search", {"query": mark("grpc")})
    assert leaks(found.body)
    assert leaks(f"x{WORD.upper()}y")
    assert leaks(f"+91{PHONE}")


def test_no_log_holds_patient_data(
    stack: Stack, planted: dict[str, list[str]], ours: Caller, talkative: tuple[str, Path]
) -> None:
    # Envoy writes its log in batches: once this request is in it, so are those before it.
    last = f"last-{ids.uuid7()}"
    assert ours.rest("GET", "/v1/patients", x_request_id=last).status == 200
    eventually(lambda: last in stack.layout.log("envoy").read_text(errors="replace"), 30)
    logs = [path for path in stack.layout.folder.rglob("*") if path.is_file() and _is_ours(stack, path)]
    assert {"envoy", "postgres", "redis", "server-1", "worker-1", "cron"} <= {path.stem for path in logs}
    found = {str(path): leaks(path.read_bytes()) for path in [*logs, talkative[1]]}
    assert not {path: sorted(some) for path, some in found.items() if some}
    # The talkative server did talk.
    assert talkative[1].read_text().count('"call"') > 20


def _is_ours(stack: Stack, path: Path) -> bool:
    """Everything the system writes but PostgreSQL's own data."""
    return not path.is_relative_to(stack.layout.postgres)


def test_an_access_log_still_says_what_was_called(stack: Stack, ours: Caller) -> None:
    patient = ours.create_patient()
    wanted = {
        f"/v1/patients/{patient.id}": f"/v1/patients/{patient.id}",
        "/v1/patients:search?query=x": "/v1/patients:search",
        "/v1/patients/Asha/versions": "/v1/patients/*/versions",
        "/v1/Asha:Rao": "/v1/*:*",
        "/healthz/Asha%20Rao": "/*/*",
    }
    for path in wanted:
        ours.rest("GET", path, x_request_id=f"shown-{ids.uuid7()}-{list(wanted).index(path)}")
    log = stack.layout.log("envoy")

    def lines() -> list[dict[str, Any]]:
        read = log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in read if '"shown-' in line]

    shown = eventually(lambda: lines() if len(lines()) == len(wanted) else None, 30)
    shown.sort(key=lambda line: line["request_id"][-1])
    assert [line["path"] for line in shown] == list(wanted.values())
    assert [line["rpc"] for line in shown] == [
        "/hms.patient.v1.PatientService/GetPatient",
        "/hms.patient.v1.PatientService/SearchPatients",
        "/hms.patient.v1.PatientService/ListPatientVersions",
        None,
        None,
    ]


def test_no_metric_holds_patient_data(stack: Stack, planted: dict[str, list[str]]) -> None:
    pages = [stack.env["HMS_METRICS_URL"]]
    admin = f"http://127.0.0.1:{stack.ports.envoy_admin}"
    pages += [f"{admin}/{page}" for page in ("stats", "stats/prometheus", "config_dump", "clusters")]
    for page in pages:
        with urllib.request.urlopen(page, timeout=20) as answer:
            text = answer.read()
        assert len(text) > 100
        assert not leaks(text), page


def test_no_mail_holds_patient_data(stack: Stack, planted: dict[str, list[str]], ours: Caller) -> None:
    officer = f"{ids.uuid7()}@hospital.example"
    assert ours.rest("PATCH", "/v1/settings", {"privacy_officer_emails": [officer]}).status == 200
    path = f"/v1/patients/{planted['patient'][0]}:breakGlass"
    reason = {"reason": mark("reason of a break"), "duration_seconds": 60}
    assert ours.rest("POST", path, reason).status == 200

    def sent() -> list[str]:
        mails = [path.read_text() for path in stack.layout.mail.glob("*.txt")]
        return mails if any(officer in mail for mail in mails) else []

    mails = eventually(sent, 40)
    assert not leaks("\n".join(mails))
    assert not [mail for mail in mails if planted["patient"][0] in mail]


def test_redis_holds_no_patient_data(stack: Stack, planted: dict[str, list[str]]) -> None:
    connection = redis.Redis.from_url(stack.redis.url)
    keys = list(connection.scan_iter(count=1000))
    assert keys
    found = {key: leaks(key) | set().union(*map(_unpacked, _content(connection, key))) for key in keys}
    assert not {key: some for key, some in found.items() if some}
    for call in connection.slowlog_get(-1):
        assert not leaks(call["command"])
    connection.close()


def _content(connection: Any, key: bytes) -> list[bytes]:
    """Everything a key holds."""
    kind = connection.type(key)
    if kind == b"string":
        return [connection.get(key) or b""]
    if kind == b"hash":
        return [part for pair in connection.hgetall(key).items() for part in pair]
    if kind == b"list":
        return list(connection.lrange(key, 0, -1))
    if kind == b"set":
        return list(connection.smembers(key))
    if kind == b"zset":
        return list(connection.zrange(key, 0, -1))
    if kind == b"stream":
        return [part for _, entry in connection.xrange(key) for pair in entry.items() for part in pair]
    assert kind == b"none", kind  # it ended meanwhile
    return []


def _unpacked(value: bytes) -> set[bytes]:
    """Marks in a value, also where RQ has compressed it."""
    found = leaks(value)
    with suppress(zlib.error):
        found |= leaks(zlib.decompress(value))
    return found


def test_postgresql_shows_no_patient_data(stack: Stack, planted: dict[str, list[str]]) -> None:
    passwords = stack.environment.passwords
    with psycopg.connect(stack.postgres.url(SUPERUSER, passwords.postgres)) as admin:
        shown = admin.execute("SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
        assert any("hms_app" in str(row) for row in shown)
        assert not leaks(str(shown))
        # What tells of calls names records, never what is in them; why a patient was restricted, a hospital
        # put under a legal hold, or a rule of interactions changed, is for those who read the audit.
        tables = [
            "audit_outbox",
            "audit_event",
            "audit_event_patient",
            "audit_chain",
            "request_record",
            "mail",
        ]
        for (table,) in admin.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_name = ANY(%s)",
            (tables,),
        ).fetchall():
            why = (
                "/(SetPatientRestriction|(Place|Release)(Tenant)?LegalHold"
                "|(Create|Update|Deactivate)InteractionRule)"
            )
            rows = admin.execute(f"SELECT t::text FROM {table} t WHERE t::text !~ %s", [why]).fetchall()
            assert not leaks("\n".join(text for (text,) in rows)), table
        settings = dict(
            admin.execute("SELECT name, setting FROM pg_settings WHERE name LIKE 'log%'").fetchall()
        )
    assert settings["log_parameter_max_length_on_error"] == "0"
    assert settings["log_error_verbosity"] == "terse"


def test_others_are_told_nothing_of_it(
    planted: dict[str, list[str]], ours: Caller, theirs: Caller, stack: Stack
) -> None:
    answers = []
    for kind, made in (("patients", planted["patient"]), ("observations", planted["observation"])):
        for made_id in made:
            answers += [
                theirs.rest("GET", f"/v1/{kind}/{made_id}"),
                theirs.rest("GET", f"/v1/patients/{made_id}/versions"),
                theirs.rest("PATCH", f"/v1/{kind}/{made_id}", {"etag": "1"}),
                theirs.rest("DELETE", f"/v1/{kind}/{made_id}"),
                http("GET", f"{ours.rest_url}/v1/{kind}/{made_id}"),
            ]
    # The same identifier, phone and name as somebody elsewhere has.
    answers.append(theirs.rest("POST", "/v1/patients", {"given_name": "X"}))
    answers.append(theirs.rest("GET", "/v1/patients"))
    answers.append(theirs.rest("POST", "/v1/patients:search", {"query": WORD}))
    answers.append(theirs.rest("GET", "/v1/auditEvents"))
    answers.append(theirs.rest("GET", "/v1/patients:duplicates"))
    for answer in answers:
        assert not leaks(answer.body), answer
        assert not leaks(str(answer.headers))
    assert any(answer.status == 404 for answer in answers)
