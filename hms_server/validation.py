"""The protos' own rules (buf.validate), asked of a message."""

from __future__ import annotations

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from hms_server.errors import FieldViolation


def violations(validator: Validator, message: Message) -> tuple[FieldViolation, ...]:
    """Every rule that the message breaks, by the path of the field: "names[0].family_name"."""
    return tuple(
        FieldViolation(path(v), v.proto.message or "breaks a rule")
        for v in validator.collect_violations(message)
    )


def path(violation: Violation) -> str:
    """Where a violation is."""
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
