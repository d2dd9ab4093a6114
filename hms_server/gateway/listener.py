"""The one listener: REST, gRPC and gRPC-Web, with or without TLS."""

from __future__ import annotations

from typing import Any

from hms_server.gateway import rules, secrets
from hms_server.gateway.cluster import CLUSTER
from hms_server.gateway.limits import limit_filters
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.replies import access_log, local_replies
from hms_server.gateway.routes import (
    BUFFER_FILTER,
    GUARD_FILTER,
    TRANSCODER_FILTER,
    route_configuration,
)
from hms_server.gateway.typed import Json, extension, socket_address, typed

HEALTH_PATH = "/healthz"


def listener(options: GatewayOptions) -> Json:
    """Where clients come in."""
    chain: Json = {"filters": [_connection_manager(options)]}
    if options.tls_certificate_path:
        chain["transport_socket"] = secrets.downstream(options)
    return {
        "name": "hms",
        "address": socket_address(options.listen_host, options.listen_port),
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        "filter_chains": [chain],
    }


def _connection_manager(options: GatewayOptions) -> Json:
    return extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="hms",
        codec_type="AUTO",
        server_name="hms",
        **_identity_of_the_caller(options),
        **_hygiene(options),
        access_log=access_log() if options.access_log else [],
        local_reply_config=local_replies(),
        route_config=route_configuration(options),
        http_filters=http_filters(options),
    )


def _identity_of_the_caller(options: GatewayOptions) -> Json:
    return {
        # The peer is the client (or the last of the trusted hops): what a client writes into
        # x-forwarded-for stays to the left of the truth, and x-envoy-external-address is the truth.
        "use_remote_address": True,
        "xff_num_trusted_hops": options.trusted_proxy_hops,
        # No address counts as internal, so that x-envoy-* headers of a client are always dropped.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            # The id stays as it is: no trace decision is written into it.
            "typed_config": typed(
                "extensions.request_id.uuid.v3.UuidRequestIdConfig", pack_trace_reason=False
            )
        },
    }


def _hygiene(options: GatewayOptions) -> dict[str, Any]:
    return {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "max_request_headers_kb": options.max_header_kilobytes,
        "common_http_protocol_options": {
            "idle_timeout": "300s",
            "max_headers_count": 100,
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 128,
            "initial_stream_window_size": 256 * 1024,
            "initial_connection_window_size": 1024 * 1024,
            # A malformed request ends its own stream, not the other calls of the connection.
            "override_stream_error_on_invalid_http_message": True,
            "connection_keepalive": {"interval": "60s", "timeout": "10s"},
        },
        "request_headers_timeout": "10s",
        "request_timeout": f"{_request_seconds(options)}s",
        "stream_idle_timeout": "120s",
        "drain_timeout": "10s",
    }


def _request_seconds(options: GatewayOptions) -> int:
    """How long a request may take to arrive. Envoy has one time for all: that of the longest upload."""
    uploads = [m for m in rules.methods() if rules.is_upload(m)]
    return max([120, *(rules.upload_seconds(m, options.max_timeout_ms) for m in uploads)])


def http_filters(options: GatewayOptions) -> list[Json]:
    """What each request passes on its way in; replies pass the same in the opposite order."""
    files = options.files
    return [
        extension("envoy.filters.http.cors", "extensions.filters.http.cors.v3.Cors"),
        extension(
            "envoy.filters.http.health_check",
            "extensions.filters.http.health_check.v3.HealthCheck",
            pass_through_mode=False,
            headers=[{"name": ":path", "string_match": {"exact": HEALTH_PATH}}],
            cluster_min_healthy_percentages={CLUSTER: {"value": 1}},
        ),
        # Behind health checks, which are never limited, and before anything that costs work.
        *limit_filters(options),
        extension("envoy.filters.http.grpc_web", "extensions.filters.http.grpc_web.v3.GrpcWeb"),
        # For REST alone (the routes of gRPC switch it off): the guard needs the body as a whole.
        extension(
            BUFFER_FILTER,
            "extensions.filters.http.buffer.v3.Buffer",
            max_request_bytes=options.max_request_bytes,
        ),
        extension(
            GUARD_FILTER,
            "extensions.filters.http.lua.v3.Lua",
            default_source_code={"filename": str(files.guard)},
        ),
        extension(
            TRANSCODER_FILTER,
            "extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
            proto_descriptor=str(files.descriptors),
            services=[s.full_name for s in rules.services()],
            print_options={
                "preserve_proto_field_names": True,
                "always_print_primitive_fields": True,
            },
            convert_grpc_status=True,
            query_param_unescape_plus=True,
            request_validation_options={
                "reject_unknown_method": True,
                "reject_unknown_query_parameters": True,
                "reject_binding_body_field_collisions": True,
            },
            max_request_body_size=options.max_request_bytes,
            max_response_body_size=options.max_response_bytes,
        ),
        extension(
            "hms.gateway.status",
            "extensions.filters.http.lua.v3.Lua",
            default_source_code={"filename": str(files.status)},
        ),
        extension(
            "envoy.filters.http.router",
            "extensions.filters.http.router.v3.Router",
            suppress_envoy_headers=True,
        ),
    ]
