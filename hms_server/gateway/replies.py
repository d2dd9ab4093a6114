"""How Envoy words what it answers by itself: google.rpc.Status for REST, a proper status for gRPC."""

from __future__ import annotations

from typing import Any

from hms_server.gateway import errors
from hms_server.gateway.typed import Json, extension, typed

# CEL. The transcoder makes a REST request look like gRPC, hence the guard's mark.
IS_GRPC = (
    "request.headers['content-type'].startsWith('application/grpc')"
    " && !('hms.gateway' in metadata.filter_metadata)"
)
FROM_LUA = "response.code_details == 'lua_response'"
FROM_TRANSCODER = "response.code_details.contains('grpc_json_transcode_failure')"
HEALTHY = "request.path == '/healthz'"
ODD_PATH = "response.code_details == 'path_normalization_failed'"

PLAIN = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}}


def local_replies() -> Json:
    """Mappers in order: the first that fits words the reply."""
    mappers = [
        *(_grpc_mapper(error) for error in errors.LOCAL_ERRORS),
        {"filter": _when(IS_GRPC), "body_format_override": PLAIN},
        {
            "filter": _when(FROM_LUA),
            "body_format_override": {**PLAIN, "content_type": "application/json"},
        },
        {
            "filter": _all(_status(200), _when(HEALTHY)),
            "body_format_override": {"json_format": {"status": "SERVING"}},
        },
        {
            # The transcoder's own words name the field.
            "filter": _all(_status(400), _when(FROM_TRANSCODER)),
            "body_format_override": _json_status(3, errors.INVALID_ARGUMENT, "%LOCAL_REPLY_BODY%"),
        },
        _json_mapper(errors.ODD_PATH, _when(ODD_PATH)),
        *(_json_mapper(error) for error in errors.LOCAL_ERRORS),
        _json_mapper(errors.FAULT, _status(500, "GE")),
        _json_mapper(errors.UNREADABLE, _status(400, "GE")),
    ]
    return {"mappers": mappers}


def _grpc_mapper(error: errors.LocalError) -> Json:
    return {
        "filter": _all(_status(error.http), _when(IS_GRPC), _unless(FROM_LUA)),
        "body_format_override": {"text_format_source": {"inline_string": error.message}},
        "headers_to_add": [_header("grpc-status", str(error.code))],
    }


def _json_mapper(error: errors.LocalError, condition: Json | None = None) -> Json:
    mapper: Json = {
        "filter": condition or _status(error.http),
        "body_format_override": _json_status(error.code, error.reason, error.message, error.retry_seconds),
    }
    if error.retry_seconds:
        mapper["headers_to_add"] = [_header("retry-after", str(error.retry_seconds))]
    return mapper


def _json_status(code: int, reason: str, message: str, retry_seconds: int = 0) -> Json:
    details: list[Json] = [
        {
            "@type": errors.ERROR_INFO_TYPE,
            "reason": reason,
            "domain": errors.DOMAIN,
            "metadata": {"request_id": "%REQ(X-REQUEST-ID)%"},
        }
    ]
    if retry_seconds:
        details.append({"@type": errors.RETRY_INFO_TYPE, "retry_delay": f"{retry_seconds}s"})
    status = {"code": code, "message": message, "details": details}
    # A request that could not be read has no id: the field is left out then.
    return {"json_format": status, "omit_empty_values": True}


def _header(key: str, value: str) -> Json:
    return {
        "header": {"key": key, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _status(http: int, comparison: str = "EQ") -> Json:
    return {
        "status_code_filter": {
            "comparison": {
                "op": comparison,
                "value": {"default_value": http, "runtime_key": "hms.gateway.unset"},
            }
        }
    }


def _when(expression: str) -> Json:
    return {
        "extension_filter": extension(
            "envoy.access_loggers.extension_filters.cel",
            "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=expression,
        )
    }


def _unless(expression: str) -> Json:
    return _when(f"!({expression})")


def _all(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def access_log() -> list[Json]:
    """One JSON line a request on standard output. Never the query, nor a path as the client
    wrote it: both may hold patient data."""
    fields: dict[str, Any] = {
        "time": "%START_TIME%",
        "logger": "gateway",
        "method": "%DYNAMIC_METADATA(hms.gateway:method)%",
        "path": "%DYNAMIC_METADATA(hms.gateway:path)%",
        "rpc": "%DYNAMIC_METADATA(hms.call:rpc)%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "duration_ms": "%DURATION%",
        "received_bytes": "%BYTES_RECEIVED%",
        "sent_bytes": "%BYTES_SENT%",
        "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "traceparent": "%REQ(TRACEPARENT)%",
    }
    return [
        {
            "name": "envoy.access_loggers.stdout",
            "filter": {"not_health_check_filter": {}},
            "typed_config": typed(
                "extensions.access_loggers.stream.v3.StdoutAccessLog",
                log_format={"json_format": fields},
            ),
        }
    ]
