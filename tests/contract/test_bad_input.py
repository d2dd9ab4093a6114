"""Bad input, by stubs and by REST: each has its documented answer, never INTERNAL, never half a write."""

from __future__ import annotations

import base64
import json
import time
import uuid

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import ids
from tests.fix_client import http, refused

GET = "/hms.patient.v1.PatientService/GetPatient"
CREATE = "/hms.patient.v1.PatientService/CreatePatient"


def raw(caller, method, body):
    call = caller.channel.unary_unary(method, lambda b: b, lambda b: b)
    return refused(lambda: call(body, metadata=caller.metadata, timeout=10))


def create(caller, **fields):
    request_id = fields.pop("request_id", "")
    return refused(
        lambda: caller.patients.CreatePatient(
            pb.CreatePatientRequest(patient=pb.Patient(**fields), request_id=request_id),
            metadata=caller.metadata,
        )
    )


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28"])
def test_malformed_protobuf(ours, body):
    assert raw(ours, GET, body) == ("INVALID_ARGUMENT", "MALFORMED_REQUEST")


def test_an_oversized_message(ours):
    big = pb.CreatePatientRequest(patient=pb.Patient(family_name="a" * (5 * 1024 * 1024)))
    assert raw(ours, CREATE, big.SerializeToString()) == ("INVALID_ARGUMENT", "REQUEST_TOO_LARGE")


def test_a_message_beyond_what_the_transport_takes(ours):
    code, _ = raw(ours, CREATE, b"\x0a" + b"a" * (20 * 1024 * 1024))
    assert code == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"given_name": "   "},
        {"given_name": "Asha", "birth_date": "2023-02-30"},
        {"given_name": "Asha", "birth_date": "2023-13"},
        {"given_name": "Asha", "birth_date": "23-01-01"},
        {"given_name": "Asha", "birth_date": "2999-01-01"},
        {"given_name": "Asha", "gender": "Female"},
        {"given_name": "a" * 1000},
        {"given_name": "A\0sha"},
        {"given_name": "Asha", "telecoms": [pb.Telecom(system="phone")]},
        {"given_name": "Asha", "deceased_time": "2020-01-01"},
        {"given_name": "Asha", "deceased": True, "deceased_time": "yesterday"},
        {"given_name": "Asha", "request_id": "not-a-uuid"},
    ],
)
def test_a_patient_that_breaks_a_rule(ours, fields):
    assert create(ours, **fields) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "name",
    ["प्रिया", "தமிழ்", "محمد", "王小明", "Ñandú O'Brien-Smith", "🏥", "a\u0301", "\u202ertl", "'; DROP"],
)
def test_text_of_any_script_is_kept_as_it_was_sent(ours, name):
    made = ours.create_patient(given_name=name)
    read = ours.patients.GetPatient(pb.GetPatientRequest(id=made.id), metadata=ours.metadata)
    assert read.given_name == name


def test_a_request_id_with_another_body(ours):
    request_id = ids.uuid7()
    request = pb.CreatePatientRequest(patient=pb.Patient(given_name="One"), request_id=request_id)
    ours.patients.CreatePatient(request, metadata=ours.metadata)
    assert create(ours, given_name="Two", request_id=request_id) == (
        "INVALID_ARGUMENT",
        "REQUEST_ID_REUSED",
    )


def test_a_wrong_etag(ours):
    made = ours.create_patient()
    change = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="male", etag="7"))
    assert refused(lambda: ours.patients.UpdatePatient(change, metadata=ours.metadata)) == (
        "ABORTED",
        "ETAG_MISMATCH",
    )


def test_an_unknown_path_in_the_update_mask(ours):
    made = ours.create_patient()
    change = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id))
    for path in ("nose", "id", "uhid", "create_time"):
        del change.update_mask.paths[:]
        change.update_mask.paths.append(path)
        assert refused(lambda: ours.patients.UpdatePatient(change, metadata=ours.metadata)) == (
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
        )


def test_a_change_of_a_deleted_patient(ours):
    made = ours.create_patient()
    ours.patients.DeletePatient(pb.DeletePatientRequest(id=made.id), metadata=ours.metadata)
    change = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="male"))
    assert refused(lambda: ours.patients.UpdatePatient(change, metadata=ours.metadata)) == (
        "FAILED_PRECONDITION",
        "WRONG_STATE",
    )


def test_an_unknown_patient(ours):
    unknown = pb.GetPatientRequest(id=ids.uuid7())
    assert refused(lambda: ours.patients.GetPatient(unknown, metadata=ours.metadata)) == (
        "NOT_FOUND",
        "NOT_FOUND",
    )


def forged(ours, **changes):
    header = jwt.get_unverified_header(ours.token)
    claims = {**jwt.decode(ours.token, options={"verify_signature": False}), **changes}
    key = ed25519.Ed25519PrivateKey.generate()
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": header["kid"]})


def unsigned(ours):
    claims = jwt.decode(ours.token, options={"verify_signature": False})
    return jwt.encode(claims, None, algorithm="none")


def swapped(ours):
    """Another tenant written into a token that keeps its signature."""
    head, body, signature = ours.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["tid"] = str(uuid.uuid4())
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


@pytest.mark.parametrize(
    "make",
    [
        forged,
        unsigned,
        swapped,
        lambda ours: "x",
        lambda ours: ours.token[:-4],
        lambda ours: ours.login.refresh_token,
        lambda ours: forged(ours, exp=int(time.time()) - 5),
    ],
)
def test_a_forged_token(ours, make):
    metadata = (("authorization", f"Bearer {make(ours)}"),)
    assert refused(lambda: ours.patients.ListPatients(pb.ListPatientsRequest(), metadata=metadata)) == (
        "UNAUTHENTICATED",
        "TOKEN_INVALID",
    )


@pytest.mark.parametrize("token", ["x", "a" * 512, "💥"])
def test_a_refresh_token_that_is_none(ours, token):
    refresh = identity_pb2.RefreshRequest(refresh_token=token)
    code, why = refused(lambda: ours.identity.Refresh(refresh))
    assert (code, why) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_a_deadline_that_passed_is_told_and_nothing_is_written(ours):
    request = pb.CreatePatientRequest(patient=pb.Patient(given_name="Late", family_name="Comer"))
    with pytest.raises(grpc.RpcError) as caught:
        ours.patients.CreatePatient(request, metadata=ours.metadata, timeout=0.0001)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "MALFORMED_REQUEST"),
        (b'{"given_name": 7}', None),
        (b'{"given_name": "Asha", "nose": "long"}', None),
        (b'{"given_name": "Asha", "names": [{"nose": 1}]}', None),
        (b'{"given_name": "\\u0000"}', "INVALID_ARGUMENT"),
        (b'{"given_name": "\xff"}', None),
        (b"[]", None),
    ],
)
def test_bad_json(ours, body, why):
    answer = ours.rest("POST", "/v1/patients", body)
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["code"] == 3
    (info,) = [d for d in answer.json["details"] if d["@type"].endswith("ErrorInfo")]
    assert info["domain"] == "hms"
    if why:
        assert info["reason"] == why


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/patients?nose=long", 400),
        ("GET", "/v1/patients?page_size=many", 400),
        ("GET", "/v1/patients?page_token=x", 400),
        ("GET", "/v1/patients/not-a-uuid", 400),
        ("GET", f"/v1/patients/{uuid.UUID(int=5)}", 404),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/patients", 404),
        ("GET", "/v1/patients/%00", 400),
    ],
)
def test_bad_addresses(ours, method, path, status):
    answer = ours.rest(method, path)
    assert answer.status in {status, 405 if method == "PUT" else status}
    assert answer.json["code"] in {3, 5, 12}
    assert any(d["@type"].endswith("ErrorInfo") for d in answer.json["details"])


def test_over_the_limit_by_rest_says_when_to_come_back(stack, ours):
    url = f"{stack.env['HMS_REST_URL']}/v1/auth:login"
    body = {"tenant": ours.tenant, "username": f"nobody{uuid.uuid4().hex[:8]}", "password": "wrong"}
    answers = [http("POST", url, body) for _ in range(6)]
    assert [a.status for a in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    kinds = {d["@type"].rpartition(".")[2] for d in answers[-1].json["details"]}
    assert {"ErrorInfo", "RetryInfo", "QuotaFailure"} <= kinds
