"""Rows of tenants, settings and the directory to their messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.admin.v1 import admin_pb2 as pb
from hms.admin.v1 import settings_pb2
from hms.policy.v1 import policy_pb2
from hms_server.admin.kinds import Kind
from hms_server.context import CallLimits
from hms_server.patient.mapping import timestamp

_TIER = "RATE_TIER_"
_STATE = "TENANT_STATE_"


def tenant(row: Any) -> pb.Tenant:
    """A tenant."""
    return pb.Tenant(
        id=row.id,
        code=row.code,
        display_name=row.display_name,
        state=pb.TenantState.Value(f"{_STATE}{row.state}"),
        rate_limits=[
            pb.RateLimit(
                tier=policy_pb2.RateTier.Value(f"{_TIER}{tier}"),
                limit=calls,
                window_seconds=seconds,
            )
            for tier, (calls, seconds) in sorted(row.rate_limits.items())
        ],
        create_time=row.create_time,
        update_time=row.update_time,
        etag=str(row.version),
        # Not set where nothing is: a tenant is as it was before there were such limits.
        call_limits=pb.CallLimits(**row.call_limits) if row.call_limits else None,
    )


def tenant_state(state: pb.TenantState.ValueType) -> str:
    """A state as the table holds it."""
    return pb.TenantState.Name(state).removeprefix(_STATE)


def rate_limits(limits: Iterable[pb.RateLimit]) -> list[tuple[str, int, int]]:
    """Tier, calls and seconds of each limit."""
    return [
        (policy_pb2.RateTier.Name(each.tier).removeprefix(_TIER), each.limit, each.window_seconds)
        for each in limits
    ]


def call_limits(limits: pb.CallLimits) -> CallLimits:
    """What calls may be at most."""
    return CallLimits(limits.concurrent_calls, limits.max_request_bytes, limits.max_stream_bytes)


def settings(row: Any) -> pb.Settings:
    """A tenant's settings."""
    return pb.Settings(
        time_zone=row.time_zone,
        uhid_prefix=row.uhid_prefix,
        uhid_digits=row.uhid_digits,
        session_seconds=row.session_seconds or 0,
        session_idle_seconds=row.session_idle_seconds or 0,
        password_min_length=row.password_min_length or 0,
        password_history=row.password_history or 0,
        privacy_officer_emails=row.privacy_officer_emails,
        audit_retention_years=row.audit_retention_years or 0,
        working_hours=[settings_pb2.WorkingHours(**each) for each in row.working_hours],
        holidays=[settings_pb2.Holiday(**each) for each in row.holidays],
        languages=row.languages,
        token_prefix=row.token_prefix,
        token_digits=row.token_digits,
        reminder_minutes=row.reminder_minutes,
        update_time=row.update_time,
        etag=str(row.version),
    )


def entry(kind: Kind, row: Any) -> Any:
    """An entry of the directory: the document holds the message's fields by name.

    What is embedded elsewhere may come without deletion and account.
    """
    delete_time = getattr(row, "delete_time", None)
    shown = {} if delete_time is None else {"delete_time": timestamp(delete_time)}
    if getattr(row, "user_id", None) is not None and "user_id" in kind.message.DESCRIPTOR.fields_by_name:
        shown["user_id"] = row.user_id
    return kind.new(
        **row.document,
        **shown,
        id=row.id,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        etag=str(row.version),
    )
