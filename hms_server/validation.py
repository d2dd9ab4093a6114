"""What a message breaks of its proto's rules (protovalidate), in the words of our errors.

For the edge, which looks at every request, and for what comes in without being a request of its own.
"""

from __future__ import annotations

import functools

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from hms_server.errors import FieldViolation


def violations(message: Message, path: str = "") -> tuple[FieldViolation, ...]:
    """Every violation, with its path; `path` is that of the message itself, where it has one.

    The first look at a class compiles its rules, which takes some milliseconds.
    """
    prefix = f"{path}." if path else ""
    return tuple(
        FieldViolation(prefix + _path(v), v.proto.message or "breaks a rule")
        for v in _validator().collect_violations(message)
    )


@functools.cache
def _validator() -> Validator:
    return Validator()


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
