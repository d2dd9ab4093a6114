"""The parts of the OpenAPI document that are the same for every operation: errors and headers."""

from __future__ import annotations

from typing import Any

from hms_server.gateway import errors

Json = dict[str, Any]


def _header(description: str, schema: Json) -> Json:
    return {"description": description, "schema": schema}


RESPONSE_HEADERS: Json = {
    "x-request-id": _header(
        "The caller's own id of the request, or one made for it. Logs and audit carry it.",
        {"type": "string"},
    ),
    "x-ratelimit-limit": _header("Calls per window.", {"type": "integer"}),
    "x-ratelimit-remaining": _header("Calls left in the window.", {"type": "integer"}),
    "x-ratelimit-reset": _header("Seconds until calls are free again.", {"type": "integer"}),
    "retry-after": _header("Seconds after which to try again.", {"type": "integer"}),
}


def _error(description: str, *headers: str) -> Json:
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("x-request-id", *headers)},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/rpc.Status"}}},
    }


ERROR_RESPONSES: Json = {
    "Error": _error("Any other error."),
    "BadRequest": _error("The request breaks a rule; BadRequest names every violation."),
    "Unauthenticated": _error("No valid token. The reason says whether to refresh or log in."),
    "PermissionDenied": _error("The token does not hold the permission."),
    "RateLimited": _error(
        "Over the rate limit.",
        "retry-after",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ),
}


def _detail(name: str, description: str, properties: Json) -> Json:
    kind = {"const": f"type.googleapis.com/google.rpc.{name}"}
    return {
        "type": "object",
        "description": description,
        "properties": {"@type": kind, **properties},
        "required": ["@type"],
    }


def _list_of(properties: Json) -> Json:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


TEXT: Json = {"type": "string"}

SHARED_SCHEMAS: dict[str, Json] = {
    "rpc.Status": {
        "type": "object",
        "description": "The one shape of every error (AIP-193).",
        "properties": {
            "code": {"type": "integer", "description": "The gRPC status code."},
            "message": {"type": "string", "description": "For developers; may change."},
            "details": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/rpc.ErrorInfo"},
                        {"$ref": "#/components/schemas/rpc.BadRequest"},
                        {"$ref": "#/components/schemas/rpc.RetryInfo"},
                        {"$ref": "#/components/schemas/rpc.QuotaFailure"},
                        {"type": "object"},
                    ]
                },
            },
        },
        "required": ["code", "message", "details"],
    },
    "rpc.ErrorInfo": _detail(
        "ErrorInfo",
        "Why, in a form that programs can rely on. Every error has one.",
        {
            "reason": {"type": "string", "enum": errors.all_reasons()},
            "domain": {"const": errors.DOMAIN},
            "metadata": {"type": "object", "additionalProperties": TEXT},
        },
    ),
    "rpc.BadRequest": _detail(
        "BadRequest",
        "What is wrong with the request, all at once.",
        {"field_violations": _list_of({"field": TEXT, "description": TEXT})},
    ),
    "rpc.RetryInfo": _detail(
        "RetryInfo",
        "When to try again.",
        {"retry_delay": {"type": "string", "description": 'Seconds: "7s".'}},
    ),
    "rpc.QuotaFailure": _detail(
        "QuotaFailure",
        "Which limit was reached.",
        {"violations": _list_of({"subject": TEXT, "description": TEXT})},
    ),
}
