"""Turns what PostgreSQL says into a domain error that is safe to show.

Server messages can quote values of rows; none of their text goes further than this file.
SQLSTATE codes: PostgreSQL documentation, appendix A.
"""

from __future__ import annotations

from psycopg import pq

from hms_server import errors


class UniqueViolation(errors.AlreadyExists):
    """A unique or primary key stands already; `constraint` says which. Rooms give it a message."""

    def __init__(self, constraint: str) -> None:
        super().__init__("A record with this key stands already.")
        self.constraint = constraint


class ForeignKeyViolation(errors.FailedPrecondition):
    """A record that is pointed to is missing, or is still pointed to; `constraint` says which.

    "department_deleted" and the like: one pointed to is deleted (migrations/0023_directory_links.sql).
    """

    def __init__(self, constraint: str) -> None:
        what, _, fault = constraint.rpartition("_")
        if fault == "deleted":
            super().__init__(
                f"The {what} that is named here is deleted: choose another one, or undelete it.",
                reason="DIRECTORY_ENTRY_DELETED",
            )
        else:
            super().__init__("The record is in use, or points to one that does not exist.")
        self.constraint = constraint


class ExclusionViolation(errors.Aborted):
    """Another row is in the way of an exclusion constraint; `constraint` says which. Rooms give it a
    message."""

    def __init__(self, constraint: str) -> None:
        super().__init__("Another record is in the way: read again and decide.")
        self.constraint = constraint


def translate(result: pq.abc.PGresult) -> errors.HmsError:
    """The domain error for a failed result."""
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    constraint = (result.error_field(pq.DiagnosticField.CONSTRAINT_NAME) or b"").decode()
    if state == "23505":
        if constraint == "request_record_pkey":
            return errors.ConcurrentChange("The same request is being served: try again.")
        return UniqueViolation(constraint)
    if state == "23503":
        return ForeignKeyViolation(constraint)
    if state == "23P01":
        return ExclusionViolation(constraint)
    if state in ("40001", "40P01", "55P03"):
        return errors.ConcurrentChange("Two changes met: try again.")
    if state == "57014":
        return errors.DeadlineExceeded("The deadline passed before the work was done.")
    if state in ("57P01", "57P02", "57P03", "53300", "25006") or state.startswith("08"):
        return errors.Unavailable(
            "The database is away: try again with the same request_id.", retry_seconds=1
        )
    if state in ("53100", "53200", "53000"):
        return errors.Unavailable("The database is out of room: tell the operator.")
    if state in ("22021", "22P05"):
        return errors.InvalidArgument("Text of the request cannot be stored: it must be UTF-8.")
    return DatabaseFault(state, constraint)


class DatabaseFault(errors.Internal):
    """A statement failed in a way that no caller can help: logged by its SQLSTATE."""

    def __init__(self, state: str, constraint: str) -> None:
        super().__init__("The database refused a statement.")
        self.state = state
        self.constraint = constraint

    def __str__(self) -> str:
        return f"SQLSTATE {self.state} {self.constraint}".strip()
