"""The only way to a connection: `tenant_transaction` and `platform_transaction`.

Statements are queued and travel together: BEGIN, tenant, caller, time-out, statements and COMMIT of a read
are one flush; a write is two (what the rules need, then the changes). `SET LOCAL` ends with the
transaction, so a pooled connection never remembers a tenant or a caller.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import psycopg

from hms_server import clock, errors, ids
from hms_server.context import Call
from hms_server.database import audited
from hms_server.database.pipeline import Command, Result, run
from hms_server.database.pool import Connection, Pool
from hms_server.database.queries import Query

_BEGIN = Command(None, (), b"BEGIN")
_COMMIT = Command(None, (), b"COMMIT")
_ROLLBACK = Command(None, (), b"ROLLBACK")
_PLATFORM = Command(None, (), b"SET LOCAL app.platform = 'on'")
# A deadline this near to the usual time-out, which every connection has, is not worth a statement.
_NEAR_SECONDS = 1.0
# How much longer than the statement time-out the client waits before it gives the connection up.
_GRACE_SECONDS = 2.0


class Pending:
    """The result of a queued statement, there after the flush that carries it."""

    __slots__ = ("_result",)

    def __init__(self) -> None:
        self._result: Result | None = None

    def _resolve(self, result: Result) -> None:
        self._result = result

    @property
    def rows(self) -> list[Any]:
        """Rows as named tuples."""
        return self._there().rows

    @property
    def first(self) -> Any | None:
        """The first row, None where there is none."""
        rows = self._there().rows
        return rows[0] if rows else None

    @property
    def affected(self) -> int:
        """How many rows were changed."""
        return self._there().affected

    def _there(self) -> Result:
        if self._result is None:
            raise RuntimeError("the statement has not been flushed yet")
        return self._result


class Transaction:
    """A transaction. `queue` collects; `flush` sends; the end of the `with` block commits, or rolls back."""

    def __init__(
        self,
        pool: Pool,
        scope: tuple[Command, ...],
        tenant_id: str,
        call: Call | None,
        ceiling: float,
    ) -> None:
        self._pool = pool
        self._scope = scope
        self._tenant_id = tenant_id
        self._call = call
        self._ceiling = ceiling
        self._connection: Connection | None = None
        self._audits = False
        self._queued: list[tuple[Command, Pending | None]] = []

    def enter(self, tenant_id: str) -> None:
        """What is queued from here on acts in `tenant_id`. For platform transactions alone, which
        make or change a tenant and keep their own records in one commit."""
        if _PLATFORM not in self._scope:
            raise RuntimeError("only a platform transaction changes over to another tenant")
        self._queued.append((_tenant_scope(tenant_id), None))
        self._tenant_id = tenant_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.rollback()
            return
        try:
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def queue(self, query: Query, **parameters: Any) -> Pending:
        """Queues a statement. `:tenant_id` and the audit parameters are filled here."""
        parameters["tenant_id"] = self._tenant_id
        if query.audited:
            call = self._audited_call()
            parameters.setdefault("audit_entity_id", "")
            parameters["audit_event_id"] = audited.new_event_id()
            parameters["audit_record"] = audited.record(call, entity_id=parameters.pop("audit_entity_id"))
            parameters.setdefault("audit_must_find", False)
        pending = Pending()
        values = [parameters[name] for name in query.parameters]
        self._queued.append((Command(query, values), pending))
        return pending

    def audit(
        self,
        *,
        patient_ids: Sequence[str] = (),
        entities: Sequence[audited.AuditedEntities] = (),
        outcome: str = "OK",
        **fields: Any,
    ) -> None:
        """Queues an audit record of the call: entity_id, old_version, new_version, reason, ..."""
        call = self._audited_call()
        if entities:
            fields["entities"] = entities
        self.queue(
            audited.INSERT,
            audit_event_id=audited.new_event_id(),
            audit_record=audited.record(call, **fields),
            patient_ids=list(patient_ids),
            outcome=outcome,
        )

    def audit_many(self, events: Sequence[audited.AuditedEvent]) -> None:
        """Queues several audit records of the call in one statement: one for each patient of a bundle."""
        if events:
            self.queue(
                audited.INSERT_MANY,
                audit_record=audited.record(self._audited_call()),
                audit_events=audited.many(events),
            )

    def _audited_call(self) -> Call:
        if self._call is None:
            raise RuntimeError("an audited statement needs the call it belongs to")
        self._call.audited = self._audits = True
        return self._call

    def flush(self) -> None:
        """Sends what is queued; afterwards the Pendings hold their results."""
        self._send(())

    def commit(self) -> None:
        """Sends what is queued together with COMMIT, and gives the connection back."""
        if self._connection is None and not self._queued:
            return
        self._send((_COMMIT,))
        self._release()

    def rollback(self) -> None:
        """Undoes what was sent and gives the connection back."""
        self._queued.clear()
        if self._call is not None and self._audits:
            # What was to be recorded is undone, too: a refusal is then recorded on its own.
            self._call.audited = False
        if self._connection is None:
            return
        try:
            if not self._connection.broken:
                run(self._connection, (_ROLLBACK,), _GRACE_SECONDS)
        except errors.HmsError:
            self._connection.broken = True
        finally:
            self._release()

    def _send(self, last: tuple[Command, ...]) -> None:
        seconds = self._remaining()
        commands = [command for command, _ in self._queued]
        pendings = [pending for _, pending in self._queued if pending is not None]
        self._queued = []
        lead: tuple[Command, ...] = ()
        if self._connection is None:
            started = clock.monotonic()
            self._connection = self._pool.acquire(seconds)
            self._pool.waited(clock.monotonic() - started)
            lead = (_BEGIN, *self._scope)
            usual = self._pool.statement_timeout_seconds
            if not usual - _NEAR_SECONDS <= seconds <= usual:
                timeout = b"SET LOCAL statement_timeout = %d" % max(1, int(seconds * 1000))
                lead += (Command(None, (), timeout),)
        connection = self._connection
        call = self._call
        if call is not None:
            call.on_cancel(lambda: _stop(connection))
        try:
            results = run(connection, (*lead, *commands, *last), seconds + _GRACE_SECONDS)
        except errors.DeadlineExceeded:
            if call is not None and call.cancelled:
                raise errors.Cancelled("The caller went away.") from None
            raise
        finally:
            if call is not None:
                call.on_cancel(None)
        for pending, result in zip(pendings, results, strict=True):
            pending._resolve(result)

    def _remaining(self) -> float:
        return self._call.remaining(self._ceiling) if self._call is not None else self._ceiling

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)


def _tenant_scope(tenant_id: str) -> Command:
    if not ids.is_uuid(tenant_id):
        # SET binds no parameters: only a validated UUID is ever rendered into it.
        raise errors.InvalidArgument("The tenant id is not a UUID.")
    return Command(None, (), b"SET LOCAL app.tenant_id = '%s'" % tenant_id.encode())


def _user_scope(user_id: str) -> Command:
    if not ids.is_uuid(user_id):
        raise errors.InvalidArgument("The caller's id is not a UUID.")
    return Command(None, (), b"SET LOCAL app.user_id = '%s'" % user_id.encode())


def _departments_scope(departments: frozenset[str]) -> Command:
    if not all(map(ids.is_uuid, departments)):
        raise errors.InvalidArgument("A department's id is not a UUID.")
    # Never empty text, which would be no limit: without departments it is "{}", and nothing is seen.
    listed = ",".join(sorted(departments)).encode()
    return Command(None, (), b"SET LOCAL app.departments = '{%s}'" % listed)


def _stop(connection: Connection) -> None:
    """Cancels the running statement. The connection is not used again: the cancel request could
    otherwise reach the next caller's statement."""
    connection.broken = True
    cancel = connection.pgconn.get_cancel()

    def ask() -> None:
        with contextlib.suppress(psycopg.OperationalError):
            cancel.cancel()

    # Asking waits for an answer, and a server that hangs gives none: not in the edge's own thread.
    threading.Thread(target=ask, name="hms-cancel", daemon=True).start()


class Database:
    """Hands out transactions of one role."""

    def __init__(self, pool: Pool, statement_timeout_seconds: float) -> None:
        self._pool = pool
        self._ceiling = statement_timeout_seconds

    def tenant_transaction(self, tenant_id: str, call: Call | None = None) -> Transaction:
        """A transaction that sees one tenant, for a `with` block: see Transaction.

        `call` bounds it by the caller's deadline, stops it when the caller goes away, is what audit
        records are made of, and says who looks: without a caller no restricted patient is seen
        (migrations/0014_break_glass.sql), and one who is limited to departments sees what belongs to those
        (migrations/0017_limited_roles.sql). Raises Unavailable, DeadlineExceeded, Cancelled and what
        faults.translate makes.
        """
        scope: tuple[Command, ...] = (_tenant_scope(tenant_id),)
        if call is not None and call.principal is not None:
            scope += (_user_scope(call.principal.user_id),)
            if call.departments is not None:
                scope += (_departments_scope(call.departments),)
        return Transaction(self._pool, scope, tenant_id, call, self._ceiling)

    def platform_transaction(self, call: Call | None = None) -> Transaction:
        """A transaction for what has no tenant yet: login look-up, drains, tenant administration.

        It sees every row of `tenant`; of tenant tables it sees the platform's own until it enters
        another tenant.
        """
        scope = (_PLATFORM, _tenant_scope(ids.PLATFORM_TENANT))
        return Transaction(self._pool, scope, ids.PLATFORM_TENANT, call, self._ceiling)
