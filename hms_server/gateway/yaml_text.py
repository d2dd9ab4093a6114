"""Writes plain data as YAML, for configuration that people read. Only what JSON can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Text that YAML reads as itself; anything else goes in JSON's quotes, which YAML understands too.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_OTHER_MEANING = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def to_yaml(value: Any) -> str:
    """The data as a YAML document in block style."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item, indent="  ")
    elif isinstance(value, list) and value:
        for item in value:
            nested = list(_lines(item))
            yield f"- {nested[0]}"
            yield from (f"  {line}" for line in nested[1:])
    else:
        yield _scalar(value)


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict | list) and item:
        yield head
        yield from (indent + line for line in _lines(item))
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _OTHER_MEANING:
        return value
    return json.dumps(value, ensure_ascii=False)
