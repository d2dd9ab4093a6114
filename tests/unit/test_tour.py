"""The guided tour's own mechanics: what counts as held, and what is told of what did not."""

import http.server
import io
import json
import threading

import grpc
import pytest

from hms_server.devstack import tour, tour_access
from hms_server.devstack.progress import Progress
from hms_server.devstack.tour_visit import (
    ERROR_INFO,
    Answer,
    NotHeld,
    Session,
    Visit,
    eventually,
    expect,
    refusal,
    request,
)

ENV = {"HMS_REST_URL": "http://127.0.0.1:9", "HMS_GRPC_TARGET": "127.0.0.1:9", "HMS_TENANT": "demo"}


def error_body(reason="NOT_FOUND", domain="hms"):
    info = {"@type": ERROR_INFO, "reason": reason, "domain": domain, "metadata": {}}
    return {"code": 5, "message": "No such patient.", "details": [info]}


def answer(status, body):
    return Answer(status, {}, json.dumps(body).encode(), "tour-1")


def walk(*steps):
    said = io.StringIO()
    held = tour.walk(Visit(ENV), steps, Progress(said))
    return held, said.getvalue()


def holds(visit):
    """A step that holds."""
    return "seen"


def holds_in_silence(visit):
    """Nothing to add."""
    return ""


def does_not_hold(visit):
    """A step that does not."""
    expect(False, "the sky is green")
    return "never said"


def test_the_tour_holds_if_every_step_does():
    held, said = walk(holds, holds_in_silence)
    assert held
    assert said.splitlines()[:2] == ["  ok    A step that holds: seen", "  ok    Nothing to add"]
    assert "2 of 2 steps held" in said


def test_the_tour_goes_on_after_a_failure_and_does_not_hold():
    held, said = walk(does_not_hold, holds)
    assert not held
    assert said.splitlines()[:2] == [
        "  FAIL  A step that does not: the sky is green",
        "  ok    A step that holds: seen",
    ]
    assert "1 of 2 steps held" in said


@pytest.mark.parametrize("error", [KeyError("etag"), ConnectionRefusedError("no"), ValueError("JSON")])
def test_an_answer_of_another_shape_is_a_failure_and_no_crash(error):
    def step(visit):
        """Meets a surprise."""
        raise error

    held, said = walk(step, holds)
    assert not held
    assert f"FAIL  Meets a surprise: {type(error).__name__}" in said


def test_a_failed_call_by_stubs_is_told_in_one_line():
    def step(visit):
        """Calls nobody."""
        visit.channel.unary_unary("/nobody/Here")(b"", timeout=5)

    held, said = walk(step)
    assert not held
    assert "FAIL  Calls nobody: UNAVAILABLE" in said


def test_a_step_whose_need_was_not_made_says_so():
    held, said = walk(tour_access.refresh)
    assert not held
    assert "an earlier step should have made the doctor" in said


def test_nothing_runs_and_the_tour_says_so_at_each_step():
    assert not tour.run(
        {**ENV, "HMS_USER": "admin", "HMS_PASSWORD": "x", "HMS_METRICS_URL": "http://127.0.0.1:9/m"}
    )


def test_every_step_is_told_by_one_line_of_its_own():
    titles = [step.__doc__ for step in tour.STEPS]
    assert all(title and "\n" not in title for title in titles)
    assert len(set(titles)) == len(titles)


def test_the_second_hospital_needs_the_platform():
    assert set(tour_access.OF_THE_PLATFORM) <= set(tour.STEPS)


def test_a_success_gives_its_body():
    assert answer(200, {"id": "1"}).ok() == {"id": "1"}
    with pytest.raises(NotHeld, match="answered 404"):
        answer(404, error_body()).ok()


def test_a_refusal_must_have_status_shape_and_reason():
    assert answer(404, error_body()).refused(404, "NOT_FOUND")["code"] == 5
    for status, body in [
        (200, {}),
        (403, error_body()),
        (404, {"error": "not found"}),
        (404, error_body("PERMISSION_DENIED")),
        (404, error_body(domain="elsewhere")),
    ]:
        with pytest.raises(NotHeld):
            answer(status, body).refused(404, "NOT_FOUND")


def test_what_happens_in_time_is_waited_for():
    looks = iter([[], [], ["there"]])
    assert eventually(lambda: next(looks), 5.0) == ["there"]
    assert eventually(list, 0.0) == []


def test_a_served_call_is_no_refusal():
    with pytest.raises(NotHeld, match="it was served"):
        refusal(lambda: "an answer")


def test_the_refusal_of_a_call_by_stubs_is_its_code():
    with grpc.insecure_channel("127.0.0.1:9") as channel:
        assert refusal(lambda: channel.unary_unary("/nobody/Here")(b"", timeout=5)) == ("UNAVAILABLE", "")


@pytest.fixture
def mirror():
    """An HTTP server that answers with what it was asked."""

    class Mirror(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            said = {name.lower(): value for name, value in self.headers.items()}
            data = json.dumps({"path": self.path, "headers": said, "body": body}).encode()
            self.send_response(200 if self.path != "/refused" else 403)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-RateLimit-Limit", "100")
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_request_carries_json_and_an_id_of_its_own(mirror):
    first = request(mirror, "POST", "/v1/patients?a=b", {"given_name": "Asha"})
    seen = first.ok()
    assert (seen["path"], json.loads(seen["body"])) == ("/v1/patients?a=b", {"given_name": "Asha"})
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["x-request-id"] == first.request_id
    assert first.headers["x-ratelimit-limit"] == "100"
    assert request(mirror, "GET", "/").request_id != first.request_id


def test_a_session_sends_its_token_and_remembers_what_was_served(mirror):
    session = Session(mirror, "admin", "id", "the-token", "")
    served = session.call("GET", "/v1/patients?page_size=2")
    session.call("GET", "/refused")
    assert served.ok()["headers"]["authorization"] == "Bearer the-token"
    assert session.served == {served.request_id: "GET /v1/patients"}
    (_, (name, request_id)) = session.metadata("GetPatient")
    assert name == "x-request-id"
    assert session.served[request_id] == "GetPatient"
