"""Runs one Lua script on a connection that each thread keeps for itself.

A call of redis-py's `Script` spends about half of its CPU on taking a connection from the pool, options and
observability (`scripts/bench hot_path`, docs/decisions/0006-gate-connection.md). Here the pool is asked
once per thread; packing, parsing, authentication and time-outs stay redis-py's.
"""

from __future__ import annotations

import hashlib
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
        self._kept.connection = fresh
        try:
            return self._ask(fresh, packed, command)
        except redis.ConnectionError:
            self._drop(fresh)
            raise

    def _ask(self, connection: Any, packed: bytes, command: tuple[Any, ...]) -> list[int]:
        connection.send_packed_command([packed], check_health=False)
        try:
            answer: list[int] = connection.read_response()
        except redis.exceptions.NoScriptError:
            text = hiredis.pack_command(("EVAL", self._script, *command[2:]))
            connection.send_packed_command([text], check_health=False)
            answer = connection.read_response()
        return answer

    def _drop(self, connection: Any) -> None:
        self._kept.connection = None
        connection.disconnect()
        self._pool.release(connection)
