"""Decisions of the admin room, without a database."""

from __future__ import annotations

import pytest

from hms.admin.v1 import admin_pb2 as pb
from hms.policy.v1 import policy_pb2
from hms_server import errors, ids
from hms_server.admin import mapping, rules
from hms_server.gate.tiers import DEFAULTS


def test_the_platform_alone():
    rules.require_platform(ids.PLATFORM_TENANT)
    with pytest.raises(errors.PermissionDenied):
        rules.require_platform(ids.uuid7())


def test_limits_are_kept_by_tier_without_prefix():
    limits = [
        pb.RateLimit(tier=policy_pb2.RATE_TIER_SEARCH, limit=5, window_seconds=60),
        pb.RateLimit(tier=policy_pb2.RATE_TIER_BULK, limit=6, window_seconds=70),
    ]
    assert rules.rate_limits(mapping.rate_limits(limits)) == {"SEARCH": (5, 60), "BULK": (6, 70)}
    with pytest.raises(errors.InvalidArgument):
        rules.rate_limits([("SEARCH", 1, 1), ("SEARCH", 2, 2)])


def test_every_tier_that_the_gate_counts_can_be_limited():
    for tier in DEFAULTS:
        assert policy_pb2.RateTier.Value(f"RATE_TIER_{tier}")


def test_settings_are_looked_at_where_they_change():
    rules.check_settings(pb.Settings(), set(), True)
    rules.check_settings(pb.Settings(time_zone="UTC", uhid_digits=7), {"time_zone", "uhid_digits"}, True)
    with pytest.raises(errors.InvalidArgument) as caught:
        rules.check_settings(pb.Settings(time_zone="x"), set(rules.SETTINGS_FIELDS), False)
    fields = {violation.field for violation in caught.value.violations}
    required = {f"settings.{name}" for name in rules.REQUIRED_SETTINGS}
    assert fields == required


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (
            {"working_hours": [{"weekday": 1, "start_time": "10:00", "end_time": "09:00"}]},
            "working_hours[0].end_time",
        ),
        ({"holidays": [{"date": "2026-02-30"}]}, "holidays[0].date"),
        ({"holidays": [{"date": "2026-12-25"}, {"date": "2026-12-25"}]}, "holidays[1].date"),
        (
            {
                "working_hours": [
                    {"weekday": 1, "start_time": "10:00", "end_time": "24:00"},
                    {"weekday": 1, "start_time": "09:00", "end_time": "10:01"},
                ]
            },
            "working_hours[0]",
        ),
    ],
    ids=["backwards", "no day", "twice", "overlap"],
)
def test_hours_and_holidays_that_cannot_be_are_named(settings, path):
    with pytest.raises(errors.InvalidArgument) as caught:
        rules.check_settings(pb.Settings(**settings), set(settings), True)
    assert [violation.field for violation in caught.value.violations] == [f"settings.{path}"]
