"""Every metric of HMS, in one file. Labels never hold a tenant, a user or anything of a patient.

Several processes of one host share HMS_METRICS_DIR (prometheus_client's multiprocess mode); the
`hms metrics` process merges them. What a process counts at every call is kept in tallies (tally.py) that
telemetry/sampler.py hands over, and its gauges are sampled there.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from hms_server.telemetry.tally import LevelTally, Tally, TimeTally

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

REQUESTS = Counter("hms_requests_total", "Calls by method and gRPC status code.", ["method", "code"])
LATENCY = Histogram("hms_request_seconds", "Time in the server, by method.", ["method"], buckets=_SECONDS)
IN_FLIGHT = Gauge("hms_requests_in_flight", "Calls being served.", multiprocess_mode="livesum")

GATE = Counter("hms_gate_total", "Gate outcomes: pass, miss, stale, revoked, limited, ...", ["outcome"])
GATE_FALLBACK = Counter("hms_gate_fallback_total", "Calls gated without Redis, by what decided.", ["part"])
CACHE = Counter("hms_cache_total", "Cache look-ups by cache and result.", ["cache", "result"])
CALLS_REFUSED = Counter("hms_calls_refused_total", "Calls over a hospital's own limits, by which.", ["why"])
DENIALS_UNTOLD = Counter(
    "hms_denials_untold_total", "Denials like others of the same minute, which leave no audit record."
)
BREAK_GLASS = Counter("hms_break_glass_total", "Grants to see a patient that were taken by break-glass.")
MAILS = Counter(
    "hms_mails_total",
    "Mails by kind and what became of a try: sent, put_off, away, failed, nobody (to send it to).",
    ["kind", "result"],
)
DENIALS_UNAUDITED = Counter("hms_denials_unaudited_total", "Denials whose audit record could not be stored.")

POOL_SIZE = Gauge(
    "hms_pool_connections",
    "Connections by pool and state.",
    ["pool", "state"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "hms_pool_waiting", "Calls that wait for a connection.", ["pool"], multiprocess_mode="livesum"
)
POOL_WAIT = Histogram(
    "hms_pool_wait_seconds", "Time until a connection was handed out.", ["pool"], buckets=_SECONDS
)
POOL_TIMEOUTS = Counter("hms_pool_timeouts_total", "Calls that got no connection.", ["pool"])

DRAINED = Counter("hms_audit_drained_total", "Audit events moved from the outbox into the chain.")
REPEATED = Counter(
    "hms_audit_repeated_total",
    "Audit records that were events in the separate audit database already, of a batch that was repeated.",
)
AUDIT_MONTHS_DROPPED = Counter(
    "hms_audit_months_dropped_total", "Months of the audit that were archived and dropped."
)
NUDGES_LOST = Counter(
    "hms_audit_nudges_lost_total",
    "Drain requests (of mails, too) that did not reach Redis; the sweep finds them.",
)
JOB_SECONDS = Histogram(
    "hms_job_seconds",
    "Time of a background job, by job and result.",
    ["job", "result"],
    buckets=(*_SECONDS, 60.0, 300.0),
)

_tallies: list[Tally | TimeTally | LevelTally] = []


def tally(counter: Counter) -> Tally:
    """A tally for a counter that every call adds to; made once for each, at start-up."""
    made = Tally(counter)
    _tallies.append(made)
    return made


def level_tally(gauge: Gauge) -> LevelTally:
    """The same for a gauge."""
    made = LevelTally(gauge)
    _tallies.append(made)
    return made


def time_tally(histogram: Histogram) -> TimeTally:
    """The same for a histogram of seconds."""
    made = TimeTally(histogram, _SECONDS)
    _tallies.append(made)
    return made


def hand_over() -> None:
    """Hands over what the tallies hold. One thread at a time: the sampler's, or the last of a process."""
    for each in tuple(_tallies):
        each.hand_over()


_pools: dict[str, Callable[[], dict[str, int]]] = {}


def watch_pool(name: str, statistics: Callable[[], dict[str, int]]) -> None:
    """Registers a pool whose numbers the sampler reads."""
    _pools[name] = statistics


def sample() -> None:
    """Sets the gauges of this process from what is registered."""
    for name, statistics in _pools.items():
        numbers = statistics()
        size, idle = numbers.get("pool_size", 0), numbers.get("pool_available", 0)
        POOL_SIZE.labels(name, "idle").set(idle)
        POOL_SIZE.labels(name, "used").set(size - idle)
        POOL_WAITING.labels(name).set(numbers.get("requests_waiting", 0))
