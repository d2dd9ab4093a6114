"""The merged metrics of a whole host: right with several processes, and every one of them set."""

from __future__ import annotations

import re

import grpc

from hms.patient.v1 import patient_pb2 as pb
from tests.fix_client import eventually, http


def scrape(stack):
    text = http("GET", stack.env["HMS_METRICS_URL"]).body.decode()
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+(?:\{.*\})?) ([-+.0-9eE]+|NaN|\+Inf)", line)
        if match:
            found[match[1]] = float(match[2])
    return found


def total(metrics, name, **labels):
    return sum(
        value
        for key, value in metrics.items()
        if key.partition("{")[0] == name and all(f'{k}="{v}"' in key for k, v in labels.items())
    )


METHOD = "hms.patient.v1.PatientService/ListPatients"


def test_calls_of_every_server_process_are_counted_once(stack, ours):
    before = total(scrape(stack), "hms_requests_total", method=METHOD, code="OK")
    target = stack.env["HMS_GRPC_TARGET"]
    for _ in range(12):
        # A channel of its own each: the kernel spreads connections over the processes.
        with grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            channel.unary_unary(f"/{METHOD}", lambda m: m.SerializeToString(), lambda b: b)(
                pb.ListPatientsRequest(), metadata=ours.metadata, timeout=10
            )
    eventually(lambda: total(scrape(stack), "hms_requests_total", method=METHOD, code="OK") == before + 12)


def test_every_metric_of_a_running_system_is_set(stack, ours):
    ours.create_patient()
    metrics = eventually(lambda: (m := scrape(stack)) and total(m, "hms_audit_drained_total") and m)
    names = {key.partition("{")[0] for key in metrics}
    assert {
        "hms_requests_total",
        "hms_request_seconds_bucket",
        "hms_requests_in_flight",
        "hms_gate_total",
        "hms_cache_total",
        "hms_pool_connections",
        "hms_pool_waiting",
        "hms_pool_wait_seconds_bucket",
        "hms_audit_drained_total",
        "hms_job_seconds_bucket",
        "hms_outbox_records",
        "hms_outbox_age_seconds",
        "hms_queue_jobs",
        "hms_queue_failed_jobs",
        "hms_redis_up",
        "hms_database_up",
    } <= names
    assert metrics["hms_redis_up"] == metrics["hms_database_up"] == 1
    assert total(metrics, "hms_pool_connections", pool="app") >= 2


def test_no_metric_names_a_tenant_or_a_user(stack, ours):
    text = http("GET", stack.env["HMS_METRICS_URL"]).body.decode()
    assert not [t for t in (ours.tenant, ours.tenant_id, ours.user_id, ours.username) if f'"{t}"' in text]
