"""Decisions of the admin room: no database, no clock, no grpc."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from hms_server import errors, ids
from hms_server.errors import FieldViolation
from hms_server.identity import password_rules

TENANT_FIELDS = ("display_name", "state", "rate_limits", "call_limits")
TENANT_STATES = ("ACTIVE", "SUSPENDED")
REQUIRED_SETTINGS = ("time_zone", "uhid_prefix", "uhid_digits", "token_prefix", "token_digits")
# What may be left to the platform: 0 in the API, null in the table.
OPTIONAL_SETTINGS = (
    "session_seconds",
    "session_idle_seconds",
    "password_min_length",
    "password_history",
    "audit_retention_years",
)
# Lists: an empty one is a value.
LIST_SETTINGS = ("privacy_officer_emails", "languages", "reminder_minutes")
# Lists of messages, which the table has as JSON, in this order of their fields.
JSON_SETTINGS = {
    "working_hours": ("weekday", "start_time", "end_time"),
    "holidays": ("date", "display_name"),
}
SETTINGS_FIELDS = (*REQUIRED_SETTINGS, *OPTIONAL_SETTINGS, *LIST_SETTINGS, *JSON_SETTINGS)

# Tier without prefix ("SEARCH"): calls, seconds
RateLimits = dict[str, tuple[int, int]]


def require_platform(tenant_id: str) -> None:
    """The second lock of platform methods; the edge has the first."""
    if tenant_id != ids.PLATFORM_TENANT:
        raise errors.PermissionDenied("Only users of the platform may do this.")


def check_new_tenant(tenant: Any, admin_username: str, admin_password: str) -> None:
    """What the proto cannot say of a tenant to be made."""
    violations = []
    if not tenant.code:
        violations.append(FieldViolation("tenant.code", "is required"))
    if not tenant.display_name:
        violations.append(FieldViolation("tenant.display_name", "is required"))
    names = (admin_username, tenant.code, tenant.display_name)
    violations += [
        FieldViolation("admin_password", fault)
        for fault in password_rules.faults(admin_password, names=names)
    ]
    _refuse(violations)


def check_tenant_changes(tenant: Any, fields: Collection[str], code: str) -> None:
    """What the proto cannot say of a change of the tenant whose code is `code`."""
    violations = []
    if tenant.code and tenant.code != code:
        violations.append(FieldViolation("tenant.code", "cannot be changed"))
    violations += [
        FieldViolation(f"tenant.{name}", "is required")
        for name in ("state", "display_name")
        if name in fields and not getattr(tenant, name)
    ]
    _refuse(violations)


def check_tenant_stands(state: str) -> None:
    """Refuses to change a tenant that is being erased, or is: there is no way back."""
    if state in ("ERASING", "ERASED"):
        raise errors.FailedPrecondition(
            "The tenant is erased, or about to be: it cannot be changed any more.", reason="WRONG_STATE"
        )


def check_state(state: str, fields: Collection[str]) -> None:
    """The states that a caller may ask for; `hms tenant erase` alone makes the others."""
    if "state" in fields and state not in TENANT_STATES:
        raise errors.invalid_field("tenant.state", f"must be one of {', '.join(TENANT_STATES)}")


def rate_limits(asked: Iterable[tuple[str, int, int]]) -> RateLimits:
    """Limits by tier; raises InvalidArgument where a tier stands twice."""
    limits: RateLimits = {}
    for i, (tier, calls, seconds) in enumerate(asked):
        if tier in limits:
            raise errors.invalid_field(f"tenant.rate_limits[{i}]", "the tier stands twice")
        limits[tier] = (calls, seconds)
    return limits


def check_settings(settings: Any, fields: Collection[str], zone_is_known: bool) -> None:
    """What the proto cannot say of a change of settings."""
    violations = [
        FieldViolation(f"settings.{name}", "is required")
        for name in REQUIRED_SETTINGS
        if name in fields and not getattr(settings, name)
    ]
    if "time_zone" in fields and settings.time_zone and not zone_is_known:
        violations.append(
            FieldViolation("settings.time_zone", "is not an IANA time zone such as Asia/Kolkata")
        )
    violations += _of_working_hours(settings.working_hours) if "working_hours" in fields else ()
    violations += _of_holidays(settings.holidays) if "holidays" in fields else ()
    _refuse(violations)


def _of_working_hours(stretches: Iterable[Any]) -> Iterator[FieldViolation]:
    placed = sorted(enumerate(stretches), key=lambda each: (each[1].weekday, each[1].start_time))
    last = None
    for i, one in placed:
        path = f"settings.working_hours[{i}]"
        if one.end_time <= one.start_time:
            yield FieldViolation(f"{path}.end_time", "must be later than start_time")
        elif last is not None and last.weekday == one.weekday and one.start_time < last.end_time:
            yield FieldViolation(path, "overlaps another one of the same weekday")
        last = one


def _of_holidays(holidays: Iterable[Any]) -> Iterator[FieldViolation]:
    seen = set()
    for i, one in enumerate(holidays):
        path = f"settings.holidays[{i}].date"
        try:
            datetime.date.fromisoformat(one.date)
        except ValueError:
            yield FieldViolation(path, "is no day of the calendar")
        if one.date in seen:
            yield FieldViolation(path, "stands twice")
        seen.add(one.date)


def changed_settings(settings: Any, fields: Collection[str], row: Any) -> dict[str, Any]:
    """Every setting as it is to stand: what is asked for, and the rest as it is."""
    asked: dict[str, Any] = {name: getattr(settings, name) or None for name in SETTINGS_FIELDS}
    asked |= {name: list(getattr(settings, name)) for name in LIST_SETTINGS}
    for name, parts in JSON_SETTINGS.items():
        rows = [{part: getattr(one, part) for part in parts} for one in getattr(settings, name)]
        asked[name] = sorted(rows, key=lambda row: [row[part] for part in parts])
    return {name: asked[name] if name in fields else getattr(row, name) for name in SETTINGS_FIELDS}


def _refuse(violations: list[FieldViolation]) -> None:
    if violations:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in violations[:5]),
            violations=tuple(violations),
        )
