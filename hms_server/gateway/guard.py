"""The guard: the Lua script by which Envoy refuses what the transcoder would let pass.

The transcoder drops unknown JSON fields silently, so a misspelt field would vanish without a word. The
script checks each REST request against tables made here from the descriptors: which paths there are,
and which fields each message has under both JSON spellings (the transcoder takes both).

A field's shape is one number, small and quick to test: -1 anything goes, otherwise
2 x message number (0 for a scalar), plus 1 where the field is repeated.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.rpc import error_details_pb2, status_pb2

from hms_server.gateway import errors, rules

# Lua sources in the order in which one script holds them.
GUARD_SOURCES = ("text.lua", "json.lua", "path.lua", "guard.lua")
STATUS_SOURCES = ("status.lua",)

SCALAR = 0
ANYTHING = -1

# Messages that JSON writes as a single string or number, or as any value at all.
WELL_KNOWN_SHAPES = {
    "google.protobuf.Timestamp": SCALAR,
    "google.protobuf.Duration": SCALAR,
    "google.protobuf.FieldMask": SCALAR,
    "google.protobuf.DoubleValue": SCALAR,
    "google.protobuf.FloatValue": SCALAR,
    "google.protobuf.Int64Value": SCALAR,
    "google.protobuf.UInt64Value": SCALAR,
    "google.protobuf.Int32Value": SCALAR,
    "google.protobuf.UInt32Value": SCALAR,
    "google.protobuf.BoolValue": SCALAR,
    "google.protobuf.StringValue": SCALAR,
    "google.protobuf.BytesValue": SCALAR,
    "google.protobuf.Any": ANYTHING,
    "google.protobuf.Struct": ANYTHING,
    "google.protobuf.Value": ANYTHING,
    "google.protobuf.ListValue": ANYTHING,
    # The body as it is, whatever it holds.
    "google.api.HttpBody": ANYTHING,
}

# gRPC's own streaming services, which have no deadline of their own.
STANDARD_STREAMS = (
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)


class MessageTable:
    """Numbers the messages that requests are made of, from 1."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._messages: list[Descriptor] = []

    def number(self, message: Descriptor) -> int:
        """The number of a message, given at the first question."""
        if message.full_name not in self._numbers:
            self._messages.append(message)
            self._numbers[message.full_name] = len(self._messages)
        return self._numbers[message.full_name]

    def shape(self, field: FieldDescriptor) -> int:
        """The shape of a field's JSON value."""
        message = field.message_type
        if message is None:
            return SCALAR + int(field.is_repeated)
        if message.GetOptions().map_entry:
            return 2 * self.number(message)
        if message.full_name in WELL_KNOWN_SHAPES:
            shape = WELL_KNOWN_SHAPES[message.full_name]
            return shape if shape == ANYTHING else shape + int(field.is_repeated)
        return 2 * self.number(message) + int(field.is_repeated)

    def fields(self) -> dict[int, dict[str, int]]:
        """The fields of every numbered message and of those they hold, by JSON name."""
        result: dict[int, dict[str, int]] = {}
        index = 0
        while index < len(self._messages):  # asking for a shape may number further messages
            message = self._messages[index]
            index += 1
            names: dict[str, int] = {}
            if message.GetOptions().map_entry:
                names["*"] = self.shape(message.fields_by_name["value"])
            else:
                for field in message.fields:
                    names[field.name] = names[field.json_name] = self.shape(field)
            result[index] = names
        return result

    def names(self) -> list[str]:
        """Full names in the order of the numbers."""
        return [message.full_name for message in self._messages]


def route_tree(table: MessageTable) -> dict[str, object]:
    """The paths as a tree of segments: `next` by literal, `any` for a variable, `verbs` at the end."""
    root: dict[str, object] = {}
    for binding in rules.all_bindings():
        node = root
        for segment in binding.segments:
            if segment == "*":
                node = _child(node, "any")
            else:
                node = _child(_child(node, "next"), segment)
        ends = _child(_child(node, "verbs"), binding.verb)
        if binding.http_method in ends:
            raise ValueError(f"two methods share {binding.http_method} {binding.template}")
        ends[binding.http_method] = _route(binding, table)
    return root


def _child(node: dict[str, object], name: str) -> dict[str, object]:
    child = node.setdefault(name, {})
    assert isinstance(child, dict)
    return child


def _route(binding: rules.Binding, table: MessageTable) -> dict[str, object]:
    request = binding.method.input_type
    route: dict[str, object] = {"rpc": binding.rpc_path, "query": table.number(request)}
    if binding.captures:
        spellings = {spelling for path in binding.captures for spelling in _spellings(path)}
        route["captures"] = dict.fromkeys(sorted(spellings), True)
    if binding.body == "*":
        route["body"] = 2 * table.number(request)
    elif binding.body:
        route["body"] = table.shape(request.fields_by_name[binding.body])
        route["field"] = binding.body
    if rules.is_upload(binding.method):
        route["stream"] = rules.policy(binding.method).max_stream_bytes
    return route


def _spellings(path: str) -> tuple[str, str]:
    """A field path as the protos write it and as JSON may."""
    camel = re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), path)
    return path, camel


def guard_script() -> str:
    """The whole script of the filter that stands before the transcoder."""
    table = MessageTable()
    tree = route_tree(table)
    fields = table.fields()
    streams = {rules.rpc_path(m): True for m in rules.methods() if rules.is_watch(m)}
    streams.update(dict.fromkeys(STANDARD_STREAMS, True))
    limits = {rules.rpc_path(m): rules.policy(m).deadline_seconds * 1000 for m in rules.methods()}
    limits = {path: milliseconds for path, milliseconds in limits.items() if milliseconds}
    reads = {rules.rpc_path(m): True for m in rules.methods() if rules.is_read(m)}
    lines = ["-- Generated from protos/ by scripts/generate. Do not edit.", "local FIELDS = {}"]
    for number, name in enumerate(table.names(), start=1):
        lines.append(f"FIELDS[{number}] = {lua(fields[number])} -- {name}")
    lines.append(f"local ROUTES = {lua(tree)}")
    lines.append(f"local STREAMS = {lua(streams)}")
    lines.append(f"local LIMITS = {lua(limits)}")
    lines.append(f"local READS = {lua(reads)}")
    return "\n".join(lines) + "\n\n" + _sources(GUARD_SOURCES)


def status_script() -> str:
    """The whole script of the filter that stands behind the transcoder."""
    reasons = {code: _details_field(reason) for code, reason in errors.REASON_OF_CODE.items()}
    lines = ["-- Generated by scripts/generate. Do not edit."]
    lines.append("-- By gRPC code: the `details` field of google.rpc.Status with an ErrorInfo.")
    lines.append("local DETAILS = {}")
    lines.extend(f"DETAILS[{code}] = {lua(text)}" for code, text in sorted(reasons.items()))
    return "\n".join(lines) + "\n\n" + _sources(STATUS_SOURCES)


def _details_field(reason: str) -> bytes:
    status = status_pb2.Status()
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=errors.DOMAIN))
    encoded: bytes = status.SerializeToString(deterministic=True)
    return encoded


def _sources(names: tuple[str, ...]) -> str:
    folder = importlib.resources.files("hms_server.gateway") / "lua"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def lua(value: object) -> str:
    """A value as a Lua literal, its keys sorted so that the same protos give the same text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return lua(value.encode())
    if isinstance(value, bytes):
        return '"' + "".join(_lua_byte(byte) for byte in value) + '"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"[{lua(k)}] = {lua(value[k])}" for k in sorted(value)) + "}"
    raise TypeError(f"no Lua literal for {type(value).__name__}")


def _lua_byte(byte: int) -> str:
    plain = 0x20 <= byte < 0x7F and byte not in b'"\\'
    return chr(byte) if plain else f"\\{byte:03d}"
