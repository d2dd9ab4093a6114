"""Runs one Lua script on a connection that each thread keeps for itself.

A call of redis-py's `Script` spends about half of its CPU on taking a connection from the pool, options and
observability (docs/decisions/0006-gate-connection.md). Here the pool is asked once per thread; packing,
parsing and authentication stay redis-py's. Time-outs are the kernel's (SO_RCVTIMEO): Python's own cost a
poll before every send and every receive, and each lets another thread in.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from typing import Any

import hiredis
import redis


class ScriptRunner:
    """A script and its connections. Raises redis.RedisError like redis-py does."""

    def __init__(self, client: redis.Redis, script: str) -> None:
        self._pool = client.connection_pool
        self._script = script.encode()
        self._digest = hashlib.sha1(self._script, usedforsecurity=False).hexdigest()
        self._kept = threading.local()

    def __call__(self, keys: list[str], arguments: list[int | str]) -> list[int]:
        """The script's answer; a connection that Redis closed is replaced once."""
        command = ("EVALSHA", self._digest, len(keys), *keys, *arguments)
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]
        kept = getattr(self._kept, "connection", None)
        if kept is not None:
            try:
                return self._ask(kept, packed, command)
            except redis.TimeoutError:
                self._drop(kept)
                raise
            except redis.ConnectionError:
                # Redis was restarted, perhaps: once more on a new connection.
                self._drop(kept)
        fresh = self._pool.get_connection()
        _leave_timeouts_to_the_kernel(fresh)
        self._kept.connection = fresh
        try:
            return self._ask(fresh, packed, command)
        except (redis.ConnectionError, redis.TimeoutError):
            self._drop(fresh)
            raise

    def _ask(self, connection: Any, packed: bytes, command: tuple[Any, ...]) -> list[int]:
        connection.send_packed_command([packed], check_health=False)
        try:
            answer: list[int] = _receive(connection)
        except redis.exceptions.NoScriptError:
            text = hiredis.pack_command(("EVAL", self._script, *command[2:]))
            connection.send_packed_command([text], check_health=False)
            answer = _receive(connection)
        return answer

    def _drop(self, connection: Any) -> None:
        self._kept.connection = None
        connection.disconnect()
        self._pool.release(connection)


def _leave_timeouts_to_the_kernel(connection: Any) -> None:
    seconds = connection.socket_timeout
    sock: socket.socket | None = connection._sock
    if not seconds or sock is None:
        return
    timeout = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)


def _receive(connection: Any) -> list[int]:
    try:
        answer: list[int] = connection.read_response()
    except redis.ConnectionError as error:
        # What the kernel says when its time is over.
        if isinstance(error.__context__, BlockingIOError):
            raise redis.TimeoutError("Redis did not answer in time") from None
        raise
    return answer
