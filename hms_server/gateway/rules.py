"""The HTTP rules of the API (`google.api.http`), read from the installed stubs.

The transcoder, the guard's tables and the OpenAPI document all follow from this one reading, so that
they cannot disagree about what a path means.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import hms
from hms.policy.v1 import policy_pb2

HTTP_METHODS = ("get", "put", "post", "delete", "patch")

VARIABLE = re.compile(r"\{(?P<field>[a-z0-9_.]+)(?:=(?P<pattern>[^{}]+))?\}")


@dataclass(frozen=True)
class Binding:
    """One HTTP method and path that reaches an RPC."""

    method: MethodDescriptor
    http_method: str
    # As written: "/v1/patients/{id}:undelete".
    template: str
    # Literal segments, and "*" where any one segment stands.
    segments: tuple[str, ...]
    # What follows the colon; empty where nothing does.
    verb: str
    # Field paths that the template fills, in order.
    captures: tuple[str, ...]
    # "" (no body), "*" (the whole request) or the name of one field of it.
    body: str
    # 0 for the rule itself, 1... for its additional bindings.
    index: int

    @property
    def rpc_path(self) -> str:
        """What gRPC calls the method: "/hms.patient.v1.PatientService/GetPatient"."""
        return rpc_path(self.method)


def rpc_path(method: MethodDescriptor) -> str:
    """The path of a method in gRPC."""
    return f"/{method.containing_service.full_name}/{method.name}"


def services() -> list[ServiceDescriptor]:
    """Every service of the installed stubs, in order of name."""
    found: dict[str, ServiceDescriptor] = {}
    for module in pkgutil.walk_packages(hms.__path__, "hms."):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(module.name).DESCRIPTOR
            for service in file.services_by_name.values():
                found[service.full_name] = service
    return [found[name] for name in sorted(found)]


def methods() -> Iterator[MethodDescriptor]:
    """Every method, service by service, as the protos order them."""
    for service in services():
        yield from service.methods


def bindings(method: MethodDescriptor) -> list[Binding]:
    """The HTTP rule of a method with its additional bindings; empty where it has none."""
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return []
    rule = options.Extensions[annotations_pb2.http]
    return [_binding(method, each, index) for index, each in enumerate([rule, *rule.additional_bindings])]


def all_bindings() -> list[Binding]:
    """Every binding of every method."""
    return [binding for method in methods() for binding in bindings(method)]


def is_read(method: MethodDescriptor) -> bool:
    """Whether the method may be repeated at will: HTTP has it as a GET."""
    return any(binding.http_method == "GET" for binding in bindings(method))


def is_watch(method: MethodDescriptor) -> bool:
    """Whether the server sends messages for as long as the client listens."""
    return bool(method.server_streaming)


def is_upload(method: MethodDescriptor) -> bool:
    """Whether the client alone sends more than one message: in HTTP, a body of any length."""
    return bool(method.client_streaming and not method.server_streaming)


def policy(method: MethodDescriptor) -> policy_pb2.MethodPolicy:
    """The method's own policy."""
    found: policy_pb2.MethodPolicy = method.GetOptions().Extensions[policy_pb2.method]
    return found


def upload_seconds(method: MethodDescriptor, usual_ms: int) -> int:
    """How long an upload may take as a whole; `usual_ms` where its policy does not say."""
    return policy(method).deadline_seconds or math.ceil(usual_ms / 1000)


def _binding(method: MethodDescriptor, rule: http_pb2.HttpRule, index: int) -> Binding:
    verb_name = rule.WhichOneof("pattern")
    if verb_name not in HTTP_METHODS:
        raise ValueError(f"{method.full_name}: custom HTTP methods are not supported")
    template = str(getattr(rule, verb_name))
    captures: list[str] = []

    def expand(match: re.Match[str]) -> str:
        captures.append(match["field"])
        return match["pattern"] or "*"

    path, _, verb = VARIABLE.sub(expand, template).partition(":")
    segments = tuple(path.lstrip("/").split("/"))
    if "**" in segments or "" in segments:
        # One segment is what every resource name of this API is; "**" would need another matcher.
        raise ValueError(f"{method.full_name}: unsupported path {template}")
    return Binding(method, verb_name.upper(), template, segments, verb, tuple(captures), rule.body, index)
