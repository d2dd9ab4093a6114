"""The chain as a whole: its order, the protos' policies, and a call through grpc's own test server."""

from __future__ import annotations

import pathlib
import re

import grpc
import grpc_testing
import pytest
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2

from hms.common.v1 import error_reason_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.context import MethodPolicy
from hms_server.edge import chain, server
from hms_server.edge.known import KnownTokens
from hms_server.edge.status import to_status
from hms_server.errors import ConfigError
from hms_server.policy import load_policies, policy_of, services
from tests.unit.edge_fixtures import USER
from tests.unit.test_interceptors import Denials, Directory, FakeGate, Verifier, open_book

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDER = (
    "RequestIdInterceptor",
    "MetricsInterceptor",
    "LogInterceptor",
    "ErrorInterceptor",
    "DeadlineInterceptor",
    "AddressInterceptor",
    "AuthenticationInterceptor",
    "ShareInterceptor",
    "GateInterceptor",
    "AuthorizationInterceptor",
    "ValidationInterceptor",
)


def parts(**changes):
    values = {
        "verifier": Verifier(),
        "gate": FakeGate(),
        "addresses": open_book(),
        "tenant_of": str,
        "directory": Directory(),
        "known": KnownTokens(),
        "denials": Denials(),
        "nudge": lambda tenant: None,
        "deadline_ceiling_seconds": 15.0,
    }
    return chain.ChainParts(**{**values, **changes})


class Everything:
    """A servicer that has every method of every service."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda request, call: pb.Patient(id=getattr(request, "id", ""))


def servicers():
    return {service.full_name: Everything() for service in services()}


def test_the_order_of_the_interceptors_is_the_documented_one():
    assert tuple(type(i).__name__ for i in chain.build(parts())) == ORDER


def test_every_method_has_a_complete_policy():
    assert all(isinstance(p, MethodPolicy) for p in load_policies().values())
    assert len(load_policies()) == sum(len(s.methods) for s in services())


def test_every_service_of_the_protos_is_found():
    written = {
        f"hms.{path.parts[-3]}.v1.{name}"
        for path in (ROOT / "protos/hms").glob("*/v1/*.proto")
        for name in re.findall(r"^service (\w+)", path.read_text(), re.MULTILINE)
    }
    assert {service.full_name for service in services()} == written
    assert len(services()) == len(written)


def test_a_service_without_a_servicer_stops_the_start():
    missing = servicers()
    del missing["hms.fhir.v1.FhirService"]
    with pytest.raises(ConfigError, match=r"hms\.fhir\.v1\.FhirService has no servicer"):
        server.behaviours(missing, chain.build(parts()), lambda context, metadata: "", 10_000)


def test_a_method_without_a_policy_stops_the_start():
    bare = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    bare.message_type.add(name="M")
    service = bare.service.add(name="S")
    service.method.add(name="Go", input_type=".bare.M", output_type=".bare.M")
    from google.protobuf import descriptor_pool

    pool = descriptor_pool.DescriptorPool()
    pool.Add(bare)
    with pytest.raises(ConfigError, match=r"bare\.S/Go has no"):
        policy_of(pool.FindServiceByName("bare.S").methods[0])


def test_a_method_that_is_not_implemented_stops_the_start():
    missing = servicers() | {"hms.patient.v1.PatientService": object()}
    with pytest.raises(ConfigError, match="is not implemented"):
        server.behaviours(missing, chain.build(parts()), lambda context, metadata: "", 10_000)


def test_every_reason_of_the_code_is_in_the_proto():
    known = set(error_reason_pb2.ErrorReason.keys())
    used = {
        kind.default_reason
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HmsError)
    }
    assert used <= known


def invoke(made_parts, method="GetPatient", request=None, metadata=(("authorization", "Bearer x"),)):
    """One call through grpcio-testing's server: behaviour, response, status."""
    service = next(s for s in services() if s.full_name == "hms.patient.v1.PatientService")
    found = server.behaviours(
        servicers(), chain.build(made_parts), lambda context, metadata: "192.0.2.7", 10_000
    )[service.full_name]

    class Adapter:
        def __getattr__(self, name):
            return found[name]

    testing = grpc_testing.server_from_dictionary({service: Adapter()}, grpc_testing.strict_real_time())
    rpc = testing.invoke_unary_unary(
        service.methods_by_name[method],
        metadata,
        request if request is not None else pb.GetPatientRequest(id=USER),
        10.0,
    )
    headers = dict(rpc.initial_metadata())
    response, trailing, code, _ = rpc.termination()
    return response, headers, dict(trailing or ()), code


def test_a_call_passes_the_whole_chain_and_carries_its_headers():
    response, headers, _, code = invoke(parts())
    assert code is grpc.StatusCode.OK
    assert pb.Patient.FromString(response).id == USER
    assert headers["x-ratelimit-remaining"] == "99"
    assert headers["x-request-id"]


def test_a_refused_call_ends_with_its_code_and_carries_its_request_id():
    broken = parts(verifier=Verifier(errors.Unauthenticated("forged")))
    _, headers, _, code = invoke(broken)
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert headers["x-request-id"]


def test_a_status_carries_error_info():
    made = to_status(errors.NotFound("No such patient."), "request-1").status
    info = error_details_pb2.ErrorInfo()
    assert made.details[0].Unpack(info)
    assert (info.reason, info.domain, info.metadata["request_id"]) == (
        "NOT_FOUND",
        "hms",
        "request-1",
    )
