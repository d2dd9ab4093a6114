"""One flush: several statements travel to PostgreSQL in one round trip (libpq pipeline mode).

psycopg's own pipeline makes and describes a cursor for each statement; every call of the server takes
this way (docs/decisions/0004-hand-driven-pipeline.md).
"""

from __future__ import annotations

import collections
import select
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat

from hms_server import errors
from hms_server.database import faults
from hms_server.database.pool import Connection
from hms_server.database.queries import Query

_TEXT = PyFormat.TEXT
_OK = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_READ = select.POLLIN
_READ_WRITE = select.POLLIN | select.POLLOUT


class Command(NamedTuple):
    """A statement to send: a prepared query with its values, or plain SQL without any."""

    query: Query | None
    values: Sequence[Any]
    sql: bytes = b""


class Result:
    """What one statement returned."""

    __slots__ = ("_rows", "raw")

    def __init__(self, raw: pq.abc.PGresult, transformer: Any) -> None:
        self.raw = raw
        self._rows: list[Any] = []
        if raw.ntuples:
            transformer.set_pgresult(raw)
            self._rows = transformer.load_rows(0, raw.ntuples, _row_maker(raw))
            # The connection keeps the transformer, and must not keep a patient's rows with it.
            transformer.set_pgresult(None)

    @property
    def rows(self) -> list[Any]:
        """Rows as named tuples."""
        return self._rows

    @property
    def affected(self) -> int:
        """How many rows the command changed."""
        return self.raw.command_tuples or 0


_row_makers: dict[tuple[bytes, ...], Callable[[Sequence[Any]], Any]] = {}


def _row_maker(raw: pq.abc.PGresult) -> Callable[[Sequence[Any]], Any]:
    names = tuple(raw.fname(i) or b"" for i in range(raw.nfields))
    maker = _row_makers.get(names)
    if maker is None:
        row = collections.namedtuple("Row", [n.decode() for n in names], rename=True)  # type: ignore[misc]  # noqa: PYI024 - columns are known at run time
        maker = _row_makers.setdefault(names, row._make)
    return maker


def run(connection: Connection, commands: Sequence[Command], seconds: float) -> list[Result]:
    """Sends `commands` and one sync, waits at most `seconds`, and returns the queries' results.

    Raises a domain error (see faults.translate) for the first statement that failed; the
    transaction is then aborted. The connection is marked broken where its state is not certain.
    """
    pgconn = connection.pgconn
    transformer = connection.transformer
    fresh: list[bytes] = []
    kept: list[bool] = []  # per result: whether a caller waits for it
    try:
        for query, values, sql in commands:
            if query is None:
                pgconn.send_query_params(sql, None)
            else:
                name = query.prepared_name
                if name not in connection.prepared and name not in fresh:
                    pgconn.send_prepare(name, query.sql)
                    fresh.append(name)
                    kept.append(False)
                pgconn.send_query_prepared(name, transformer.dump_sequence(values, [_TEXT] * len(values)))
            kept.append(query is not None)
        pgconn.pipeline_sync()
        raw = _collect(pgconn, len(kept), seconds)
    except psycopg.OperationalError:
        connection.broken = True
        raise errors.Unavailable(
            "The database went away during the call: try again with the same request_id.",
            retry_seconds=1,
        ) from None
    except psycopg.DataError as error:
        # A value that cannot be sent (a NUL byte): nothing was executed, but the pipeline is open.
        connection.broken = True
        raise errors.InvalidArgument(
            "A value of the request cannot be stored: text must not hold NUL bytes."
        ) from error
    except BaseException:
        connection.broken = True
        raise
    for result in raw:
        if result.status not in _OK:
            if fresh:
                # Which of them were prepared is not known: start afresh.
                connection.broken = True
            if result.status == pq.ExecStatus.PIPELINE_ABORTED:
                continue
            raise faults.translate(result)
    connection.prepared.update(fresh)
    return [Result(r, transformer) for r, wanted in zip(raw, kept, strict=True) if wanted]


def _collect(pgconn: pq.abc.PGconn, expected: int, seconds: float) -> list[pq.abc.PGresult]:
    poller = select.poll()
    poller.register(pgconn.socket, _READ_WRITE if pgconn.flush() else _READ)
    results: list[pq.abc.PGresult] = []
    while True:
        while pgconn.is_busy():
            events = poller.poll(seconds * 1000)
            if not events:
                raise psycopg.OperationalError("the database did not answer in time")
            pgconn.consume_input()
            if not pgconn.flush():
                poller.modify(pgconn.socket, _READ)
        result = pgconn.get_result()
        if result is None:
            if pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError("the connection is lost")
            continue
        if result.status == _SYNC:
            if len(results) < expected:
                raise psycopg.OperationalError("the pipeline lost a result")
            return results
        if result.status == pq.ExecStatus.FATAL_ERROR and pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        results.append(result)
