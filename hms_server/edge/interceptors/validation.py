"""Checks the request against its proto's rules (protovalidate): every violation at once."""

from __future__ import annotations

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from hms_server import errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler


class ValidationInterceptor:
    """Parses and validates; what the proto cannot say is left to the room's rules."""

    def __init__(self, max_request_bytes: int) -> None:
        self._validator = Validator()
        self._most = max_request_bytes

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """The first validation of a class compiles its rules: done here, at start-up."""
        validator, most = self._validator, self._most
        _violations(validator, method.request_class())

        def handle(call: Call) -> object:
            raw = call.request
            if isinstance(raw, bytes):
                if len(raw) > most:
                    raise errors.InvalidArgument(
                        f"The request has {len(raw)} bytes; {most} is the limit.",
                        reason="REQUEST_TOO_LARGE",
                    )
                if b"\0" in raw:
                    _refuse_nul(method.parse(call))
            request = method.parse(call)
            found = _violations(validator, request)
            if found:
                raise errors.InvalidArgument(
                    "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
                )
            return following(call)

        return handle


def _violations(validator: Validator, request: Message) -> tuple[errors.FieldViolation, ...]:
    return tuple(
        errors.FieldViolation(_path(v), v.proto.message or "breaks a rule")
        for v in validator.collect_violations(request)
    )


def _path(violation: Violation) -> str:
    field = violation.proto.field
    if field is None:
        return ""
    parts = []
    for element in field.elements:
        name = element.field_name
        if element.subscript is not None and element.subscript.field == "index":
            name += f"[{element.subscript.value}]"
        parts.append(name)
    return ".".join(parts)


def _refuse_nul(message: Message, path: str = "") -> None:
    """PostgreSQL stores no NUL; bytes of the wire hold many, so text is looked at field by field."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        values = value if field.is_repeated else [value]
        for one in values:
            if isinstance(one, str) and "\0" in one:
                raise errors.invalid_field(name, "must not hold NUL characters")
            if isinstance(one, Message):
                _refuse_nul(one, f"{name}.")
