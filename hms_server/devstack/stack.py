"""The whole system on one machine: puts its parts together, starts them in order, stops them.

`scripts/run` starts one on `.hms/`; `--check` and the tests start one on a temporary folder, whole
(`start`) or part by part (`start_postgres`, `start_redis`, ...).
"""

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from hms_server.devstack import mailbox
from hms_server.devstack.commands import Commands, hms
from hms_server.devstack.done import Done
from hms_server.devstack.environment import DEVELOPMENT, PLATFORM_ADMIN, Environment, inherited
from hms_server.devstack.envoy import Envoy, answers_ok
from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import Layout
from hms_server.devstack.leftovers import end_leftovers, lock_folder
from hms_server.devstack.passwords import Passwords, load_or_make
from hms_server.devstack.ports import Ports, answers, check_free, free_ports
from hms_server.devstack.postgres import Postgres
from hms_server.devstack.progress import Progress
from hms_server.devstack.redis import Redis
from hms_server.devstack.running import LOOK_EVERY, SECONDS_TO_START, Running, kind_of
from hms_server.supervise import ChildSpec

SAMPLES = Path(__file__).parents[2] / "samples" / "fhir"


class Stack:
    """One running system, which claims its folder. A `with` block stops it at the end."""

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports | None = None,
        workers: int = 2,
        job_workers: int = 2,
        postgres_settings: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        separate_audit: bool = False,
    ) -> None:
        """`workers` is the number of server processes, as in `scripts/run --workers`. With
        `separate_audit` the audit stands on a PostgreSQL server of its own, on any free port."""
        self.layout = Layout(folder.absolute())
        self.ports = ports or free_ports()
        self._workers = workers
        self._job_workers = job_workers
        self._progress = progress or Progress(None)
        self._lock, passwords = self._claim()
        self.postgres = Postgres(
            folder=self.layout.folder,
            data=self.layout.postgres,
            port=self.ports.postgres,
            log=self.layout.log("postgres"),
            settings=postgres_settings or {},
        )
        self.redis = Redis(self.layout.redis, self.ports.redis, passwords.redis, self.layout.log("redis"))
        self.envoy = Envoy(self.layout.envoy, self.ports, self.layout.log("envoy"))
        self.audit_postgres = self._audit_server(postgres_settings or {}) if separate_audit else None
        self.environment = Environment(
            self.layout, self.ports, passwords, self.postgres, self.redis, self.audit_postgres
        )
        self.commands = Commands(self.environment.set_up(), self.layout.log("commands"))
        self._done = Done(self.layout.done)
        self._running = Running(self.layout, self._progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Use

    @property
    def env(self) -> dict[str, str]:
        """The variables of `.hms/env`, as they are at this moment."""
        return {**self.environment.tools(), **self._running.variable()}

    def pid(self, name: str) -> int:
        """The process id of a part, such as `server-1`, `worker-1`, `redis`."""
        return self._running.pid(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a part a signal; the supervisor starts again what ends. Answers its process id."""
        return self._running.kill(name, number)

    def is_healthy(self) -> bool:
        """Whether every part that was started does its work at this moment."""
        names = self._running.names()
        probes: list[tuple[str, Callable[[], bool]]] = [
            ("postgres", partial(self._postgres_is_ready, self.postgres)),
            ("redis", self.redis.is_ready),
            ("metrics", self._metrics_are_ready),
            ("envoy", self.envoy.is_ready),
            ("mailbox", self._mailbox_is_ready),
            ("server-1", self._servers_are_ready),
        ]
        if self.audit_postgres is not None:
            probes.append((self.audit_postgres.name, partial(self._postgres_is_ready, self.audit_postgres)))
        return all(map(self._running.is_up, names)) and all(
            is_ready() for name, is_ready in probes if name in names
        )

    def wait_healthy(self, timeout: float = SECONDS_TO_START) -> None:
        """Wait until every started part does its work (again)."""
        deadline = time.monotonic() + timeout
        while not self.is_healthy():
            if time.monotonic() > deadline:
                raise StackError(
                    f"The system was not healthy within {timeout:.0f} s: see {self.layout.logs}."
                )
            time.sleep(LOOK_EVERY)

    # Start and stop

    def start(self, *, samples: bool = False, fhir: Sequence[Path] = ()) -> None:
        """Everything, with the demo hospital; `samples` adds the sample data at the first start."""
        self.make_keys()
        self.start_postgres()
        self.start_redis()
        self.prepare_database()
        self.make_platform_admin()
        self.start_processes()
        self.start_envoy()
        self.load_demo()
        if samples:
            self._once(
                "samples",
                "Importing the sample records",
                "import-fhir",
                str(SAMPLES),
                extra=self.environment.sign_in(),
            )
        for path in fhir:
            self._progress.say(f"  Importing {path}")
            self.commands.show("import-fhir", str(path), extra=self.environment.sign_in())
        self._running.check_steady()
        self._running.publish(self.environment.tools())

    def make_keys(self) -> None:
        """The key ring, before there is any data that needs it."""
        if self.layout.keys.exists():
            return
        if self.layout.postgres.exists():
            raise StackError(
                f"{self.layout.keys} is missing, and the data was made with it: put it back, "
                f"or delete {self.layout.folder} to begin anew."
            )
        with self._progress.step("Making keys"):
            self.commands.run("keys", "create", "--development", str(self.layout.keys))

    def start_postgres(self) -> None:
        """PostgreSQL, with a new data folder at the first start."""
        with self._progress.step("Starting PostgreSQL"):
            spec, is_new = self.postgres.prepare(self.environment.passwords.postgres)
            if is_new:
                self._done.forget()
                # Witnesses of data that is gone.
                self.layout.anchors.unlink(missing_ok=True)
                shutil.rmtree(self.layout.audit_archive, ignore_errors=True)
                self.layout.audit_archive.mkdir(mode=0o700)
            self._run_postgres(self.postgres, spec)
        if self.audit_postgres is not None:
            with self._progress.step("Starting the audit's PostgreSQL"):
                spec, _ = self.audit_postgres.prepare(self.environment.passwords.postgres)
                self._run_postgres(self.audit_postgres, spec)

    def _run_postgres(self, server: Postgres, spec: ChildSpec) -> None:
        server.forget_status()
        self._running.start(spec)
        self._running.wait_for(server.name, partial(self._postgres_is_ready, server))

    def start_redis(self) -> None:
        """Redis."""
        with self._progress.step("Starting Redis"):
            self._running.start(self.redis.prepare())
            self._running.wait_for("redis", self.redis.is_ready)

    def prepare_database(self) -> None:
        """Roles, database and tables."""
        with self._progress.step("Preparing the database"):
            self.commands.run("database", "create")
            self.commands.run("migrate")

    def make_platform_admin(self) -> None:
        """Who may create hospitals."""
        self._once(
            "platform-admin",
            "Creating the platform's administrator",
            "platform",
            "create-admin",
            "--username",
            PLATFORM_ADMIN,
            extra={"HMS_BOOTSTRAP_PASSWORD": self.environment.passwords.platform_admin},
        )

    def start_processes(self) -> None:
        """Servers, workers, cron, the metrics endpoint, and the mail server that keeps mails here."""
        servers = [f"server-{number}" for number in range(1, self._workers + 1)]
        workers = [f"worker-{number}" for number in range(1, self._job_workers + 1)]
        with self._progress.step("Starting servers and workers"):
            self._running.start(self._mailbox())
            for name in ("metrics", "cron", *workers, *servers):
                self._running.start(self._service(name))
            self._running.wait_for("mailbox", self._mailbox_is_ready)
            self._running.wait_for("metrics", self._metrics_are_ready)
            for name in (*servers, *workers, "cron"):
                self._running.wait_for(name, partial(self._running.is_up, name))
            self._running.wait_for("server-1", self._servers_are_ready)

    def start_envoy(self) -> None:
        """The gateway."""
        with self._progress.step("Starting the gateway"):
            self._running.start(self.envoy.prepare())
            self._running.wait_for("envoy", self.envoy.is_ready)

    def load_demo(self) -> None:
        """The demo hospital and its administrator."""
        self._once(
            "demo",
            "Creating the demo hospital",
            "demo",
            extra=self.environment.platform_sign_in()
            | {"HMS_BOOTSTRAP_PASSWORD": self.environment.passwords.demo_admin},
        )

    def stop(self) -> None:
        """Stop every process, the gateway first and PostgreSQL last, and give the folder back."""
        self._running.stop()
        self._lock.close()

    # Inside

    def _claim(self) -> tuple[TextIO, Passwords]:
        """Take the folder for this run: no other stack on it, nothing left of a killed one."""
        self.layout.make_folder()
        lock = lock_folder(self.layout)
        try:
            for name in end_leftovers(self.layout):
                self._progress.say(f"  Ended {name}, which a killed run had left behind")
            check_free(self.ports)
            self.layout.prepare()
            return lock, load_or_make(self.layout)
        except BaseException:
            lock.close()
            raise

    def _service(self, name: str) -> ChildSpec:
        kind = kind_of(name)
        is_server = kind == "server"
        return ChildSpec(
            name=name,
            argv=hms("serve" if is_server else kind),
            environment=self.environment.server() if is_server else self.environment.background(),
            log_path=self.layout.log(name),
        )

    def _mailbox(self) -> ChildSpec:
        return ChildSpec(
            name="mailbox",
            argv=(
                sys.executable,
                "-m",
                "hms_server.devstack.mailbox",
                str(self.ports.smtp),
                str(self.layout.mail),
            ),
            environment={**inherited(), **DEVELOPMENT},
            log_path=self.layout.log("mailbox"),
        )

    def _mailbox_is_ready(self) -> bool:
        return mailbox.answers(self.ports.smtp)

    def _postgres_is_ready(self, server: Postgres) -> bool:
        with contextlib.suppress(LookupError):
            return server.is_ready(self._running.pid(server.name))
        return False

    def _audit_server(self, settings: Mapping[str, str]) -> Postgres:
        return Postgres(
            folder=self.layout.folder,
            data=self.layout.audit_postgres,
            port=free_ports().postgres,
            log=self.layout.log("postgres-audit"),
            settings=settings,
            name="postgres-audit",
        )

    def _servers_are_ready(self) -> bool:
        # Asking costs the start of a Python, so it waits until somebody listens.
        return answers(self.ports.grpc) and self.commands.holds("health")

    def _metrics_are_ready(self) -> bool:
        return answers_ok(self.ports.metrics, "/metrics")

    def _once(self, step: str, title: str, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        """Run an `hms` command of the first start, unless it was done on this data already."""
        if self._done.has(step):
            return
        with self._progress.step(title):
            self.commands.run(*arguments, extra=extra)
        self._done.add(step)
