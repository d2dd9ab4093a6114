"""Sessions that are seen, ended from elsewhere, and that end by themselves as the hospital says."""

from __future__ import annotations

import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids


def session_id(hospital, session):
    return hospital.house.verifier.verify(session.access_token).session_id


def listed(hospital, token="", **fields):
    request = pb.ListSessionsRequest(**fields)
    return hospital.do("IdentityService/ListSessions", request, token)


def revoke(hospital, session, token="", request_id=""):
    request = pb.RevokeSessionRequest(id=session, request_id=request_id)
    return hospital.do("IdentityService/RevokeSession", request, token)


def refresh(hospital, session):
    request = pb.RefreshRequest(refresh_token=session.refresh_token)
    return hospital.do("IdentityService/Refresh", request)


def set_times(hospital, **fields):
    request = admin_pb2.UpdateSettingsRequest(settings=admin_pb2.Settings(**fields))
    request.update_mask.paths.extend(fields)
    return hospital.do("AdminService/UpdateSettings", request)


def age(hospital, column, seconds):
    hospital.house.owner.execute(
        f"UPDATE session SET {column} = {column} - make_interval(secs => %s) WHERE tenant_id = %s",
        [seconds, hospital.id],
    )


def ended(hospital, session):
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, session)
    return caught.value.reason == "SESSION_REVOKED"


def test_a_user_sees_his_own_sessions_newest_first(hospital):
    user = hospital.user("meera", "NURSE")
    first, second = hospital.login("meera"), hospital.login("meera")
    answer = listed(hospital, second.access_token)
    assert [s.id for s in answer.sessions] == [session_id(hospital, s) for s in (second, first)]
    assert [s.current for s in answer.sessions] == [True, False]
    assert {(s.user_id, s.address) for s in answer.sessions} == {(user.id, "192.0.2.7")}
    newest = answer.sessions[0]
    assert newest.expire_time.seconds - newest.create_time.seconds == 3600


def test_sessions_are_listed_both_ways(hospital):
    hospital.user("meera", "NURSE")
    made = [hospital.login("meera") for _ in range(3)]
    token = made[0].access_token
    newest, middle, oldest = (session_id(hospital, s) for s in reversed(made))
    first = listed(hospital, token, page_size=2)
    assert [s.id for s in first.sessions] == [newest, middle]
    second = listed(hospital, token, page_size=2, page_token=first.next_page_token)
    assert [s.id for s in second.sessions] == [oldest]
    back = listed(hospital, token, page_size=2, page_token=second.previous_page_token)
    assert [s.id for s in back.sessions] == [newest, middle]


def test_sessions_of_others_are_for_who_may_change_users(hospital):
    nurse = hospital.user("meera", "NURSE")
    session = hospital.login("meera")
    assert [s.id for s in listed(hospital, user_id=nurse.id).sessions] == [session_id(hospital, session)]
    with pytest.raises(errors.PermissionDenied) as caught:
        listed(hospital, session.access_token, user_id=hospital.session.user_id)
    assert caught.value.metadata == {"permission": "user.write"}


def test_a_revoked_session_is_over_at_once(hospital):
    user = hospital.user("meera", "NURSE")
    lost, kept = hospital.login("meera"), hospital.login("meera")
    lost_id = session_id(hospital, lost)
    hospital.house.published()
    revoke(hospital, lost_id, kept.access_token)
    assert hospital.house.published() == [("session", hospital.id, lost_id)]
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_type"], record["entity_id"]) == ("DELETE", "session", lost_id)
    assert record["actor_id"] == user.id
    assert ended(hospital, lost)
    assert refresh(hospital, kept).access_token
    assert [s.id for s in listed(hospital, kept.access_token).sessions] == [session_id(hospital, kept)]


def test_an_administrator_ends_anybodys_session(hospital):
    hospital.user("meera", "NURSE")
    session = hospital.login("meera")
    request_id = ids.uuid7()
    for _ in range(2):
        revoke(hospital, session_id(hospital, session), request_id=request_id)
    assert [r["action"] for r in hospital.outbox()[-2:]] == ["DELETE", "READ"]
    assert ended(hospital, session)


def test_sessions_of_others_look_as_if_there_were_none(house, hospital):
    hospital.user("meera", "NURSE")
    nurse = hospital.login("meera").access_token
    admins, elsewhere = session_id(hospital, hospital.session), session_id(hospital, house.hospital().session)
    house.published()
    for wanted, token in ((admins, nurse), (elsewhere, ""), (ids.uuid7(), "")):
        with pytest.raises(errors.NotFound):
            revoke(hospital, wanted, token)
    assert house.published() == []


def test_a_manager_of_users_cannot_throw_an_administrator_out(hospital):
    hospital.role("CLERK", "user.write")
    hospital.user("clerk", "CLERK")
    token = hospital.login("clerk").access_token
    with pytest.raises(errors.PermissionDenied):
        revoke(hospital, session_id(hospital, hospital.session), token)
    assert refresh(hospital, hospital.session).access_token


# As the hospital says


def test_a_session_that_nobody_refreshes_ends(hospital):
    set_times(hospital, session_idle_seconds=1800)
    session = hospital.login("admin")
    assert session.expires_in == 900
    age(hospital, "rotate_time", 1790)
    refresh(hospital, session)
    later = hospital.login("admin")
    age(hospital, "rotate_time", 1801)
    assert listed(hospital).sessions == []
    assert ended(hospital, later)


def test_access_tokens_end_before_an_idle_session_does(hospital):
    set_times(hospital, session_idle_seconds=600)
    session = hospital.login("admin")
    assert 299 <= session.expires_in <= 300
    assert 299 <= refresh(hospital, session).expires_in <= 300


def test_a_session_ends_however_often_it_is_refreshed(hospital):
    set_times(hospital, session_seconds=7200)
    session = hospital.login("admin")
    assert {s.expire_time.seconds - s.create_time.seconds for s in listed(hospital).sessions} == {3600, 7200}
    age(hospital, "expire_time", 7201)
    assert ended(hospital, session)


def test_a_shorter_time_holds_for_sessions_that_stand(hospital):
    age(hospital, "create_time", 1000)
    assert set_times(hospital, session_seconds=1030).session_seconds == 1030
    answer = refresh(hospital, hospital.session)
    assert answer.expires_in <= 30
    age(hospital, "create_time", 40)
    with pytest.raises(errors.Unauthenticated):
        hospital.do("IdentityService/Refresh", pb.RefreshRequest(refresh_token=answer.refresh_token))


def test_times_are_left_to_the_platform_again(hospital):
    set_times(hospital, session_seconds=900, session_idle_seconds=900)
    settings = set_times(hospital, session_seconds=0, session_idle_seconds=0)
    assert (settings.session_seconds, settings.session_idle_seconds) == (0, 0)
    assert hospital.login("admin").expires_in == 900
