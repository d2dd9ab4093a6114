"""Legal holds over the API: who places and releases them, and what they stop."""

from __future__ import annotations

import threading

import psycopg
import pytest

from hms.admin.v1 import admin_pb2
from hms.audit.v1 import audit_pb2
from hms.audit.v1 import legal_hold_pb2 as pb
from hms_server import errors, ids, validation
from hms_server.identity import system_roles
from tests.fix_database import Tenant
from tests.fix_retention import LATER, LONG_AGO, NOW

WHY = "Rao against the hospital, 12/2026"
PLATFORM = Tenant(ids.PLATFORM_TENANT, ids.uuid7())


@pytest.fixture
def audit(servicers):
    return servicers["hms.audit.v1.AuditService"]


@pytest.fixture
def act(audit):
    """Calls a method of AuditService as a user of a tenant."""
    return lambda who, method, request: getattr(audit, method)(request, who.call(f"AuditService/{method}"))


@pytest.fixture
def place(act):
    return lambda who, **fields: act(who, "PlaceLegalHold", pb.PlaceLegalHoldRequest(reason=WHY, **fields))


@pytest.fixture
def place_on(act):
    return lambda who: act(
        PLATFORM, "PlaceTenantLegalHold", pb.PlaceTenantLegalHoldRequest(tenant_id=who.id, reason=WHY)
    )


def listed(act, who, **fields):
    return list(act(who, "ListLegalHolds", pb.ListLegalHoldsRequest(**fields)).legal_holds)


def release(act, who, hold):
    return act(
        who, "ReleaseLegalHold", pb.ReleaseLegalHoldRequest(id=hold.id, reason="the matter is settled")
    )


def records(owner, tenant_id):
    """What waits in the outbox: method's name, reason, entity."""
    return owner.execute(
        "SELECT split_part(record->>'method', '/', 2), record->>'reason', record->>'entity_id'"
        " FROM audit_outbox WHERE tenant_id = %s AND record->>'entity_type' = 'legal_hold' ORDER BY position",
        [tenant_id],
    ).fetchall()


def test_a_hold_is_placed_listed_and_released_with_reasons(new_tenant, act, place, owner):
    ours = new_tenant()
    hold = place(ours)
    assert (hold.reason, hold.username, hold.user_id, hold.of_platform) == (WHY, "asha", ours.user_id, False)
    assert not hold.HasField("release_time")
    assert listed(act, ours, standing=True) == [hold]
    released = release(act, ours, hold)
    assert released.HasField("release_time")
    assert (released.release_username, released.release_reason) == ("asha", "the matter is settled")
    assert (listed(act, ours, standing=True), listed(act, ours)) == ([], [released])
    assert records(owner, ours.id) == [
        ("PlaceLegalHold", WHY, hold.id),
        ("ReleaseLegalHold", "the matter is settled", hold.id),
    ]


def test_a_hold_is_released_once(new_tenant, act, place):
    ours = new_tenant()
    hold = place(ours)
    release(act, ours, hold)
    with pytest.raises(errors.FailedPrecondition, match="released already"):
        release(act, ours, hold)


def test_holds_come_in_pages_newest_first_both_ways(new_tenant, act, place):
    ours = new_tenant()
    made = [place(ours).id for _ in range(5)]
    first = act(ours, "ListLegalHolds", pb.ListLegalHoldsRequest(page_size=2))
    token = first.next_page_token
    second = act(ours, "ListLegalHolds", pb.ListLegalHoldsRequest(page_size=2, page_token=token))
    back = pb.ListLegalHoldsRequest(page_size=2, page_token=second.previous_page_token)
    assert [h.id for h in (*first.legal_holds, *second.legal_holds)] == made[::-1][:4]
    assert act(ours, "ListLegalHolds", back).legal_holds == first.legal_holds


def test_another_hospital_neither_sees_nor_releases_it(new_tenant, act, place):
    ours, theirs = new_tenant(), new_tenant()
    hold = place(ours)
    assert listed(act, theirs) == []
    with pytest.raises(errors.NotFound):
        release(act, theirs, hold)
    assert listed(act, ours, standing=True) == [hold]


def test_what_the_platform_placed_it_alone_releases_and_both_chains_tell(
    new_tenant, act, place, place_on, owner
):
    ours = new_tenant()
    hold = place_on(ours)
    assert hold.of_platform
    assert listed(act, ours) == [hold]
    with pytest.raises(errors.FailedPrecondition, match="platform placed"):
        release(act, ours, hold)
    request = pb.ReleaseTenantLegalHoldRequest(tenant_id=ours.id, id=hold.id, reason="the matter is settled")
    released = act(PLATFORM, "ReleaseTenantLegalHold", request)
    assert released.HasField("release_time")
    told = [
        ("PlaceTenantLegalHold", WHY, hold.id),
        ("ReleaseTenantLegalHold", "the matter is settled", hold.id),
    ]
    assert records(owner, ours.id) == told
    assert [r for r in records(owner, ids.PLATFORM_TENANT) if r[2] == hold.id] == told
    # The platform may release the hospital's own, too: it has closed, nobody else can.
    own = place(ours)
    request = pb.ReleaseTenantLegalHoldRequest(tenant_id=ours.id, id=own.id, reason="the matter is settled")
    assert act(PLATFORM, "ReleaseTenantLegalHold", request).HasField("release_time")
    of_tenant = act(PLATFORM, "ListTenantLegalHolds", pb.ListTenantLegalHoldsRequest(tenant_id=ours.id))
    assert [h.id for h in of_tenant.legal_holds] == [own.id, hold.id]


def test_a_hospital_has_nothing_of_the_platforms_methods(new_tenant, audit):
    ours, theirs = new_tenant(), new_tenant()
    requests = {
        "PlaceTenantLegalHold": pb.PlaceTenantLegalHoldRequest(tenant_id=theirs.id, reason=WHY),
        "ListTenantLegalHolds": pb.ListTenantLegalHoldsRequest(tenant_id=theirs.id),
        "ReleaseTenantLegalHold": pb.ReleaseTenantLegalHoldRequest(
            tenant_id=theirs.id, id=ids.uuid7(), reason=WHY
        ),
    }
    for method, request in requests.items():
        with pytest.raises(errors.PermissionDenied):
            getattr(audit, method)(request, ours.call(f"AuditService/{method}"))


def test_the_platform_holds_no_hospital_that_is_not_there_and_not_itself_that_way(act):
    for tenant_id in (ids.uuid7(), ids.PLATFORM_TENANT):
        with pytest.raises(errors.NotFound):
            request = pb.PlaceTenantLegalHoldRequest(tenant_id=tenant_id, reason=WHY)
            act(PLATFORM, "PlaceTenantLegalHold", request)


def test_an_auditor_places_holds_and_does_not_release_them():
    held = system_roles.HOSPITAL["AUDITOR"].permissions
    assert ("audit.hold" in held, "audit.release_hold" in held) == (True, False)
    assert all("audit.release_hold" not in role.permissions for role in system_roles.HOSPITAL.values())


# What a hold stops.


def test_while_a_hold_of_the_api_stands_nothing_is_dropped(new_tenant, act, place, old, retention):
    ours = new_tenant()
    old.plant(ours.id, LONG_AGO)
    hold = place(ours)
    assert (retention.run(), old.count(ours.id)) == (0, 5)
    release(act, ours, hold)
    assert retention.run() == 1


def test_a_hospital_under_a_hold_is_not_erased(
    new_tenant, act, place, place_on, leaving, hms_tenant, tmp_path
):
    ours = new_tenant()
    code = leaving.suspend(ours.id)
    holds = [place(ours), place_on(ours)]
    erase = ("erase", code, "--confirm", code, "--without-export", "--certificate")
    status, text = hms_tenant(*erase, tmp_path / "a")
    assert (status, f"2 legal holds on {code}" in text) == (2, True), text
    assert leaving.one("SELECT state FROM tenant WHERE id = %s", ours.id) == "SUSPENDED"
    release(act, ours, holds[0])
    assert hms_tenant(*erase, tmp_path / "b")[0] == 2
    request = pb.ReleaseTenantLegalHoldRequest(
        tenant_id=ours.id, id=holds[1].id, reason="the matter is settled"
    )
    act(PLATFORM, "ReleaseTenantLegalHold", request)
    status, text = hms_tenant(*erase, tmp_path / "c")
    assert status == 0, text
    # Who had held it, and why, is kept with the audit.
    assert leaving.one("SELECT count(*) FROM legal_hold WHERE tenant_id = %s", ours.id) == 2


def test_a_hospital_that_is_being_erased_is_not_held_an_erased_one_is(
    new_tenant, place_on, owner, old, retention
):
    ours = new_tenant()
    old.plant(ours.id, LONG_AGO)
    owner.execute("UPDATE tenant SET state = 'ERASING' WHERE id = %s", [ours.id])
    with pytest.raises(errors.FailedPrecondition, match="being erased"):
        place_on(ours)
    owner.execute("UPDATE tenant SET state = 'ERASED' WHERE id = %s", [ours.id])
    place_on(ours)
    assert (retention.run(), old.count(ours.id)) == (0, 5)


def test_a_hold_and_an_erasure_that_meet_do_not_both_win(new_tenant, place_on, owner, database):
    ours, outcome = new_tenant(), []
    owner.execute("UPDATE tenant SET state = 'SUSPENDED' WHERE id = %s", [ours.id])

    def hold():
        try:
            outcome.append(place_on(ours))
        except errors.HmsError as refused:
            outcome.append(refused)

    with psycopg.connect(database.owner) as erasing:
        erasing.execute("SELECT 1 FROM tenant WHERE id = %s FOR UPDATE", [ours.id])
        waiting = threading.Thread(target=hold)
        waiting.start()
        assert erasing.execute(
            "SELECT count(*) FROM legal_hold WHERE tenant_id = %s", [ours.id]
        ).fetchone() == (0,)
        erasing.execute("UPDATE tenant SET state = 'ERASING' WHERE id = %s", [ours.id])
    waiting.join(20)
    assert isinstance(outcome[0], errors.FailedPrecondition)


# Retention, set by the hospital, and what readers are told.


def test_the_hospitals_administrators_set_the_retention_and_that_is_audited(
    new_tenant, servicers, owner, old, retention
):
    ours = new_tenant()
    old.plant(ours.id, LONG_AGO)
    admin = servicers["hms.admin.v1.AdminService"]

    def set_years(years):
        settings = admin_pb2.Settings(audit_retention_years=years)
        request = admin_pb2.UpdateSettingsRequest(settings=settings)
        request.update_mask.paths.append("audit_retention_years")
        return admin.UpdateSettings(request, ours.call("AdminService/UpdateSettings"))

    assert set_years(10).audit_retention_years == 10
    assert retention.run() == 0
    kept = owner.execute(
        "SELECT record->>'action', record->>'old_version', record->>'new_version' FROM audit_outbox"
        " WHERE tenant_id = %s AND record->>'method' LIKE '%%UpdateSettings'",
        [ours.id],
    ).fetchall()
    assert kept == [("UPDATE", "1", "2")]
    assert set_years(0).audit_retention_years == 0
    # What stood before is in the history.
    stood = "SELECT row_data->'audit_retention_years' FROM tenant_setting_version WHERE tenant_id = %s"
    assert owner.execute(f"{stood} AND version = 2", [ours.id]).fetchone() == (10,)
    assert retention.run() == 1


@pytest.mark.parametrize("years", [1, 5, 51])
def test_less_than_six_years_and_beyond_reason_are_refused(years, owner, new_tenant):
    request = admin_pb2.UpdateSettingsRequest(settings=admin_pb2.Settings(audit_retention_years=years))
    assert validation.violations(request)
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "UPDATE tenant_setting SET audit_retention_years = %s WHERE tenant_id = %s",
            [years, new_tenant().id],
        )


def test_lists_and_reports_say_where_the_asked_time_reaches_before_what_is_kept(
    new_tenant, act, old, retention, audit, servicers, owner
):
    ours = new_tenant()
    patient_id = ids.uuid7()
    owner.execute(
        "INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)"
        " VALUES (%s, %s, 'H1', '{}', 'rao asha', ' rao asha', %s)",
        [ours.id, patient_id, ours.user_id],
    )
    for time in (LATER, NOW):
        old._outbox.put(ours.id, 2, record_time=time, patient_ids=[patient_id])
    old._drain.run(ours.id)

    def lists(**span):
        return act(ours, "ListAuditEvents", audit_pb2.ListAuditEventsRequest(**span))

    def report(format_name="REPORT_FORMAT_CSV", **span):
        request = audit_pb2.GetDisclosureReportRequest(patient_id=patient_id, format=format_name, **span)
        return act(ours, "GetDisclosureReport", request).data

    everything = {"start_time": LONG_AGO}
    assert not lists(**everything).HasField("kept_from_time")
    assert b"archived" not in report(**everything)
    plain = report("REPORT_FORMAT_PDF", **everything)
    assert retention.run() == 1
    kept_from = f"{LATER.year}-02-01T00:00:00Z"
    for span in ({}, everything):
        assert lists(**span).kept_from_time.ToJsonString() == kept_from
    assert not lists(start_time=LATER.replace(month=2, day=1, hour=0)).HasField("kept_from_time")
    first, *events = report(**everything).decode().splitlines()[1:]
    assert first.startswith(f"{kept_from},,,ARCHIVED,Events before {kept_from} were archived")
    assert len(events) == 2
    assert b"archived" not in report()
    assert report("REPORT_FORMAT_PDF", **everything) != plain
