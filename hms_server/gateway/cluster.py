"""The servers behind the gateway, and when one of them is not asked."""

from __future__ import annotations

from hms_server.gateway import secrets
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.typed import Json, socket_address, typed

CLUSTER = "hms"


def upstream_cluster(options: GatewayOptions) -> Json:
    """One cluster: every address that the host name resolves to, over HTTP/2."""
    cluster: Json = {
        "name": CLUSTER,
        # A name may stand for many servers (a headless Kubernetes service) and change while we run.
        "type": "STRICT_DNS",
        "dns_lookup_family": "ALL",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {
            # With (nearly) no server healthy, ask all of them rather than none: a health check that
            # met one process in its shutdown says nothing about those that share its port.
            "healthy_panic_threshold": {"value": 10},
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={
                    "http2_protocol_options": {
                        "max_concurrent_streams": options.streams_per_connection,
                        "connection_keepalive": {"interval": "30s", "timeout": "5s"},
                    }
                },
                common_http_protocol_options={
                    "idle_timeout": "300s",
                    # New connections now and then, so that a restarted server gets its share.
                    "max_requests_per_connection": 20000,
                },
            )
        },
        "load_assignment": {
            "cluster_name": CLUSTER,
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": {"address": socket_address(options.grpc_host, options.grpc_port)}}
                    ]
                }
            ],
        },
        "health_checks": [
            {
                "grpc_health_check": {},
                "timeout": "1s",
                "interval": "2s",
                "no_traffic_interval": "2s",
                "unhealthy_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                # A fresh connection each time meets any of the processes that share the port.
                "reuse_connection": False,
            }
        ],
        # Only what happens on the wire counts. A status UNAVAILABLE or a deadline that a caller set
        # too short must not take a server out of service.
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 5,
            "enforcing_consecutive_local_origin_failure": 100,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "2s",
            "base_ejection_time": "5s",
            "max_ejection_time": "30s",
            "max_ejection_percent": 50,
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 512,
                    "max_pending_requests": 1024,
                    "max_requests": 4096,
                    "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
                }
            ]
        },
    }
    if options.upstream_ca_path:
        cluster["transport_socket"] = secrets.upstream(options)
    return cluster
