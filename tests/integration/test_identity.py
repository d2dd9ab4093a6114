"""Users on the real database."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading

import pytest

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.identity import rules
from tests.fix_identity import PASSWORD

DISABLED = pb.USER_STATE_DISABLED


def get(hospital, user_id):
    return hospital.do("IdentityService/GetUser", pb.GetUserRequest(id=user_id))


def violations(caught):
    return {violation.field for violation in caught.value.violations}


def versions(hospital, user_id):
    rows = hospital.house.owner.execute(
        "SELECT version, row_data, actor_id::text FROM user_account_version"
        " WHERE tenant_id = %s AND id = %s ORDER BY version",
        [hospital.id, user_id],
    )
    return rows.fetchall()


# Users


def test_a_user_is_made_and_read(hospital):
    user = pb.User(
        username="Asha.Rao", display_name="आशा राव", email="asha@example.org", password=PASSWORD,
        role_codes=["NURSE", "DOCTOR"],
    )  # fmt: skip
    made = hospital.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user))
    assert get(hospital, made.id) == made
    assert (made.username, made.display_name, made.email) == ("Asha.Rao", "आशा राव", "asha@example.org")
    assert (list(made.role_codes), made.state) == (["DOCTOR", "NURSE"], pb.USER_STATE_ACTIVE)
    assert (made.etag, made.password) == ("1", "")
    assert made.create_time.seconds > 1_700_000_000
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_type"], record["entity_id"]) == ("CREATE", "user", made.id)
    assert record["new_version"] == 1
    assert hospital.house.login(hospital.code, "asha.RAO").user_id == made.id


def test_a_user_name_is_unique_without_regard_to_case(hospital):
    hospital.user("asha")
    with pytest.raises(errors.AlreadyExists):
        hospital.user("ASHA")


def test_the_same_user_name_in_two_hospitals(house, hospital):
    assert house.hospital().user("asha").id != hospital.user("asha").id


@pytest.mark.parametrize(
    ("user", "field"),
    [
        (pb.User(password=PASSWORD), "user.username"),
        (pb.User(username="asha"), "user.password"),
        (pb.User(username="asha.asha.asha", password="ASHA.asha.asha"), "user.password"),
        (pb.User(username="asha", password=PASSWORD, role_codes=["NO_SUCH"]), "user.role_codes[0]"),
    ],
)
def test_what_a_new_user_lacks_is_named(hospital, user, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user))
    assert violations(caught) == {field}


def test_a_request_id_makes_one_user(hospital):
    request = pb.CreateUserRequest(user=pb.User(username="asha", password=PASSWORD), request_id=ids.uuid7())
    first = hospital.do("IdentityService/CreateUser", request)
    hospital.change(first.id, display_name="Asha")
    again = hospital.do("IdentityService/CreateUser", request)
    assert (again.id, again.display_name) == (first.id, "Asha")
    assert hospital.outbox()[-1]["action"] == "READ"
    request.user.display_name = "another body"
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.do("IdentityService/CreateUser", request)
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_request_id_that_comes_twice_at_once_makes_one_user(hospital):
    request = pb.CreateUserRequest(user=pb.User(username="asha", password=PASSWORD), request_id=ids.uuid7())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: hospital.do("IdentityService/CreateUser", request).id, range(4)))
    assert len(set(made)) == 1


def test_another_hospitals_user_is_not_found(house, hospital):
    other = house.hospital().user("asha")
    with pytest.raises(errors.NotFound):
        get(hospital, other.id)
    with pytest.raises(errors.NotFound):
        hospital.change(other.id, display_name="x")


def test_users_are_listed_both_ways(hospital):
    for name in ("ravi", "Asha", "meera"):
        hospital.user(name)
    order = ["admin", "Asha", "meera", "ravi"]

    def page(token, size=2):
        request = pb.ListUsersRequest(page_size=size, page_token=token)
        answer = hospital.do("IdentityService/ListUsers", request)
        return [u.username for u in answer.users], answer.next_page_token, answer.previous_page_token

    first, following, preceding = page("")
    assert (first, preceding) == (order[:2], "")
    second, end, back = page(following)
    assert (second, end) == (order[2:], "")
    assert page(back)[0] == first
    assert page("", 1000)[0] == order
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.house.hospital().do("IdentityService/ListUsers", pb.ListUsersRequest(page_token=following))
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_an_update_changes_what_is_set_and_keeps_the_version(hospital):
    user = hospital.user("ravi", "LAB")
    changed = hospital.change(user.id, display_name="Ravi", etag=user.etag)
    assert (changed.display_name, list(changed.role_codes), changed.etag) == ("Ravi", ["LAB"], "2")
    ((version, row, actor),) = versions(hospital, user.id)
    assert (version, actor) == (1, hospital.session.user_id)
    kept = {"username", "display_name", "email", "state", "password_time", "role_codes"}
    assert set(row) == kept | {"must_change_password", "limited_roles"}
    assert (row["username"], row["role_codes"]) == ("ravi", ["LAB"])
    record = hospital.outbox()[-1]
    assert (record["old_version"], record["new_version"]) == (1, 2)


def test_an_update_obeys_its_mask(hospital):
    user = hospital.user("ravi", "LAB")
    hospital.change(user.id, display_name="Ravi", email="ravi@example.org")
    changed = hospital.change(user.id, mask=("email",), display_name="ignored")
    assert (changed.display_name, changed.email) == ("Ravi", "")
    full = hospital.change(
        user.id, mask=("*",), state=pb.USER_STATE_ACTIVE, role_codes=["NURSE"], username="ravi"
    )
    assert (full.display_name, list(full.role_codes)) == ("", ["NURSE"])
    assert hospital.login("ravi")


@pytest.mark.parametrize(
    ("mask", "fields", "field"),
    [
        (("username",), {"username": "new"}, "update_mask"),
        (("no_such",), {}, "update_mask"),
        (("create_time",), {}, "update_mask"),
        ((), {"username": "new", "display_name": "x"}, "user.username"),
        (("state",), {}, "user.state"),
        (("password",), {}, "user.password"),
        ((), {"role_codes": ["LAB", "NO_SUCH"]}, "user.role_codes[1]"),
    ],
)
def test_what_an_update_may_not_change_is_named(hospital, mask, fields, field):
    user = hospital.user("ravi")
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.change(user.id, mask=mask, **fields)
    assert violations(caught) == {field}
    assert get(hospital, user.id) == user


def test_an_update_without_an_id_is_refused(hospital):
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.change("", display_name="x")
    assert violations(caught) == {"user.id"}


def test_a_wrong_etag_is_refused(hospital):
    user = hospital.user("ravi")
    hospital.change(user.id, display_name="Ravi")
    with pytest.raises(errors.Aborted) as caught:
        hospital.change(user.id, display_name="R", etag=user.etag)
    assert caught.value.reason == "ETAG_MISMATCH"


def test_of_two_updates_with_one_etag_one_wins(hospital):
    user = hospital.user("ravi")

    def change(name):
        try:
            return hospital.change(user.id, display_name=name, etag="1").display_name
        except errors.Aborted as error:
            return error.reason

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(change, ["a", "b", "c", "d"]))
    assert results[:3] == ["ETAG_MISMATCH"] * 3
    assert get(hospital, user.id).display_name == results[3]


def test_a_change_that_touches_no_right_leaves_tokens_alone(hospital):
    user = hospital.user("ravi", "LAB")
    hospital.change(user.id, display_name="Ravi", role_codes=["LAB"])
    assert hospital.house.published() == [("user", hospital.id, user.id, 1)]


def test_disabling_ends_every_session_at_once(hospital):
    user = hospital.user("ravi", "LAB")
    sessions = {
        hospital.house.verifier.verify(hospital.login("ravi").access_token).session_id for _ in range(2)
    }
    hospital.house.published()
    hospital.change(user.id, state=DISABLED)
    seen = hospital.house.published()
    assert {s[2] for s in seen if s[0] == "session"} == sessions
    assert ("user", hospital.id, user.id, 2) in seen
    reasons = hospital.house.owner.execute(
        "SELECT DISTINCT revoke_reason FROM session WHERE user_id = %s", [user.id]
    ).fetchall()
    assert reasons == [("USER_DISABLED",)]


def test_a_new_password_ends_all_sessions_but_the_one_it_was_changed_in(hospital):
    token = hospital.session.access_token
    own = hospital.house.verifier.verify(token).session_id
    other = hospital.house.verifier.verify(hospital.login("admin").access_token).session_id
    hospital.house.published()
    hospital.change(hospital.session.user_id, password="another password")
    assert ("session", hospital.id, other) in hospital.house.published()
    ended = hospital.house.owner.execute(
        "SELECT id::text FROM session WHERE tenant_id = %s AND revoke_time IS NOT NULL", [hospital.id]
    ).fetchall()
    assert ended == [(other,)]
    assert own != other
    with pytest.raises(errors.Unauthenticated):
        hospital.login("admin")
    assert hospital.login("admin", "another password")


def test_a_password_stands_in_no_version_audit_or_request(hospital):
    user = hospital.user("ravi")
    hospital.change(user.id, password="another password")
    hospital.change(user.id, display_name="x")
    kept = versions(hospital, user.id)
    assert kept[0][1]["password_time"] != kept[1][1]["password_time"]
    everything = str(kept) + str(hospital.outbox())
    assert "password " not in everything
    assert "argon2" not in everything


# The last administrator


def test_the_last_administrator_stays(hospital):
    admin = hospital.session.user_id
    for change in ({"state": DISABLED}, {"mask": ("role_codes",)}, {"role_codes": ["DOCTOR"]}):
        with pytest.raises(errors.FailedPrecondition) as caught:
            hospital.change(admin, **change)
        assert caught.value.reason == "WRONG_STATE"
    second = hospital.user("second", "ADMIN")
    hospital.change(second.id, state=DISABLED)
    with pytest.raises(errors.FailedPrecondition):
        hospital.change(admin, state=DISABLED)
    hospital.change(second.id, state=pb.USER_STATE_ACTIVE)
    hospital.change(admin, state=DISABLED)


def test_two_administrators_who_disable_each_other_at_once(hospital, monkeypatch):
    second = hospital.user("second", "ADMIN")
    judge, both = rules.require_administrator_stays, threading.Barrier(2)

    def judge_when_both_are_there(**facts):
        # Where changes take turns, the second is not there before the first has committed.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.3)
        judge(**facts)

    monkeypatch.setattr(rules, "require_administrator_stays", judge_when_both_are_there)
    pairs = [
        (hospital.session.access_token, second.id),
        (hospital.login("second").access_token, hospital.session.user_id),
    ]

    def disable(pair):
        try:
            hospital.change(pair[1], token=pair[0], state=DISABLED)
        except errors.FailedPrecondition:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, pairs)) == [False, True]
