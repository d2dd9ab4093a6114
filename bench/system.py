"""The system that is measured: the real parts on temporary data, and hospitals filled as asked."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import psycopg

from bench import generator, hospitals
from bench.errors import BenchError
from bench.hospitals import Hospital, SignIn
from bench.rows import Owner
from hms_server.devstack.postgres import SUPERUSER
from hms_server.devstack.stack import Stack

HOSPITALS = 5
# How unequal they are: 1,000,000, 176,777, 64,150, 31,250, 17,889 patients.
_EXPONENT = 2.5
SERVERS = 1
JOB_WORKERS = 2
_SECONDS_TO_DRAIN = 300.0

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; the defaults are those of docs/performance.md."""

    rows: int = 1_000_000
    small_rows: int = 10_000
    calls: int = 10_000
    rounds: int = 7
    messages: int = 4
    pages: int = 300
    queries: int = 100
    events: int = 200_000
    encounters: int = 1_000_000
    small_encounters: int = 10_000
    charts: int = 400
    bundles: int = 60
    entries: int = 9_459
    trials: int = 1_000
    turns: int = 50
    seed: int = 1
    processes: int = 2


class System:
    """A running stack, seen by a bench."""

    def __init__(self, stack: Stack, sizes: Sizes, say: Say) -> None:
        self.stack = stack
        self.sizes = sizes
        self.say = say
        self.channel = grpc.insecure_channel(
            stack.env["HMS_GRPC_TARGET"], options=[("grpc.max_receive_message_length", -1)]
        )
        self._filled: dict[int, Hospital] = {}
        self._made = 0

    @property
    def owner_url(self) -> str:
        """PostgreSQL as the owner of the tables."""
        return self.stack.env["HMS_DATABASE_URL"]

    @property
    def _admin_url(self) -> str:
        """The same database as PostgreSQL's superuser."""
        return self.stack.postgres.url(SUPERUSER, self.stack.environment.passwords.postgres)

    @property
    def keys_file(self) -> Path:
        """The key ring of the servers."""
        return Path(self.stack.env["HMS_KEYS_FILE"])

    def platform(self) -> SignIn:
        """The platform's administrator."""
        names = self.stack.environment.platform_sign_in()
        return hospitals.sign_in(self.channel, names["HMS_TENANT"], names["HMS_USER"], names["HMS_PASSWORD"])

    def hospital(self, size: int) -> Hospital:
        """A hospital of that size, beside smaller ones; made when first asked for."""
        if size not in self._filled:
            self._filled[size] = self._fill(size)
        return self._filled[size]

    def empty_hospitals(self, count: int) -> list[Hospital]:
        """New hospitals without patients."""
        platform = self.platform()
        return [self._create(platform, 0, 1)[0] for _ in range(count)]

    def settle(self) -> None:
        """Waits until what came before is done with: the audit is drained, dirty pages are written."""
        self.drained()
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def drained(self) -> None:
        """Waits until the audit outbox is empty."""
        deadline = time.monotonic() + _SECONDS_TO_DRAIN
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            while connection.execute("SELECT 1 FROM audit_outbox LIMIT 1").fetchone():
                if time.monotonic() > deadline:
                    raise BenchError(f"the audit outbox is not drained after {_SECONDS_TO_DRAIN:.0f} s")
                time.sleep(0.1)

    @contextlib.contextmanager
    def logged_statements(self) -> Iterator[None]:
        """PostgreSQL logs every statement meanwhile, without the values."""
        settings = {"log_statement": "all", "log_parameter_max_length": "0"}
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")
            try:
                yield
            finally:
                for name in settings:
                    connection.execute(f"ALTER SYSTEM RESET {name}".encode())
                connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        """Ends the connection."""
        self.channel.close()

    def _fill(self, size: int) -> Hospital:
        platform = self.platform()
        sizes = generator.sizes(size, HOSPITALS, _EXPONENT)
        pieces = generator.pieces(sum(sizes))
        made = [self._create(platform, each, pieces) for each in sizes]
        self.say(f"filling hospitals of {', '.join(f'{each:,}' for each in sizes)} patients")
        seconds = generator.fill(
            self.owner_url,
            [
                generator.Target(hospital.number, Owner(hospital.tenant_id, user_id), hospital.size)
                for hospital, user_id in made
            ],
            seed=self.sizes.seed,
            processes=self.sizes.processes,
            say=self.say,
        )
        self.say(f"filled in {seconds:.0f} s: {sum(sizes) / seconds:,.0f} patients a second")
        self.settle()
        return made[0][0]

    def _create(self, platform: SignIn, size: int, pieces: int) -> tuple[Hospital, str]:
        self._made += 1
        code = f"bench-{self._made}"
        tenant_id, user_id, password = hospitals.create(self.channel, platform, code)
        hospital = Hospital(tenant_id, code, password, size, self.sizes.seed, self._made, pieces)
        return hospital, user_id


@contextlib.contextmanager
def fresh(sizes: Sizes, say: Say, servers: int = SERVERS) -> Iterator[System]:
    """A whole system on temporary data, as scripts/run starts it, but with so many server processes."""
    folder = Path(tempfile.mkdtemp(prefix="hms-bench-"))
    try:
        with Stack(folder, workers=servers, job_workers=JOB_WORKERS) as stack:
            say("starting a system")
            stack.start()
            system = System(stack, sizes, say)
            try:
                yield system
            finally:
                system.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
