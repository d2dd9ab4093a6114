"""Which requests go to the servers, how long they may take, and which are tried again."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re

from hms_server.gateway import guard, rules
from hms_server.gateway.cluster import CLUSTER
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.typed import Json, seconds, typed

GUARD_FILTER = "hms.gateway.guard"
BUFFER_FILTER = "envoy.filters.http.buffer"
TRANSCODER_FILTER = "envoy.filters.http.grpc_json_transcoder"

# A connection that could not be made, or a stream the server refused unread: safe for any method. For
# reads the guard adds a server that died in the middle, or has its database away for a moment.
ALWAYS_SAFE = "connect-failure,refused-stream"

# Twice the largest file served; the default of 4 KiB is for short texts.
MAX_PAGE_BYTES = 8 * 1024 * 1024

_UNBUFFERED: Json = {BUFFER_FILTER: typed("extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)}


def route_configuration(options: GatewayOptions) -> Json:
    """Routes are matched after transcoding, by gRPC's path, so that they are the same for REST."""
    virtual_host: Json = {
        "name": "hms",
        "domains": ["*"],
        "routes": [
            *_pages(options),
            *(_watch_route(path) for path in _watch_paths()),
            *(_upload_route(path, time) for path, time in _upload_paths(options)),
            _route({"prefix": "/hms."}, options),
            _route({"path": "/grpc.health.v1.Health/Check"}, options),
            *(_rest_route(prefix) for prefix in _rest_prefixes()),
            {
                "match": {"prefix": "/"},
                "direct_response": {"status": 404},
                "typed_per_filter_config": _UNBUFFERED,
            },
        ],
        "typed_per_filter_config": {
            GUARD_FILTER: typed(
                "extensions.filters.http.lua.v3.LuaPerRoute",
                filter_context={
                    "default_timeout_ms": options.default_timeout_ms,
                    "max_timeout_ms": options.max_timeout_ms,
                },
            ),
        },
    }
    if options.allowed_origins:
        virtual_host["typed_per_filter_config"]["envoy.filters.http.cors"] = _cors(options)
    return {
        "name": "hms",
        "virtual_hosts": [virtual_host],
        "max_direct_response_body_size_bytes": MAX_PAGE_BYTES,
        # Holds the query, and with it perhaps patient data: the server must not get to log it.
        "request_headers_to_remove": ["x-envoy-original-path", "x-envoy-original-method"],
    }


def _rest_prefixes() -> list[str]:
    return sorted({f"/{binding.segments[0]}" for binding in rules.all_bindings()})


def _rest_route(prefix: str) -> Json:
    # Where a REST request stands until it is transcoded: CORS and the buffer look for a route here.
    return {"match": {"prefix": prefix}, "route": {"cluster": CLUSTER, "timeout": "1s"}}


def _watch_paths() -> list[str]:
    ours = [rules.rpc_path(m) for m in rules.methods() if rules.is_watch(m)]
    return [*ours, *guard.STANDARD_STREAMS]


def _upload_paths(options: GatewayOptions) -> list[tuple[str, int]]:
    """The paths of uploads, in gRPC and in REST, and the seconds that each may take."""
    found = []
    for method in rules.methods():
        if rules.is_upload(method):
            templates = [binding.template for binding in rules.bindings(method)]
            if any(rules.VARIABLE.search(template) for template in templates):
                raise ValueError(f"{method.full_name}: the path of an upload holds no variables")
            time = rules.upload_seconds(method, options.max_timeout_ms)
            found += [(path, time) for path in (rules.rpc_path(method), *templates)]
    return found


def _route(match: Json, options: GatewayOptions) -> Json:
    return {
        "match": match,
        "route": {
            "cluster": CLUSTER,
            # The guard sets the time of each call; this one stands where it could not.
            "timeout": seconds(options.max_timeout_ms + 1000),
            "retry_policy": {
                "retry_on": ALWAYS_SAFE,
                "num_retries": 2,
                "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
                "retry_host_predicate": [
                    {
                        "name": "envoy.retry_host_predicates.previous_hosts",
                        "typed_config": typed(
                            "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                        ),
                    }
                ],
                "host_selection_retry_max_attempts": 3,
            },
        },
        "typed_per_filter_config": _UNBUFFERED,
    }


def _upload_route(path: str, time: int) -> Json:
    # Never kept as a whole, so never tried again. Silent while the client stalls or the server works.
    return {
        "match": {"path": path},
        "route": {"cluster": CLUSTER, "timeout": f"{time + 1}s", "idle_timeout": f"{time + 1}s"},
        "typed_per_filter_config": _UNBUFFERED,
    }


def _watch_route(path: str) -> Json:
    # A watch may be silent for long; dead peers are found by HTTP/2 pings.
    return {
        "match": {"path": path},
        "route": {"cluster": CLUSTER, "timeout": "0s", "idle_timeout": "3600s"},
        "typed_per_filter_config": _UNBUFFERED,
    }


def _pages(options: GatewayOptions) -> list[Json]:
    files = options.files
    policy = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    policy += f"script-src {_script_hash()}; base-uri 'none'; frame-ancestors 'none'"
    return [
        _page("/openapi.json", str(files.openapi), "application/json", {}),
        _page(
            "/docs",
            str(files.docs),
            "text/html; charset=utf-8",
            {"content-security-policy": policy, "referrer-policy": "no-referrer"},
        ),
    ]


def _page(path: str, filename: str, content_type: str, headers: dict[str, str]) -> Json:
    headers = {
        "content-type": content_type,
        "cache-control": "public, max-age=300",
        "x-content-type-options": "nosniff",
        **headers,
    }
    return {
        "match": {
            "path": path,
            "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}],
        },
        "direct_response": {"status": 200, "body": {"filename": filename}},
        "response_headers_to_add": [
            {
                "header": {"key": key, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
            for key, value in headers.items()
        ],
        "typed_per_filter_config": {
            **_UNBUFFERED,
            GUARD_FILTER: typed("extensions.filters.http.lua.v3.LuaPerRoute", disabled=True),
            # No service: nothing to transcode on this path.
            TRANSCODER_FILTER: typed("config.route.v3.FilterConfig", disabled=True, config={}),
        },
    }


def docs_page() -> str:
    """The page at /docs, as it ships with the package."""
    return (importlib.resources.files("hms_server.gateway") / "docs.html").read_text("utf-8")


def _script_hash() -> str:
    """What lets the page's own script run and no other (Content-Security-Policy)."""
    script = re.search(r"<script>(.*)</script>", docs_page(), re.DOTALL)
    assert script is not None
    digest = hashlib.sha256(script[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _cors(options: GatewayOptions) -> Json:
    return typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in options.allowed_origins],
        allow_methods="GET, POST, PATCH, PUT, DELETE",
        allow_headers="authorization, content-type, x-request-id, x-request-timeout, traceparent, "
        "tracestate, grpc-timeout, x-grpc-web, x-user-agent",
        expose_headers="x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
        "retry-after, grpc-status, grpc-message, grpc-status-details-bin",
        max_age="600",
    )
