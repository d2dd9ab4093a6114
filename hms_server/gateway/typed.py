"""Short forms for what Envoy's configuration repeats."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def typed(message: str, **fields: Any) -> Json:
    """A `typed_config` of one of Envoy's messages, named without the common prefix."""
    return {"@type": f"type.googleapis.com/envoy.{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Json:
    """A named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


def seconds(milliseconds: int) -> str:
    """A duration as Envoy writes it: "1.5s"."""
    return f"{milliseconds / 1000:g}s"


def socket_address(host: str, port: int) -> Json:
    """Where something listens."""
    return {"socket_address": {"address": host, "port_value": port}}
