"""Erases a suspended tenant: every row but its audit, in batches, so that a killed erasure goes on.

What is kept and why: docs/decisions/0016-erasure-keeps-the-audit.md. The state ERASING comes first and is
committed; each batch commits its deletions together with their number; the certificate comes last, in the
transaction that finds nothing left.
"""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Callable
from typing import Any

import psycopg
import redis

from hms_server.errors import ConfigError
from hms_server.keyring import Keyring
from hms_server.offboarding import catalog, certificate, export, rows, tenant, traces
from hms_server.offboarding.tenant import LeavingTenant
from hms_server.policy import load_policies

COMMAND = "hms tenant erase"
KEPT = "kept for the time that the law asks for (45 CFR 164.316, 164.528); ids and names of users, no records"
# What a call may go on for beyond its deadline: the statement that is cancelled.
_MARGIN_SECONDS = 60
_LOCK = "SELECT pg_try_advisory_lock(hashtext('hms tenant erase'), hashtext(%s))"
_BEGIN = """
INSERT INTO tenant_erasure (tenant_id, operator, export_sha256, audit_retention_years)
SELECT %(tenant)s, %(operator)s, %(sha256)s,
       (SELECT s.audit_retention_years FROM tenant_setting s WHERE s.tenant_id = %(tenant)s)
"""
# Asked with the tenant's row locked: a hold needs that row by its foreign key.
_HOLDS = "SELECT count(*) FROM legal_hold WHERE tenant_id = %s AND release_time IS NULL"
# The next permission version makes every token of the tenant stale, for whatever may still hold one.
_STATE = """
UPDATE tenant SET state = %s, version = version + 1, update_time = now(),
  permission_version = permission_version + 1
WHERE id = %s RETURNING version
"""
_TOMBSTONE = "UPDATE tenant SET display_name = '', rate_limits = '{}' WHERE id = %s"
_ERASURE = """
SELECT operator, export_sha256, removed, certificate,
       to_char(begin_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM tenant_erasure WHERE tenant_id = %s
"""
_END = "UPDATE tenant_erasure SET end_time = now(), certificate = %s WHERE tenant_id = %s"


def quiet_seconds(usual_seconds: float) -> float:
    """How long after a suspension a call of before may still be at work: the longest deadline, and more.

    `usual_seconds` is the servers' HMS_STATEMENT_TIMEOUT_SECONDS, the deadline of methods without their own.
    """
    own = max(policy.deadline_seconds for policy in load_policies().values())
    return max(own, usual_seconds) + _MARGIN_SECONDS


class Erasure:
    """Erases tenants. `connection` is the owner's, in autocommit; `batch` rows go in one transaction."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        shared: redis.Redis,
        queued: redis.Redis,
        keys: Keyring,
        *,
        usual_seconds: float,
        tell: Callable[[str], None],
        batch: int = 5000,
    ) -> None:
        self._connection = connection
        self._shared = shared
        self._queued = queued
        self._keys = keys
        self._quiet = datetime.timedelta(seconds=quiet_seconds(usual_seconds))
        self._tell = tell
        self._batch = batch

    def run(self, code: str, *, operator: str, exported: pathlib.Path | None) -> bytes:
        """Erases the tenant of that code, or goes on with it; returns the certificate.

        `exported` is the folder of its export, None where none is wanted. An erased tenant's certificate is
        returned again. Raises ConfigError where the tenant may not be erased, psycopg.Error and
        redis.RedisError where it has to be run again.
        """
        leaving = tenant.find(self._connection, code)
        taken = self._connection.execute(_LOCK, [leaving.id]).fetchone()
        if taken is None or not taken[0]:
            raise ConfigError(f"another command is erasing {code} at present")
        self._begin(code, operator, exported)
        tables = catalog.tables(self._connection)
        keys = catalog.references(self._connection)
        ordered = catalog.erased_in_order(tables, keys)
        while True:
            for table in ordered:
                gone = rows.delete(self._connection, table, keys, leaving.id, self._batch)
                if gone:
                    self._tell(f"{table.name}: {gone} rows")
            dropped = traces.drop(self._shared, self._queued, leaving.id)
            text = self._end(code, ordered, [table.name for table in tables if table.is_kept], dropped)
            if text is not None:
                return text

    def _begin(self, code: str, operator: str, exported: pathlib.Path | None) -> None:
        with self._connection.transaction():
            leaving = tenant.find(self._connection, code, lock=True)
            if leaving.state == "ERASED":
                return
            row = self._connection.execute(_HOLDS, [leaving.id]).fetchone()
            if row is not None and row[0]:
                raise ConfigError(
                    f"{row[0]} legal hold{'s' if row[0] > 1 else ''} on {code}: nothing of it is erased"
                    " before all are released (ListTenantLegalHolds)"
                )
            if leaving.state == "ERASING":
                return
            if leaving.state != "SUSPENDED":
                raise ConfigError(f"{code} is {leaving.state}: only a suspended tenant is erased")
            sha256 = self._check_time_and_export(leaving, exported)
            self._connection.execute(_BEGIN, {"tenant": leaving.id, "operator": operator, "sha256": sha256})
            self._change(leaving, "ERASING", operator, "ERASURE_BEGUN")

    def _check_time_and_export(self, leaving: LeavingTenant, exported: pathlib.Path | None) -> str | None:
        """The export's digest. Calls that were let in before the suspension must have ended by then."""
        quiet = leaving.update_time + self._quiet
        row = self._connection.execute("SELECT now() > %s", [quiet]).fetchone()
        if row is None or not row[0]:
            raise ConfigError(
                f"{leaving.code} was suspended or changed a moment ago, and calls that began before may still"
                f" write: come back after {quiet:%H:%M:%S %Z}"
            )
        if exported is None:
            return None
        found = export.read_back(self._connection, exported, leaving)
        if datetime.datetime.fromisoformat(found.manifest["snapshot_time"]) <= quiet:
            raise ConfigError(
                f"{exported} was exported while calls from before the suspension could still write:"
                " export again"
            )
        return found.sha256

    def _change(self, leaving: LeavingTenant, state: str, operator: str, reason: str) -> None:
        row = self._connection.execute(_STATE, [state, leaving.id]).fetchone()
        if row is None:
            raise ConfigError(f"{leaving.code} is gone")
        tenant.record(
            self._connection,
            leaving,
            command=COMMAND,
            action="DELETE",
            operator=operator,
            reason=reason,
            new_version=row[0],
        )

    def _end(
        self, code: str, ordered: list[catalog.Table], kept: list[str], dropped: traces.Dropped
    ) -> bytes | None:
        """The certificate; None where a row came in meanwhile."""
        with self._connection.transaction():
            # Every insert for the tenant holds a key-share lock on this row by its foreign key.
            leaving = tenant.find(self._connection, code, lock=True)
            row = self._connection.execute(_ERASURE, [leaving.id]).fetchone()
            if row is None:
                raise ConfigError(f"{code} is {leaving.state}, but no erasure of it is known")
            operator, sha256, removed, stored, begin_time, end_time = row
            if leaving.state == "ERASED":
                return bytes(stored.encode())
            if any(rows.exist(self._connection, table, leaving.id) for table in ordered):
                return None
            text = certificate.issue(
                {
                    "tenant_id": leaving.id,
                    "tenant_code": leaving.code,
                    "operator": operator,
                    "begin_time": begin_time,
                    "end_time": end_time,
                    "export_manifest_sha256": sha256,
                    "removed": {table.name: removed.get(table.name, 0) for table in ordered},
                    "kept": dict.fromkeys(kept, KEPT),
                    # in the run that ended it
                    "redis_keys": dropped.keys,
                    "redis_jobs": dropped.jobs,
                },
                self._keys.certificate[0],
            )
            self._change(leaving, "ERASED", operator, "ERASED")
            self._connection.execute(_TOMBSTONE, [leaving.id])
            self._connection.execute(_END, [text.decode(), leaving.id])
        return text
