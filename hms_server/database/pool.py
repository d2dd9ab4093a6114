"""The connection pool: explicit sizes, a hand-out check that costs no round trip, and metrics."""

from __future__ import annotations

import select
from typing import Any

import orjson
import psycopg
import psycopg_pool
from psycopg.adapt import Transformer
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader

from hms_server import clock, errors
from hms_server.config import Settings
from hms_server.telemetry import metrics

_FRESH_SECONDS = 0.05


class Connection(psycopg.Connection[Any]):
    """A connection that stays in libpq pipeline mode and knows what it has prepared."""

    prepared: set[bytes]
    # finds dumpers and loaders once for a connection, not once a flush
    transformer: Any
    released: float = 0.0  # on clock.monotonic()
    # the tenant-free reason why it must not be used again
    broken: bool = False


def _configure(connection: Connection) -> None:
    connection.prepared = set()
    connection.adapters.register_loader("uuid", TextLoader)
    set_json_loads(orjson.loads, connection)
    connection.transformer = Transformer(connection)
    connection.pgconn.nonblocking = 1
    connection.pgconn.enter_pipeline_mode()


def _is_usable(connection: Connection) -> bool:
    """Whether the server still holds its end of an idle connection.

    A socket that can be read holds either the end of the stream or a notice that the server is going:
    either way the connection is of no use. This costs one system call, no round trip, and none where
    the connection was in use a moment ago.
    """
    if clock.monotonic() - connection.released < _FRESH_SECONDS:
        return True
    readable, _, _ = select.select([connection.pgconn.socket], [], [], 0)
    return not readable


class Pool:
    """A psycopg pool for one role. Opened on purpose, after the worker process has started."""

    def __init__(self, url: str, settings: Settings, name: str = "app", size: int = 0) -> None:
        self.name = name
        self.wait_seconds = settings.pool_wait_seconds
        # What a statement may take where a transaction does not set less, or more.
        self.statement_timeout_seconds = settings.statement_timeout_seconds
        most = size or settings.pool_size
        timeout_ms = round(self.statement_timeout_seconds * 1000)
        self._pool: psycopg_pool.ConnectionPool[Connection] = psycopg_pool.ConnectionPool(
            url,
            connection_class=Connection,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": 5,
                "options": f"-c TimeZone=UTC -c statement_timeout={timeout_ms}",
                "application_name": f"hms-{name}",
            },
            min_size=min(settings.pool_min, most),
            max_size=most,
            max_idle=settings.pool_idle_seconds,
            max_lifetime=settings.pool_lifetime_seconds,
            timeout=settings.pool_wait_seconds,
            # Attempts back off from 1 s, doubling. Given up early, they begin anew with the next call: a
            # database that was away for a minute is found again within seconds.
            reconnect_timeout=3,
            configure=_configure,
            open=False,
            name=f"hms-{name}",
        )
        metrics.watch_pool(name, self.statistics)
        self.waited = metrics.time_tally(metrics.POOL_WAIT.labels(name)).observe

    def open(self) -> None:
        """Starts filling the pool; does not wait for the database."""
        self._pool.open()

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close()

    def statistics(self) -> dict[str, int]:
        """Numbers of the pool: pool_size, pool_available, requests_waiting, ..."""
        return self._pool.get_stats()

    def acquire(self, seconds: float) -> Connection:
        """A checked connection; raises Unavailable when none is free within `seconds`."""
        # Not the pool's own `check`: that sleeps a second, then two, after each connection it finds dead,
        # so that a quiet server would refuse its first calls after the database was restarted.
        deadline = clock.monotonic() + min(seconds, self.wait_seconds)
        try:
            while True:
                connection = self._pool.getconn(timeout=max(deadline - clock.monotonic(), 0.001))
                if _is_usable(connection):
                    return connection
                connection.broken = True
                self.release(connection)
        except psycopg_pool.PoolTimeout:
            metrics.POOL_TIMEOUTS.labels(self.name).inc()
            raise errors.Unavailable(
                "No database connection became free in time: try again.", retry_seconds=1
            ) from None
        except (psycopg_pool.PoolClosed, psycopg.OperationalError):
            raise errors.Unavailable("The database is away: try again.", retry_seconds=1) from None

    def release(self, connection: Connection) -> None:
        """Gives a connection back; one that is broken is closed and replaced."""
        if connection.broken:
            connection.pgconn.finish()
        connection.released = clock.monotonic()
        self._pool.putconn(connection)
