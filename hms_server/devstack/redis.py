"""Redis of the stack: on this machine only, with a password, keeping nothing on disk.

Nothing in Redis is the only copy: gate, cache and queues are rebuilt from PostgreSQL. So it is not
persisted here, and each restart is a small proof of that rule. When memory is full it refuses
writes rather than drop a queue (`noeviction`).
"""

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.binaries import check_runs, redis_program
from hms_server.devstack.layout import write_private
from hms_server.devstack.ports import LOCALHOST
from hms_server.supervise import ChildSpec


@dataclass(frozen=True)
class Redis:
    """One server: where it works and where it listens."""

    folder: Path
    port: int
    password: str
    log: Path

    @property
    def url(self) -> str:
        """The address with its password."""
        return f"redis://:{self.password}@{LOCALHOST}:{self.port}/0"

    def prepare(self) -> ChildSpec:
        """Write the settings (a file, since the list of processes shows arguments to everybody)."""
        program = redis_program()
        check_runs("Redis", program)
        settings = self.folder / "redis.conf"
        write_private(
            settings,
            "\n".join(
                (
                    f"bind {LOCALHOST}",
                    f"port {self.port}",
                    f"requirepass {self.password}",
                    f'dir "{self.folder}"',
                    "daemonize no",
                    'save ""',
                    "appendonly no",
                    "maxmemory-policy noeviction",
                    "",
                )
            ),
        )
        return ChildSpec(
            name="redis",
            argv=(str(program), str(settings)),
            environment=dict(os.environ),
            log_path=self.log,
            stop_signal=signal.SIGTERM,
            stop_timeout=10.0,
        )

    def is_ready(self) -> bool:
        """Whether the server answers to its password."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection((LOCALHOST, self.port), timeout=2.0) as connection,
        ):
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer:
                received = connection.recv(1024)
                if not received:
                    return False
                answer += received
                if answer.startswith(b"-") or b"\r\n-" in answer:
                    return False
            return True
        return False
