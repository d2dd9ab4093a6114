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
from hms_server.workers import mail as mail_jobs
from hms_server.workers import parts as worker_parts
from hms_server.workers.measured import JobFailed
from tests.contract.strangers import Hospital, Refused, methods, over_grpc
from tests.fix_client import colleague, eventually

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# A hospital's keys: its id is the hash tag.
OF_A_TENANT = re.compile(rf"hms:(?:(?:nudge|dead):(?:audit|mail):)?\{{({UUID})\}}(:.*)?")
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
                "smtp_url": "smtp://127.0.0.1:1",
                "mail_from": "hms@hospital.example",
                "front_end_url": "https://hms.example",
            }
        ),
        2,
    )
    worker_parts.install(opened)
    yield opened
    opened.close()


TAUGHT = {
    "DRAIN_JOB": audit_jobs.drain,
    "MAIL_JOB": mail_jobs.deliver,
    "MAIL_AGAIN_JOB": mail_jobs.again,
}


def test_every_kind_of_job_is_tried_from_another_hospital():
    assert {name: f"{job.__module__}.{job.__name__}" for name, job in TAUGHT.items()} == JOBS


@pytest.fixture
def waiting(working, make_tenant, owner):
    """Two hospitals, each with work of every kind that waits."""
    return Waiting(owner, make_tenant(), make_tenant())


class Waiting:
    def __init__(self, owner, ours, theirs):
        self._owner = owner
        self.ours, self.theirs = ours.id, theirs.id
        self.failed = {}
        for tenant_id in (self.ours, self.theirs):
            owner.execute(
                "INSERT INTO audit_outbox (tenant_id, event_id, record, outcome) VALUES (%s, %s, '{}', 'OK')",
                [tenant_id, ids.uuid7()],
            )
            self.failed[tenant_id] = self._mail(tenant_id, "FAILED")
            self._mail(tenant_id, "WAITING")

    def _mail(self, tenant_id, state):
        """A mail of a kind that nobody knows: it fails before a server is asked."""
        mail_id = ids.uuid7()
        self._owner.execute(
            "INSERT INTO mail (tenant_id, id, recipient, kind, entity_id, address, detail, state, end_time)"
            " VALUES (%s, %s, 1, 'NONE', %s, 'a@hospital.example', '{}', %s,"
            "         CASE WHEN %s = 'FAILED' THEN now() END)",
            [tenant_id, mail_id, ids.uuid7(), state, state],
        )
        return mail_id

    def of(self, tenant_id):
        """What waits of a hospital, and what became of it."""
        records = self._owner.execute(
            "SELECT event_id::text FROM audit_outbox WHERE tenant_id = %s", [tenant_id]
        ).fetchall()
        mails = self._owner.execute(
            "SELECT id::text, state, tries, reply FROM mail WHERE tenant_id = %s ORDER BY id", [tenant_id]
        ).fetchall()
        return records, mails


NONSENSE = ("", "*", "%", "{theirs}' OR '1'='1", "{ours},{theirs}", "0", None, ["{ours}"])


@pytest.mark.parametrize("name", ["DRAIN_JOB", "MAIL_JOB"])
def test_a_job_with_another_hospitals_id_does_nothing_of_the_first(name, waiting):
    job, before = TAUGHT[name], waiting.of(waiting.ours)
    of_theirs = waiting.of(waiting.theirs)
    for payload in NONSENSE:
        filled = payload.format(**vars(waiting)) if isinstance(payload, str) else payload
        with pytest.raises(Exception):  # noqa: B017 - whatever it is, nothing was done
            job(filled)
        assert waiting.of(waiting.ours) == before
    job(waiting.theirs)
    assert waiting.of(waiting.ours) == before
    assert waiting.of(waiting.theirs) != of_theirs


def test_a_mail_is_not_tried_again_in_another_hospitals_name(waiting):
    ours, theirs = waiting.of(waiting.ours), waiting.of(waiting.theirs)
    mail_jobs.again(waiting.theirs, waiting.failed[waiting.ours], 1)
    assert (waiting.of(waiting.ours), waiting.of(waiting.theirs)) == (ours, theirs)
    with pytest.raises(JobFailed):
        mail_jobs.again(waiting.theirs, waiting.failed[waiting.theirs], 1)
    assert waiting.of(waiting.ours) == ours
    assert waiting.of(waiting.theirs) != theirs
