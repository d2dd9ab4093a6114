"""The yardstick of `hot_path`: a bare grpcio server that answers with the bytes it was sent.

`python -m bench.echo PORT THREADS` serves until it is ended. No interceptor, no serializer, no metadata:
what is left is what grpcio itself costs in Python.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import grpc

from bench.errors import BenchError
from hms_server.devstack.ports import LOCALHOST, answers
from hms_server.supervise import launch_command

SERVICE, METHOD = "bench.Echo", "Echo"
PATH = f"/{SERVICE}/{METHOD}"
_SECONDS_TO_START = 20.0


def _echo(request: bytes, _context: Any) -> bytes:
    return request


def serve(port: int, threads: int) -> None:
    """Serves on this machine until the process ends."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(threads))
    handlers: dict[str, Any] = {METHOD: grpc.unary_unary_rpc_method_handler(_echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"{LOCALHOST}:{port}")
    server.start()
    server.wait_for_termination()


@contextlib.contextmanager
def running(port: int, threads: int) -> Iterator[int]:
    """An echo server in a process of its own; answers its process id."""
    command = launch_command([sys.executable, "-m", "bench.echo", str(port), str(threads)])
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _SECONDS_TO_START
            while not answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError("the echo server does not start")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
