"""Tenants and settings on the real database."""

from __future__ import annotations

import concurrent.futures

import pytest

from hms.admin.v1 import admin_pb2 as pb
from hms.policy.v1 import policy_pb2
from hms_server import errors, ids, validation
from tests.fix_identity import PASSWORD

SUSPENDED = pb.TENANT_STATE_SUSPENDED


def create(house, code, **fields):
    request = pb.CreateTenantRequest(
        tenant=pb.Tenant(code=code, display_name="Hospital", **fields),
        admin_username="admin",
        admin_password=PASSWORD,
        request_id=ids.uuid7(),
    )
    return request, house.do("AdminService/CreateTenant", request, house.platform())


def update(house, tenant_id, mask=(), **fields):
    request = pb.UpdateTenantRequest(tenant=pb.Tenant(id=tenant_id, **fields))
    request.update_mask.paths.extend(mask)
    return house.do("AdminService/UpdateTenant", request, house.platform())


def get(house, tenant_id):
    return house.do("AdminService/GetTenant", pb.GetTenantRequest(id=tenant_id), house.platform())


def rows(house, statement, *values):
    return house.owner.execute(statement, values).fetchall()


def violations(caught):
    return {violation.field for violation in caught.value.violations}


def search_limit(calls, seconds=60):
    return pb.RateLimit(tier=policy_pb2.RATE_TIER_SEARCH, limit=calls, window_seconds=seconds)


def test_a_tenant_comes_with_all_it_needs(house):
    _, tenant = create(house, "citycare", rate_limits=[search_limit(7, 30)])
    assert get(house, tenant.id) == tenant
    assert (tenant.code, tenant.state, tenant.etag) == ("citycare", pb.TENANT_STATE_ACTIVE, "1")
    assert [(r.tier, r.limit, r.window_seconds) for r in tenant.rate_limits] == [
        (policy_pb2.RATE_TIER_SEARCH, 7, 30)
    ]
    assert rows(house, "SELECT rate_limits FROM tenant WHERE id = %s", tenant.id) == [({"SEARCH": [7, 30]},)]
    assert rows(house, "SELECT next_number FROM uhid_counter WHERE tenant_id = %s", tenant.id) == [(1,)]
    session = house.login("citycare", "admin")
    settings = house.do("AdminService/GetSettings", pb.GetSettingsRequest(), session.access_token)
    assert (settings.time_zone, settings.uhid_prefix, settings.uhid_digits) == ("UTC", "H", 8)


def test_a_new_tenant_is_in_both_chains(house):
    _, tenant = create(house, "chains")
    (platform,) = [r for r in house.outbox(ids.PLATFORM_TENANT) if r.get("entity_id") == tenant.id]
    own = house.outbox(tenant.id)
    assert (platform["action"], platform["new_version"]) == ("CREATE", 1)
    assert [(r["action"], r["entity_type"]) for r in own] == [("CREATE", "tenant"), ("CREATE", "user")]
    assert all(r["actor_name"] == "root-admin" for r in [platform, *own])


def test_a_code_that_stands_leaves_nothing_behind(house):
    create(house, "taken")
    before = rows(house, "SELECT count(*) FROM tenant"), rows(house, "SELECT count(*) FROM user_account")
    with pytest.raises(errors.AlreadyExists):
        create(house, "taken")
    after = rows(house, "SELECT count(*) FROM tenant"), rows(house, "SELECT count(*) FROM user_account")
    assert after == before


def test_a_repeated_request_makes_one_tenant(house):
    request, tenant = create(house, "once")
    token = house.platform()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        again = list(pool.map(lambda _: house.do("AdminService/CreateTenant", request, token), range(3)))
    assert again == [tenant] * 3
    request.admin_password = "another password"
    with pytest.raises(errors.InvalidArgument) as caught:
        house.do("AdminService/CreateTenant", request, token)
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_what_a_new_tenant_lacks_is_named(house):
    request = pb.CreateTenantRequest(admin_username="admin.of.all", admin_password="admin.of.ALL")
    with pytest.raises(errors.InvalidArgument) as caught:
        house.do("AdminService/CreateTenant", request, house.platform())
    assert violations(caught) == {"tenant.code", "tenant.display_name", "admin_password"}
    with pytest.raises(errors.InvalidArgument) as caught:
        create(house, "twice", rate_limits=[search_limit(1), search_limit(2)])
    assert violations(caught) == {"tenant.rate_limits[1]"}


def test_hospitals_do_not_reach_the_platform(house, hospital):
    for method, request in (
        ("CreateTenant", pb.CreateTenantRequest(tenant=pb.Tenant(code="x1", display_name="X"))),
        ("GetTenant", pb.GetTenantRequest(id=hospital.id)),
        ("ListTenants", pb.ListTenantsRequest()),
        ("UpdateTenant", pb.UpdateTenantRequest(tenant=pb.Tenant(id=hospital.id, display_name="X"))),
    ):
        with pytest.raises(errors.PermissionDenied):
            hospital.do(f"AdminService/{method}", request)


def test_the_platform_is_no_hospital(house):
    with pytest.raises(errors.NotFound):
        get(house, ids.PLATFORM_TENANT)
    with pytest.raises(errors.NotFound):
        update(house, ids.PLATFORM_TENANT, state=SUSPENDED)
    with pytest.raises(errors.NotFound):
        update(house, ids.uuid7(), display_name="x")


def test_tenants_are_listed_both_ways(house):
    for code in ("list-b", "list-a", "list-c"):
        create(house, code)
    codes = [row[0] for row in rows(house, "SELECT code FROM tenant ORDER BY code") if row[0] != "platform"]
    seen, token = [], ""
    while True:
        answer = house.do(
            "AdminService/ListTenants", pb.ListTenantsRequest(page_size=2, page_token=token), house.platform()
        )
        seen.append([tenant.code for tenant in answer.tenants])
        token = answer.next_page_token
        if not token:
            break
    assert [code for codes_of_page in seen for code in codes_of_page] == codes
    back = house.do(
        "AdminService/ListTenants",
        pb.ListTenantsRequest(page_size=2, page_token=answer.previous_page_token),
        house.platform(),
    )
    assert [tenant.code for tenant in back.tenants] == seen[-2]


def test_a_change_keeps_the_version_and_is_published(house, hospital):
    changed = update(house, hospital.id, display_name="New name", rate_limits=[search_limit(9)], etag="1")
    assert (changed.display_name, changed.etag) == ("New name", "2")
    assert house.published() == [("tenant", hospital.id, 1, 2, {"SEARCH": (9, 60)})]
    ((version, row),) = rows(
        house, "SELECT version, row_data FROM tenant_version WHERE tenant_id = %s", hospital.id
    )
    assert (version, row["display_name"], row["rate_limits"]) == (1, "Hospital", {})
    for chain in (house.outbox(hospital.id), house.outbox(ids.PLATFORM_TENANT)):
        record = [r for r in chain if r["method"].endswith("UpdateTenant")][-1]
        assert (record["entity_id"], record["old_version"], record["new_version"]) == (hospital.id, 1, 2)
    assert not update(house, hospital.id, mask=("rate_limits",)).rate_limits
    with pytest.raises(errors.Aborted) as caught:
        update(house, hospital.id, display_name="x", etag="1")
    assert caught.value.reason == "ETAG_MISMATCH"


def test_suspending_makes_tokens_stale_and_resuming_does_not(house, hospital):
    assert update(house, hospital.id, state=SUSPENDED).state == SUSPENDED
    update(house, hospital.id, state=SUSPENDED)
    update(house, hospital.id, state=pb.TENANT_STATE_ACTIVE)
    assert [seen[2:4] for seen in house.published()] == [(2, 2), (2, 3), (2, 4)]


def test_limits_of_calls_are_kept_published_and_taken_back(house, hospital):
    _, tenant = create(house, "limited", call_limits=pb.CallLimits(concurrent_calls=7))
    assert get(house, tenant.id).call_limits == pb.CallLimits(concurrent_calls=7)
    assert not get(house, hospital.id).HasField("call_limits")
    limits = pb.CallLimits(concurrent_calls=3, max_request_bytes=2048, max_stream_bytes=4096)
    house.published()
    assert update(house, hospital.id, call_limits=limits).call_limits == limits
    assert house.published()[-1] == ("limits", hospital.id)
    stored = {"concurrent_calls": 3, "max_request_bytes": 2048, "max_stream_bytes": 4096}
    assert rows(house, "SELECT call_limits FROM tenant WHERE id = %s", hospital.id) == [(stored,)]
    # What is not named stays: another change, and a change of roles, which is published too.
    assert update(house, hospital.id, display_name="Other").call_limits == limits
    assert ("limits", hospital.id) not in house.published()
    listed = house.do("AdminService/ListTenants", pb.ListTenantsRequest(page_size=1000), house.platform())
    assert next(t for t in listed.tenants if t.id == hospital.id).call_limits == limits
    assert not update(house, hospital.id, mask=("call_limits",)).HasField("call_limits")
    versions = rows(
        house,
        "SELECT row_data->'call_limits' FROM tenant_version WHERE tenant_id = %s ORDER BY version",
        hospital.id,
    )
    assert versions == [({},), (stored,), (stored,)]


@pytest.mark.parametrize(
    "limits",
    [
        {"concurrent_calls": -1},
        {"max_request_bytes": 1023},
        {"max_stream_bytes": 5},
        {"max_request_bytes": -1},
    ],
)
def test_limits_that_nobody_could_work_with_are_refused(limits):
    request = pb.UpdateTenantRequest(tenant=pb.Tenant(id=ids.uuid7(), call_limits=pb.CallLimits(**limits)))
    assert [v.field for v in validation.violations(request)] == [f"tenant.call_limits.{next(iter(limits))}"]


@pytest.mark.parametrize(
    ("mask", "fields", "field"),
    [
        ((), {"code": "other", "display_name": "x"}, "tenant.code"),
        (("code",), {"code": "other"}, "update_mask"),
        (("state",), {}, "tenant.state"),
        (("display_name",), {}, "tenant.display_name"),
        ((), {"rate_limits": [search_limit(1), search_limit(2)]}, "tenant.rate_limits[1]"),
    ],
)
def test_what_a_change_may_not_hold_is_named(house, hospital, mask, fields, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        update(house, hospital.id, mask=mask, **fields)
    assert violations(caught) == {field}


def test_a_change_without_an_id_is_refused(house):
    with pytest.raises(errors.InvalidArgument):
        update(house, "", display_name="x")


# Settings


def set_settings(hospital, mask=(), **fields):
    request = pb.UpdateSettingsRequest(settings=pb.Settings(**fields))
    request.update_mask.paths.extend(mask)
    return hospital.do("AdminService/UpdateSettings", request)


def test_settings_are_the_hospitals_own(house, hospital):
    changed = set_settings(hospital, time_zone="Asia/Kolkata", uhid_prefix="CC", etag="1")
    assert (changed.time_zone, changed.uhid_prefix, changed.uhid_digits) == ("Asia/Kolkata", "CC", 8)
    assert changed.etag == "2"
    other = house.hospital().do("AdminService/GetSettings", pb.GetSettingsRequest())
    assert (other.time_zone, other.etag) == ("UTC", "1")
    ((version, row, actor),) = rows(
        house,
        "SELECT version, row_data, actor_id::text FROM tenant_setting_version WHERE tenant_id = %s",
        hospital.id,
    )
    assert (version, actor) == (1, hospital.session.user_id)
    assert row == {
        "time_zone": "UTC",
        "uhid_prefix": "H",
        "uhid_digits": 8,
        "token_prefix": "T",
        "token_digits": 3,
        "reminder_minutes": [1440, 120],
    }
    assert hospital.outbox()[-1]["new_version"] == 2
    with pytest.raises(errors.Aborted):
        set_settings(hospital, uhid_digits=9, etag="1")


@pytest.mark.parametrize(
    ("mask", "fields", "field"),
    [
        ((), {"time_zone": "Mars/Olympus"}, "settings.time_zone"),
        ((), {"time_zone": "Asia/Kolkata'"}, "settings.time_zone"),
        (("time_zone",), {}, "settings.time_zone"),
        (("uhid_digits",), {}, "settings.uhid_digits"),
        (("update_time",), {}, "update_mask"),
    ],
)
def test_what_settings_may_not_hold_is_named(hospital, mask, fields, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        set_settings(hospital, mask=mask, **fields)
    assert violations(caught) == {field}


def test_a_repeated_change_of_settings_happens_once(hospital):
    request = pb.UpdateSettingsRequest(settings=pb.Settings(uhid_digits=9), request_id=ids.uuid7())
    answers = [hospital.do("AdminService/UpdateSettings", request) for _ in range(2)]
    assert [answer.etag for answer in answers] == ["2", "2"]
    assert [r["action"] for r in hospital.outbox()[-2:]] == ["UPDATE", "READ"]


def test_the_platform_has_settings_too(house):
    settings = house.do("AdminService/GetSettings", pb.GetSettingsRequest(), house.platform())
    assert settings.time_zone == "UTC"


def test_settings_of_the_day_come_back_in_order_and_can_be_emptied(hospital):
    changed = set_settings(
        hospital,
        working_hours=[{"weekday": 1, "start_time": "09:00", "end_time": "24:00"}],
        holidays=[{"date": "2026-12-25", "display_name": "Christmas"}, {"date": "2026-01-26"}],
        languages=["mr", "en-IN"],
        token_prefix="OPD",
        token_digits=4,
        reminder_minutes=[60],
    )
    assert changed == hospital.do("AdminService/GetSettings", pb.GetSettingsRequest())
    assert [day.date for day in changed.holidays] == ["2026-01-26", "2026-12-25"]
    assert (list(changed.languages), changed.token_prefix, changed.token_digits) == (
        ["mr", "en-IN"],
        "OPD",
        4,
    )
    assert changed.working_hours[0].end_time == "24:00"
    assert list(changed.reminder_minutes) == [60]
