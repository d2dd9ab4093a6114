"""Sending bundles: what is waited for, what is tried again, and when an import ends."""

from __future__ import annotations

import threading

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from hms.fhir.v1 import fhir_pb2 as pb
from hms_server.fhir import upload
from hms_server.fhir.courier import Courier
from hms_server.fhir.reader import find_files
from hms_server.fhir.upload import Uploader


class Failed(grpc.RpcError):
    def __init__(self, code, reason="", faults=(), retry=None):
        details = [error_details_pb2.ErrorInfo(reason=reason, domain="hms")] if reason else []
        if faults:
            violations = [
                error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in faults
            ]
            details.append(error_details_pb2.BadRequest(field_violations=violations))
        if retry is not None:
            details.append(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=retry)))
        packed = []
        for detail in details:
            one = any_pb2.Any()
            one.Pack(detail)
            packed.append(one)
        self._code = code
        status = status_pb2.Status(code=code_pb2.Code.Value(code.name), details=packed)
        self._metadata = (("grpc-status-details-bin", status.SerializeToString()),)

    def code(self):
        return self._code

    def details(self):
        return "no"

    def trailing_metadata(self):
        return self._metadata


class Stub:
    """Answers with what it is given, one after another; then with success."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.texts = []
        self.sources = []

    def ImportBundle(self, requests, timeout):
        sent = list(requests)
        self.sources.append([request.source for request in sent])
        self.texts.append(b"".join(request.bundle.data for request in sent))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        count = pb.ImportBundleResponse.TypeCount(type="Patient", created=1)
        return pb.ImportBundleResponse(counts=[count], skipped={"Claim": 2}, left_out={"Patient.photo": 1})


@pytest.fixture
def bring(tmp_path, monkeypatch):
    monkeypatch.setattr(upload, "_BACKOFF_SECONDS", (0.0, 0.0))

    def run(stub, **files):
        told, waits = [], []
        for name, text in files.items():
            (tmp_path / f"{name}.{'ndjson' if name.startswith('lines') else 'json'}").write_text(text)
        stop = threading.Event()
        courier = Courier(
            Uploader(stub, "his", stop, waits.append),
            stop,
            workers=1,
            on_progress=lambda report: None,
            on_rejected=told.append,
            on_stop=stop.set,
        )
        return courier.run(find_files([str(tmp_path)])), told, waits

    return run


def test_what_became_of_each_type_is_added_up(bring):
    stub = Stub()
    report, _, _ = bring(stub, a="{}", b="{}")
    assert (report.counts["Patient", "created"], report.resources, report.files) == (2, 2, 2)
    assert (dict(report.skipped), dict(report.left_out)) == ({"Claim": 4}, {"Patient.photo": 2})
    assert report.is_whole
    assert stub.sources == [["his"], ["his"]]


@pytest.mark.parametrize(
    "failure",
    [
        Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", retry=1_000_000),
        Failed(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        Failed(grpc.StatusCode.DEADLINE_EXCEEDED),
        Failed(grpc.StatusCode.ABORTED, "CONCURRENT_CHANGE"),
        Failed(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"),
    ],
    ids=lambda failure: failure.code().name,
)
def test_what_may_pass_is_tried_again_with_the_same_bundle(bring, failure):
    stub = Stub(failure)
    report, told, waits = bring(stub, a='{"a": 1}')
    assert report.is_whole
    assert not told
    assert stub.texts == [b'{"a": 1}'] * 2
    assert len(waits) == (failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_a_rejected_bundle_is_told_with_its_places_and_the_others_go_on(bring):
    bad = Failed(
        grpc.StatusCode.INVALID_ARGUMENT, "BUNDLE_REJECTED", [("entry[3].resource.status", "is wrong")]
    )
    report, told, _ = bring(Stub(bad), a="{}", b="{}")
    assert told == ["a.json: entry[3].resource.status: is wrong"]
    assert (report.rejected, report.resources, report.is_whole) == (1, 1, False)
    assert report.ended_by == ""


def test_good_lines_go_without_the_bad_ones(bring):
    bad = Failed(
        grpc.StatusCode.INVALID_ARGUMENT, "BUNDLE_REJECTED", [("entry[1].resource.status", "is wrong")]
    )
    stub = Stub(bad)
    report, told, _ = bring(stub, lines='{"resourceType":"A"}\n{"resourceType":"B"}\n{"resourceType":"C"}\n')
    assert told == ["lines.ndjson:2: status: is wrong"]
    assert (report.rejected, report.resources) == (1, 1)
    assert [text.count(b"resourceType") for text in stub.texts] == [4, 3]


@pytest.mark.parametrize(
    "failure",
    [
        Failed(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
        Failed(grpc.StatusCode.UNAUTHENTICATED, "SESSION_REVOKED"),
        Failed(grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED"),
    ],
    ids=lambda failure: failure.code().name,
)
def test_what_every_bundle_would_meet_ends_the_import(bring, failure):
    stub = Stub(failure)
    report, told, _ = bring(stub, a="{}", b="{}", c="{}")
    assert failure.code().name in report.ended_by
    assert (len(stub.texts), told, report.is_whole) == (1, [], False)


def test_a_server_that_stays_away_ends_the_import(bring):
    report, _, _ = bring(Stub(*[Failed(grpc.StatusCode.UNAVAILABLE)] * 9), a="{}", b="{}")
    assert report.ended_by.startswith("UNAVAILABLE")
