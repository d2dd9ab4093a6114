"""What is known of a call while it is served. Made by the edge, read by everyone below it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hms_server import clock, errors


@dataclasses.dataclass(frozen=True, slots=True)
class MethodPolicy:
    """A method's own policy, as its proto options say (hms.policy.v1.MethodPolicy)."""

    full_name: str  # "hms.patient.v1.PatientService/GetPatient"
    access: str  # PUBLIC, AUTHENTICATED, PERMISSION
    permission: str
    rate_tier: str  # EXEMPT, DEFAULT, LOGIN, SEARCH, BULK, IMPORT, BOOKING
    audit_action: str  # NONE, CREATE, READ, UPDATE, DELETE, EXECUTE
    replica_ok: bool
    entity_type: str
    platform_only: bool
    deadline_seconds: int = 0  # 0: the usual ceiling
    max_stream_bytes: int = 0  # more than 0 if and only if the client streams
    before_password_change: bool = False  # also for callers who must change their password first
    weight: int = 1  # how many calls of the tier one call counts for
    department_scoped: bool = False  # also for callers who hold the permission in some departments only


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the verified claims of an access token."""

    tenant_id: str
    user_id: str
    username: str
    session_id: str
    permission_version: int
    # None: an administrator's token carries no list; the gate's answer tells
    permissions: frozenset[str] | None
    expire_time: float  # Unix seconds
    must_change_password: bool = False  # before anything else
    # what is held in some departments only: permission, ids of the departments
    limited: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)


class CallLimits(NamedTuple):
    """A hospital's own limits of its calls; 0 leaves one to the server."""

    concurrent_calls: int = 0  # under way at once, in one server process
    max_request_bytes: int = 0
    max_stream_bytes: int = 0


NO_LIMITS = CallLimits()


class Call:
    """One call on its way through the chain."""

    __slots__ = (
        "_hook",
        "_lock",
        "address",
        "audited",
        "cancelled",
        "deadline",
        "departments",
        "limits",
        "mailed",
        "metadata",
        "method",
        "principal",
        "request",
        "request_id",
        "response_headers",
        "trace_id",
        "transport",
    )

    def __init__(
        self,
        method: MethodPolicy,
        metadata: dict[str, str],
        request: Any = None,
        address: str = "",
        transport: Any = None,
    ) -> None:
        self.method = method
        self.metadata = metadata
        # bytes until it is parsed, then the message; of a client's stream: an iterator of its messages
        self.request = request
        self.transport = transport
        self.address = address
        self.request_id = ""
        self.trace_id = ""
        self.principal: Principal | None = None
        self.deadline: float | None = None  # on clock.monotonic()
        # of whoever holds the method's permission in these departments only; None: in the whole hospital
        self.departments: frozenset[str] | None = None
        self.cancelled = False
        # the hospital's own limits, where it has some
        self.limits: CallLimits | None = None
        # whether an audit record of this call is stored or on its way in a transaction
        self.audited = False
        # whether it has asked for mail, and that is committed
        self.mailed = False
        self.response_headers: list[tuple[str, str]] = []
        self._hook: Callable[[], None] | None = None
        self._lock = threading.Lock()

    @property
    def caller(self) -> Principal:
        """The caller; raises Unauthenticated where there is none."""
        if self.principal is None:
            raise errors.Unauthenticated("This method needs a token: log in first.")
        return self.principal

    @property
    def tenant_id(self) -> str:
        """The caller's tenant; raises Unauthenticated where there is no caller."""
        return self.caller.tenant_id

    def remaining(self, ceiling: float) -> float:
        """Seconds until the deadline, at most `ceiling`; raises when the call is over."""
        if self.cancelled:
            raise errors.Cancelled("The caller went away.")
        if self.deadline is None:
            return ceiling
        left = self.deadline - clock.monotonic()
        if left <= 0:
            raise errors.DeadlineExceeded("The deadline passed before the work was done.")
        return min(left, ceiling)

    def on_cancel(self, hook: Callable[[], None] | None) -> None:
        """Sets what stops the work that is under way; None when it is done.

        Raises Cancelled where the caller went away before there was anything to stop.
        """
        with self._lock:
            if hook is not None and self.cancelled:
                raise errors.Cancelled("The caller went away.")
            self._hook = hook

    def cancel(self) -> None:
        """The caller is gone: marks the call and stops what is under way."""
        with self._lock:
            self.cancelled = True
            if self._hook is not None:
                self._hook()
