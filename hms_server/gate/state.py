"""What the gate must know of a caller, as PostgreSQL has it."""

from __future__ import annotations

import dataclasses

from hms_server.context import NO_LIMITS, CallLimits


@dataclasses.dataclass(frozen=True, slots=True)
class GateState:
    """The present versions of tenant and user, and whether the session stands."""

    tenant_permission_version: int
    tenant_row_version: int
    tenant_state: str  # ACTIVE, SUSPENDED, ERASING, ERASED
    user_permission_version: int
    user_state: str  # ACTIVE, DISABLED
    session_active: bool
    # Tier without prefix ("SEARCH"): calls, seconds; in place of the tier's default
    rate_limits: dict[str, tuple[int, int]]
    call_limits: CallLimits = NO_LIMITS
