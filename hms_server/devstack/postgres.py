"""PostgreSQL of the stack: makes its data folder once, and says how the server is run.

The programs of the wheel are driven directly (initdb, postgres): over TCP on this machine only,
with passwords, with the settings below. No socket file is made: its path would be too long in deep
folders.
"""

import contextlib
import locale
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hms_server.devstack.account import Account, choose_account
from hms_server.devstack.binaries import check_runs, postgres_folder
from hms_server.devstack.errors import StackError
from hms_server.devstack.ports import LOCALHOST
from hms_server.supervise import ChildSpec, launch_command

SUPERUSER = "postgres"
DATABASE = "hms"
VERSION = "18"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOCALHOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    # What was acknowledged is never lost, on a developer's machine either.
    "fsync": "on",
    "synchronous_commit": "on",
    # The statements are short: compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    # The log must hold no patient's data: no key values of a violated constraint, no statements.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class Postgres:
    """One server: where its data lies, where it listens, how it is set."""

    folder: Path
    data: Path
    port: int
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "postgres"

    def prepare(self, superuser_password: str) -> tuple[ChildSpec, bool]:
        """Make the data folder if there is none; answers how to run it, and whether it is new."""
        programs = postgres_folder()
        check_runs("PostgreSQL", programs / "postgres")
        self._remove_unfinished()
        account = choose_account(programs / "postgres", self.folder, self.data)
        is_new = not self.data.exists()
        if is_new:
            self._make_data(programs / "initdb", account, superuser_password)
        else:
            self._check_data()
        return self._spec(programs / "postgres", account), is_new

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id takes connections, by its own status file."""
        lines = self._status_lines()
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def url(self, user: str, password: str, database: str = DATABASE) -> str:
        """The address of a database for one account."""
        return f"postgresql://{user}:{password}@{LOCALHOST}:{self.port}/{database}"

    def forget_status(self) -> None:
        """Drop the status file of a server that is gone: its process id may be another's by now."""
        with contextlib.suppress(FileNotFoundError):
            (self.data / "postmaster.pid").unlink()

    def _status_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _spec(self, program: Path, account: Account) -> ChildSpec:
        settings = {**SETTINGS, **self.settings, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ChildSpec(
            name=self.name,
            argv=(str(program), "-D", str(self.data), *options),
            environment=_environment(),
            log_path=self.log,
            # Fast shutdown: roll open transactions back, write a checkpoint, end.
            stop_signal=signal.SIGINT,
            stop_timeout=60.0,
            # Not SIGKILL: the server must end its own processes.
            death_signal=signal.SIGINT,
            launcher_options=account.options,
        )

    @property
    def _unfinished(self) -> Path:
        return self.data.with_name(self.data.name + ".new")

    def _remove_unfinished(self) -> None:
        """Clear away what an interrupted first start left: it never held anything."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.data.rmdir()

    def _check_data(self) -> None:
        version = self.data / "PG_VERSION"
        if not version.exists() or not (self.data / "global" / "pg_control").exists():
            raise StackError(
                f"{self.data} is not a complete PostgreSQL data folder: delete it to begin anew, "
                "or put a complete copy there."
            )
        found = version.read_text(encoding="ascii").strip()
        if found != VERSION:
            raise StackError(
                f"{self.data} is of PostgreSQL {found}, this is {VERSION}: carry the data over "
                "with pg_dump of that version, or delete the folder to begin anew."
            )

    def _make_data(self, initdb: Path, account: Account, password: str) -> None:
        """Run initdb elsewhere and rename: a folder of the final name is always complete."""
        staging = self._unfinished
        staging.mkdir(mode=0o700)
        password_file = staging / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password, encoding="utf-8")
        account.own(password_file)
        account.own(staging)
        made = staging / "data"
        command = launch_command(
            [
                str(initdb),
                f"--pgdata={made}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                f"--locale={_system_locale()}",
            ],
            account.options,
        )
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=_environment(),
        )
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines()
            reason = next(
                (line for line in lines if "rror:" in line or "FATAL" in line),
                lines[-1] if lines else "",
            )
            raise StackError(f"PostgreSQL's data folder could not be made in {self.folder}: {reason}")
        # The folder that holds it is root's: the account could not rename it there itself.
        made.rename(self.data)
        shutil.rmtree(staging)


def _environment() -> dict[str, str]:
    """PostgreSQL's environment: no PG* setting of the user's shell may change what is made."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "HMS_"))}


def _system_locale() -> str:
    """What the C library is told; rules of letters and order come from PostgreSQL's own C.UTF-8."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"
