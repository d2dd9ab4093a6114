"""Envoy's own rate limit: token buckets that keep a flood from the servers. See GatewayOptions."""

from __future__ import annotations

from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.typed import Json, extension

LIMIT_FILTER = "envoy.filters.http.local_ratelimit"
# Addresses whose buckets are kept; the one that was silent longest makes room for a new one.
_MOST_ADDRESSES = 20_000
# A page that loads fetches many things at once.
_BURST_SECONDS = 2
# Buckets are filled ten times a second.
_FILLS = 10


def limit_filters(options: GatewayOptions) -> list[Json]:
    """The filter, or none where nothing is limited."""
    if not (options.requests_per_second or options.address_requests_per_second):
        return []
    # The bucket of all is needed in any case.
    per_second = options.requests_per_second or 100_000_000
    fields: Json = {}
    if options.address_requests_per_second:
        fields = {
            "descriptors": [
                {
                    # No value: each address gets a bucket of its own.
                    "entries": [{"key": "remote_address"}],
                    "token_bucket": _bucket(options.address_requests_per_second),
                }
            ],
            "max_dynamic_descriptors": _MOST_ADDRESSES,
            "rate_limits": [{"actions": [{"remote_address": {}}]}],
        }
    return [
        extension(
            LIMIT_FILTER,
            "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
            stat_prefix="hms",
            token_bucket=_bucket(per_second),
            filter_enabled=_always(),
            filter_enforced=_always(),
            # The status of gRPC says RESOURCE_EXHAUSTED, not UNAVAILABLE.
            rate_limited_as_resource_exhausted=True,
            **fields,
        )
    ]


def _bucket(per_second: int) -> Json:
    return {
        "max_tokens": per_second * _BURST_SECONDS,
        "tokens_per_fill": max(1, per_second // _FILLS),
        "fill_interval": f"{1 / _FILLS}s" if per_second >= _FILLS else f"{1 / per_second:.3f}s",
    }


def _always() -> Json:
    return {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
