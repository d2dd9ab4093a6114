"""REST through a real Envoy: what reaches the server, and what is refused before it does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hms.patient.v1 import patient_pb2
from hms_server.gateway import rules
from tests.contract.gateway_stand import Gateway, free_port, running_envoy, running_stand_in, wait_until

ORIGIN = "https://app.example.org"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("gateway")
    with running_stand_in(port) as stand_in:
        with running_envoy(folder, stand_in, port, allowed_origins=(ORIGIN,)) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            yield gateway
            # A script that fails refuses everything; none of these tests is to make one fail.
            assert "lua.errors: 0" in gateway.admin("/stats?filter=lua.errors")
            assert "[error]" not in gateway.log.read_text()


@pytest.mark.parametrize("binding", rules.all_bindings(), ids=lambda b: f"{b.http_method} {b.template}")
def test_each_rule_reaches_its_method(gateway: Gateway, binding: rules.Binding) -> None:
    path = rules.VARIABLE.sub("value-1", binding.template)
    body = {} if binding.body else None
    reply = gateway.call(binding.http_method, path, body)
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/json"
    assert gateway.last.method == binding.method.name
    for capture in binding.captures:
        value: object = gateway.last.request
        for part in capture.split("."):
            value = getattr(value, part)
        assert value == "value-1"


def test_fields_come_from_path_query_and_body(gateway: Gateway) -> None:
    body = {"names": [{"family_name": "नायर", "given_names": ["Asha", "K"]}], "active": False}
    gateway.call(
        "PATCH", "/v1/patients/p-1?update_mask=names,birth_date&request_id=r%2D1", {**body, "id": "p-1"}
    )
    request = gateway.last.request
    assert isinstance(request, patient_pb2.UpdatePatientRequest)
    assert request.patient.id == "p-1"
    assert request.patient.names[0].family_name == "नायर"
    assert list(request.patient.names[0].given_names) == ["Asha", "K"]
    assert request.patient.HasField("active")
    assert list(request.update_mask.paths) == ["names", "birth_date"]
    assert request.request_id == "r-1"


def test_query_takes_lists_blanks_and_both_spellings(gateway: Gateway) -> None:
    gateway.call("GET", "/v1/patients:batchGet?ids=a&ids=b")
    assert list(gateway.last.request.ids) == ["a", "b"]  # type: ignore[attr-defined]
    gateway.call("GET", "/v1/patients:search?query=asha+k%20n%2Bm&pageSize=7")
    assert gateway.last.request == patient_pb2.SearchPatientsRequest(query="asha k n+m", page_size=7)
    gateway.call("GET", "/v1/auditEvents?start_time=2026-01-02T03:04:05Z")
    assert gateway.last.request.start_time.seconds == 1767323045  # type: ignore[attr-defined]


def test_body_takes_both_spellings_and_null(gateway: Gateway) -> None:
    text = b'{"birthDate": "1975", "marital_status": "M", "etag": null, "na\\u006des": [{"text": "x"}]}'
    assert gateway.call("POST", "/v1/patients", raw=text).status == 200
    patient = gateway.last.request.patient  # type: ignore[attr-defined]
    assert (patient.birth_date, patient.marital_status, patient.names[0].text) == ("1975", "M", "x")


def test_replies_show_every_field_in_snake_case(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients")
    assert reply.json == {"patients": [], "next_page_token": "", "previous_page_token": ""}
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert not [name for name in reply.headers if name.startswith(("grpc-", "x-envoy-"))]


def test_a_large_reply_passes(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients", headers={"x-test-patients": "10000"})
    assert reply.status == 200
    assert len(reply.json["patients"]) == 10000


def test_unknown_query_parameters_are_refused_all_at_once(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients?foo=1&page%5Fsize=3&order_by.x=1&page_size")
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
    assert reply.fields == ["foo", "order_by.x"]


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/v1/patients/p-1?id=p-2", "id"),
        ("GET", "/v1/patients/p-1/versions?patientId=p-2", "patientId"),
        ("PATCH", "/v1/patients/p-1?patient.id=p-2", "patient.id"),
        ("PATCH", "/v1/patients/p-1?patient.gender=male", "patient.gender"),
        ("POST", "/v1/patients:search?query=x", "query"),
    ],
)
def test_a_field_has_one_place(gateway: Gateway, method: str, path: str, field: str) -> None:
    reply = gateway.call(method, path, None if method == "GET" else {})
    assert (reply.status, reply.reason, reply.fields) == (400, "INVALID_ARGUMENT", [field])


def test_path_and_body_must_agree(gateway: Gateway) -> None:
    reply = gateway.call("PATCH", "/v1/patients/p-1", {"id": "p-2"})
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")


def test_unknown_body_fields_are_refused_with_their_paths(gateway: Gateway) -> None:
    seen = len(gateway.stand_in.seen)
    reply = gateway.call(
        "POST",
        "/v1/patients",
        {
            "names": [{}, {"tex": "x", "period": {"strt": "y"}}],
            "nope": {"deep": [1, {"b": 2}]},
            "birth_date": {"a": 1},
            "telecoms": {"system": "phone"},
            "contacts": [{"name": "x", "telecoms": [{"valu": 1}]}],
        },
    )
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
    assert reply.fields == [
        "patient.names[1].tex",
        "patient.names[1].period.strt",
        "patient.nope",
        "patient.birth_date",
        "patient.telecoms",
        "patient.contacts[0].name",
        "patient.contacts[0].telecoms[0].valu",
    ]
    assert len(gateway.stand_in.seen) == seen


def test_unknown_fields_of_a_whole_body_are_refused(gateway: Gateway) -> None:
    reply = gateway.call("POST", "/v1/auth:login", {"tenant": "t", "user": "u", "Password": "p"})
    assert (reply.status, reply.fields) == (400, ["user", "Password"])
    assert gateway.call("POST", "/v1/auth:logout", {"x": 1}).fields == ["x"]
    assert gateway.call("POST", "/v1/auth:logout", [1]).fields == ["body"]


def test_a_long_or_odd_unknown_name_is_quoted_safely(gateway: Gateway) -> None:
    text = json.dumps({"ü" * 500: 1, 'a"\\\n\0': 2}, ensure_ascii=False)
    reply = gateway.call("POST", "/v1/patients", raw=text.encode())
    assert reply.reason == "INVALID_ARGUMENT"
    assert reply.fields == ["patient." + "ü" * 30 + "...", 'patient.a\\"\\\\\\n\0']


def test_the_number_of_violations_is_bounded(gateway: Gateway) -> None:
    reply = gateway.call("POST", "/v1/patients", {f"x{i}": i for i in range(1000)})
    assert len(reply.fields) == 20


@pytest.mark.parametrize(
    "text",
    [
        b"{bad",
        b"{",
        b'{"uhid"}',
        b'{"uhid":}',
        b'{"uhid":"a",}',
        b'{"names":[{}],}',
        b'{"names":[,]}',
        b'{"uhid":"a"} {"b":1}',
        b'{"uhid":tru}',
        b'{"uhid":01}',
        b'{"uhid":1.}',
        b'{"uhid":.5}',
        b'{"uhid":NaN}',
        b"{'uhid':1}",
        b'{"uhid":"a',
        b'{"uhid":"a\nb"}',
        b'{"uhid":"\\x"}',
        b'{"uhid":"\\ud800"}',
        b'{"uhid":"\\udc00\\ud800"}',
        b'{"uhid":"\xff"}',
        b'{"uhid":"\xed\xa0\x80"}',
        b'{"uhid":"\xc0\xaf"}',
        b"   ",
        b"[" * 100_000,
        b'{"names":[' * 50,
    ],
    ids=range(25),
)
def test_malformed_json(gateway: Gateway, text: bytes) -> None:
    reply = gateway.call("POST", "/v1/patients", raw=text)
    assert (reply.status, reply.reason) == (400, "MALFORMED_REQUEST")
    assert reply.json["code"] == 3


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b'{"given_name":"A","given_name":"B"}', "given_name"),
        (b'{"given_name":"A","givenName":"B"}', "givenName"),
        (b'{"given_name":"A","\\u0067iven_name":"B"}', "given_name"),
        (b'{"names":[{"use":"usual","use":"old"}]}', "names[0].use"),
    ],
)
def test_a_field_that_stands_twice_is_refused(gateway: Gateway, text: bytes, field: str) -> None:
    """What looks at a body on its way might take the first for the one that counts, and we the last."""
    reply = gateway.call("POST", "/v1/patients", raw=text)
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
    assert reply.json["message"].endswith(f"{field}: stands twice.")


def test_what_is_json_is_not_malformed(gateway: Gateway) -> None:
    for text in ('"x"', "null", "[]", "1e-9", ' { "uhid" : "\\u00e9 \\ud83d\\ude00 \\" \\/ \x7f é 😀" } '):
        reply = gateway.call("POST", "/v1/patients", raw=text.encode())
        assert reply.status == 200 or reply.reason == "INVALID_ARGUMENT", text


def test_wrong_types_are_refused_with_the_field(gateway: Gateway) -> None:
    for body in ({"birth_date": 5}, {"deceased": "maybe"}, {"create_time": "yesterday"}):
        reply = gateway.call("POST", "/v1/patients", body)
        assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
        assert next(iter(body)) in reply.json["message"]
    reply = gateway.call("GET", "/v1/patients?page_size=abc")
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
    reply = gateway.call("PATCH", "/v1/users/u-1", {"state": "USER_STATE_ASLEEP"})
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/json; charset=latin1"]
)
def test_other_content_types_are_refused(gateway: Gateway, kind: str) -> None:
    reply = gateway.call("POST", "/v1/patients", {}, {"content-type": kind})
    assert (reply.status, reply.reason) == (415, "MALFORMED_REQUEST")


def test_compressed_bodies_are_refused(gateway: Gateway) -> None:
    reply = gateway.call("POST", "/v1/patients", {}, {"content-encoding": "gzip"})
    assert (reply.status, reply.reason) == (415, "MALFORMED_REQUEST")


@pytest.mark.parametrize("kind", ['Application/JSON; charset="UTF-8"', "application/x-www-form-urlencoded"])
def test_json_may_name_its_charset_or_come_as_curl_sends_it(gateway: Gateway, kind: str) -> None:
    assert gateway.call("POST", "/v1/patients", {}, {"content-type": kind}).status == 200


def test_a_body_where_none_belongs_is_refused(gateway: Gateway) -> None:
    reply = gateway.call("DELETE", "/v1/patients/p-1", {"etag": "3"})
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")
    assert gateway.call("DELETE", "/v1/patients/p-1?etag=3").status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_refused(gateway: Gateway, chunked: bool) -> None:
    text = json.dumps({"given_name": "x" * (5 * MEBIBYTE)}).encode()
    reply = gateway.call("POST", "/v1/patients", raw=text, chunked=chunked)
    assert (reply.status, reply.reason, reply.json["code"]) == (413, "REQUEST_TOO_LARGE", 8)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_below_the_limit_passes(gateway: Gateway, chunked: bool) -> None:
    text = json.dumps({"names": [{"text": "नाम" * 100}] * 3000}, ensure_ascii=False).encode()
    assert MEBIBYTE < len(text) < 4 * MEBIBYTE
    reply = gateway.call("POST", "/v1/patients", raw=text, chunked=chunked)
    assert reply.status == 200
    assert len(gateway.last.request.patient.names) == 3000  # type: ignore[attr-defined]


def test_a_body_of_very_many_values_is_refused(gateway: Gateway) -> None:
    text = b'{"names":[' + b",".join([b"{}"] * 60_000) + b"]}"
    reply = gateway.call("POST", "/v1/patients", raw=text)
    assert (reply.status, reply.reason) == (413, "REQUEST_TOO_LARGE")
