"""Drives unary gRPC calls with h2load, which needs little CPU of its own; a Python client would be the
bottleneck.

One h2load sends one body, so several run at once, each with the request of another patient. What it
counts as success is HTTP's 200: whether the calls succeeded as gRPC calls has to be asked elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError
from hms_server.devstack.ports import LOCALHOST
from hms_server.supervise import launch_command

_DONE = re.compile(r"requests: (\d+) total, .*?(\d+) succeeded, (\d+) failed, (\d+) errored")
# Calls under way at once in each h2load: four h2loads keep a server of four threads busy.
STREAMS = 4
_LONGEST_SECONDS = 600


class Load(NamedTuple):
    """One round: how many calls, and how long they took together."""

    calls: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


def check_installed() -> None:
    """Raises BenchError with the way to install it where there is no h2load."""
    if shutil.which("h2load") is None:
        raise BenchError("hot_path needs h2load: apt-get install nghttp2-client")


def frame(message: bytes) -> bytes:
    """A message as gRPC sends it: uncompressed, with its length before it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def run(port: int, path: str, messages: Sequence[bytes], calls: int, token: str) -> Load:
    """Sends `calls` calls, shared by as many h2loads as there are messages; BenchError if any fails."""
    each = max(1, calls // len(messages))
    headers = ["content-type: application/grpc", "te: trailers", f"authorization: Bearer {token}"]
    options = [part for header in headers for part in ("-H", header)]
    with tempfile.TemporaryDirectory(prefix="hms-h2load-") as folder:
        commands = []
        for number, message in enumerate(messages):
            body = Path(folder) / str(number)
            body.write_bytes(frame(message))
            shape = ("-n", str(each), "-c", "1", "-m", str(STREAMS), "-t", "1", "-d", str(body))
            commands.append(["h2load", *shape, *options, f"http://{LOCALHOST}:{port}{path}"])
        started = time.monotonic()
        running = [
            subprocess.Popen(
                launch_command(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            for command in commands
        ]
        printed = [process.communicate(timeout=_LONGEST_SECONDS)[0] for process in running]
        seconds = time.monotonic() - started
    for text in printed:
        check(text, each)
    return Load(each * len(messages), seconds)


def check(printed: str, calls: int) -> None:
    """Raises BenchError unless h2load says that every call was answered."""
    found = _DONE.search(printed)
    if found is None or [int(number) for number in found.groups()] != [calls, calls, 0, 0]:
        line = found[0] if found else (printed.strip().splitlines() or ["it printed nothing"])[-1]
        raise BenchError(f"h2load: not every call was answered: {line}")
