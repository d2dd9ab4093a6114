"""What stands in Redis: every key names its hospital, holds nothing of another and ends by itself."""

from __future__ import annotations

import json
import re
import zlib

import grpc
import pytest
import redis

from hms.identity.v1 import identity_pb2
from hms_server import ids
from hms_server.jobs import queues
from hms_server.workers import audit as audit_jobs
from hms_server.workers import parts as worker_parts
from tests.contract.strangers import Hospital, Refused, methods, over_grpc
from tests.fix_client import colleague, eventually

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# A hospital's keys: its id is the hash tag.
OF_A_TENANT = re.compile(rf"hms:(?:nudge:audit:|dead:audit:)?\{{({UUID})\}}(:.*)?")
# Those of callers who are not known: an address, or a digest of the account that is tried.
OF_STRANGERS = re.compile(r"hms:\{(login:[0-9a-f]{32}|[0-9a-f.:/]+|unix)\}:.*")
PASSWORD = "guessed-at-random"


@pytest.fixture(scope="module")
def server(stack):
    with redis.Redis.from_url(stack.env["HMS_REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="module")
def busy(stack, ours, theirs):
    """Two hospitals that have used every RPC, and strangers who tried to get in."""
    hospitals = [Hospital(over_grpc(caller)) for caller in (ours, theirs)]
    for full in hospitals:
        for method in methods():
            try:
                full.answered(method)
            except Refused:
                continue
    for n in range(30):
        for tenant in (ours.tenant, ids.uuid7(), f"nobody{n}", "x" * 500):
            request = identity_pb2.LoginRequest(tenant=tenant, username=f"u{n}", password=PASSWORD)
            with pytest.raises(grpc.RpcError):
                ours.identity.Login(
                    request, metadata=(("x-forwarded-for", f"2001:db8:{n:x}::1"),), timeout=20
                )
    return ours, theirs


def keys(server, pattern):
    return [key.decode() for key in server.scan_iter(pattern, count=1000)]


def test_every_key_names_its_hospital_or_is_of_a_stranger_and_ends_by_itself(server, busy):
    ours, theirs = busy
    for caller in busy:
        # What is kept for a minute was made long ago, perhaps: somebody new comes.
        newcomer = colleague(caller, "ADMIN")
        newcomer.create_patient()
        newcomer.close()
    found = keys(server, "hms:*")
    named = {tenant for tenant in (OF_A_TENANT.fullmatch(key) for key in found) if tenant}
    assert {ours.tenant_id, theirs.tenant_id} <= {match[1] for match in named}
    assert [key for key in found if not (OF_A_TENANT.fullmatch(key) or OF_STRANGERS.fullmatch(key))] == []
    kinds = {match[2].split(":")[1] for match in named if match[2]}
    assert {"t", "u", "s", "c", "cache"} <= kinds, kinds
    # A key that went away meanwhile has -2; one without an end has -1.
    assert [key for key in found if server.ttl(key) == -1] == []


def test_no_key_of_a_hospital_holds_anything_of_another(server, busy):
    ours, theirs = busy
    for mine, other in ((ours, theirs), (theirs, ours)):
        for key in keys(server, f"hms:{{{mine.tenant_id}}}*"):
            text = key + read(server, key)
            assert other.tenant_id not in text, key
            assert other.user_id not in text, key


def read(server, key):
    kind = server.type(key)
    if kind == b"hash":
        return str(server.hgetall(key))
    return str(server.get(key)) if kind == b"string" else ""


def test_what_stands_for_a_stranger_does_not_grow_with_what_he_sends(server, busy):
    """Names that are made up are digests of one length."""
    strangers = [key for key in keys(server, "hms:*") if OF_STRANGERS.fullmatch(key)]
    assert strangers
    assert max(map(len, strangers)) < 120
    assert not [key for key in strangers if "nobody" in key or "xxxx" in key]


def test_every_job_names_one_hospital_alone(server, busy, stack):
    ours, _ = busy
    with redis.Redis.from_url(stack.env.get("HMS_QUEUE_REDIS_URL") or stack.env["HMS_REDIS_URL"]) as client:

        def jobs():
            ours.events()
            found = []
            for key in keys(client, "rq:job:*"):
                data = client.hget(key, "data") if client.type(key) == b"hash" else None
                if data:
                    found.append(json.loads(zlib.decompress(data)))
            return found

        found = eventually(jobs)
    for function, _, arguments, named in found:
        assert function in JOBS.values(), "a new job: teach this module what it may name"
        assert (len(arguments), named) == (1, {})
        assert re.fullmatch(UUID, arguments[0])


JOBS = {name: value for name, value in vars(queues).items() if name.endswith("_JOB")}


@pytest.fixture
def working(database, parts, settings, monkeypatch):
    """The parts that jobs of a worker find."""
    monkeypatch.setattr(worker_parts, "_installed", [])
    opened = worker_parts.open_parts(
        settings.model_copy(
            update={
                "worker_database_url": database.worker,
                "redis_url": parts.redis.url,
                "keys_file": parts.layout.keys,
            }
        ),
        2,
    )
    worker_parts.install(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", JOBS)
def test_a_job_with_another_hospitals_id_does_nothing_of_the_first(name, working, make_tenant, owner):
    """Every kind of job; a new one must be taught here."""
    job = {"DRAIN_JOB": audit_jobs.drain}[name]
    assert JOBS[name] == f"{job.__module__}.{job.__name__}"
    ours, theirs = make_tenant(), make_tenant()
    for tenant in (ours, theirs):
        owner.execute(
            "INSERT INTO audit_outbox (tenant_id, event_id, record, outcome) VALUES (%s, %s, '{}', 'OK')",
            [tenant.id, ids.uuid7()],
        )
    before = outbox(owner, ours)
    for payload in ("", "*", "%", f"{theirs.id}' OR '1'='1", f"{ours.id},{theirs.id}", "0", None, [ours.id]):
        with pytest.raises(Exception):  # noqa: B017 - whatever it is, nothing was done
            job(payload)
        assert outbox(owner, ours) == before
    job(theirs.id)
    assert outbox(owner, ours) == before
    assert outbox(owner, theirs) == []


def outbox(owner, tenant):
    return owner.execute("SELECT event_id FROM audit_outbox WHERE tenant_id = %s", [tenant.id]).fetchall()
