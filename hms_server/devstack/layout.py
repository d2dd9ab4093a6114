"""Where a stack keeps its things: one folder, `.hms/` of the checkout or a temporary one."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.errors import StackError
from hms_server.supervise import bound_log

# A new PostgreSQL data folder with its first write-ahead log, the logs, and some room to work.
ROOM_NEEDED = 500 * 1024 * 1024
# A log of an earlier run larger than this is put aside before the next one begins.
LARGEST_LOG = 10 * 1024 * 1024

PRIVATE = 0o700


@dataclass(frozen=True)
class Layout:
    """The paths below one data folder."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "postgres"

    @property
    def audit_postgres(self) -> Path:
        """The data folder of the audit's own PostgreSQL, where there is one."""
        return self.folder / "postgres-audit"

    @property
    def redis(self) -> Path:
        """Redis's working folder; it keeps no data there."""
        return self.folder / "redis"

    @property
    def envoy(self) -> Path:
        """Envoy's rendered configuration."""
        return self.folder / "envoy"

    @property
    def metrics(self) -> Path:
        """The shared counters of the processes (prometheus_client's multiprocess folder)."""
        return self.folder / "metrics"

    @property
    def mail(self) -> Path:
        """The mails that were sent, a file for each."""
        return self.folder / "mail"

    @property
    def logs(self) -> Path:
        """What every process prints."""
        return self.folder / "logs"

    @property
    def passwords(self) -> Path:
        """The passwords made for this stack."""
        return self.folder / "secrets.json"

    @property
    def keys(self) -> Path:
        """The key ring of `hms keys create`."""
        return self.folder / "keys.json"

    @property
    def audit_archive(self) -> Path:
        """Months of the audit that were dropped from the database."""
        return self.folder / "audit-archive"

    @property
    def anchors(self) -> Path:
        """The audit's daily anchors, outside the database."""
        return self.folder / "audit-anchors.jsonl"

    @property
    def environment(self) -> Path:
        """The shell file with the addresses, there while the stack runs."""
        return self.folder / "env"

    @property
    def processes(self) -> Path:
        """Which processes are running, to find what a killed run left behind."""
        return self.folder / "processes.json"

    @property
    def done(self) -> Path:
        """Which steps of the first start are done."""
        return self.folder / "done.json"

    @property
    def lock(self) -> Path:
        """Locked while a stack runs on this folder."""
        return self.folder / "lock"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def make_folder(self) -> None:
        """Make the folder, private unless PostgreSQL's user must pass through it (account.py)."""
        try:
            self.folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(f"{self.folder} cannot be made: {error.strerror}.") from error

    def prepare(self) -> None:
        """Make the folders in it, and empty those whose content belongs to one run."""
        try:
            for folder in (
                self.redis,
                self.envoy,
                self.logs,
                self.metrics,
                self.mail,
                self.audit_archive,
            ):
                folder.mkdir(mode=PRIVATE, exist_ok=True)
            # Counters of processes that are gone would be added to those of this run.
            for leftover in self.metrics.iterdir():
                leftover.unlink()
            for log in self.logs.glob("*.log"):
                bound_log(log, LARGEST_LOG)
        except PermissionError as error:
            raise StackError(
                f"{error.filename} cannot be written by this user: start as the user who made "
                f"{self.folder}, or give that folder away with chown."
            ) from error
        free = shutil.disk_usage(self.folder).free
        if free < ROOM_NEEDED:
            raise StackError(
                f"Only {free // 2**20} MB are free on the disk of {self.folder}, "
                f"{ROOM_NEEDED // 2**20} MB are needed: free some room and start again."
            )


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only from its first byte on."""
    staged = path.with_name(path.name + ".new")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    staged.replace(path)


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, to show why its process did not start."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])
