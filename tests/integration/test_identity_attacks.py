"""Identity as somebody sees it who looks for a gap: races, fixation, guessing who is there, edges of time."""

from __future__ import annotations

import base64
import concurrent.futures
import threading

import psycopg
import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import PASSWORD

NEW = "a new and better one"


def refresh(hospital, token):
    return hospital.do("IdentityService/Refresh", pb.RefreshRequest(refresh_token=token))


def claims(hospital, session):
    return hospital.house.verifier.verify(session.access_token)


def why(call):
    """OK, or the reason of the refusal."""
    try:
        call()
    except errors.HmsError as error:
        return error.reason
    return "OK"


def version(hospital, user_id):
    return hospital.house.owner.execute(
        "SELECT t.permission_version + u.permission_version FROM tenant t JOIN user_account u"
        " ON u.tenant_id = t.id WHERE t.id = %s AND u.id = %s",
        [hospital.id, user_id],
    ).fetchone()[0]


class Held:
    """Holds a session's row, so that whoever refreshes it waits; what he has read by then is of before."""

    def __init__(self, database, hospital, session_id):
        self._connection = psycopg.connect(database.owner)
        self._hospital, self._session_id = hospital, session_id

    def __enter__(self):
        self._connection.execute(
            "SELECT 1 FROM session WHERE tenant_id = %s AND id = %s FOR UPDATE",
            [self._hospital.id, self._session_id],
        )
        return self

    def wait_for_another(self):
        """Returns when somebody waits for the row."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not self._hospital.house.owner.execute(waiting).fetchone()[0]:
            pass

    def revoke(self):
        self._connection.execute(
            "UPDATE session SET revoke_time = now(), revoke_reason = 'REVOKED'"
            " WHERE tenant_id = %s AND id = %s",
            [self._hospital.id, self._session_id],
        )

    def __exit__(self, *_):
        self._connection.commit()
        self._connection.close()


@pytest.fixture
def meera(hospital):
    return hospital.user("meera", "DOCTOR")


@pytest.fixture
def session(hospital, meera):
    return hospital.login("meera")


# Races


def test_a_role_that_is_withdrawn_during_a_refresh_is_in_no_token_that_passes(
    hospital, database, meera, session
):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with Held(database, hospital, claims(hospital, session).session_id) as held:
            refreshing = pool.submit(refresh, hospital, session.refresh_token)
            held.wait_for_another()
            hospital.change(meera.id, mask=("role_codes",))
        caller = claims(hospital, refreshing.result(10))
    # Either of before, and then stale on the next call, or of after: never the old list at the new version.
    stale = caller.permission_version < version(hospital, meera.id)
    assert stale == ("patient.write" in caller.permissions)


def test_a_session_that_is_revoked_during_a_refresh_gives_nothing(hospital, database, session):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with Held(database, hospital, claims(hospital, session).session_id) as held:
            refreshing = pool.submit(why, lambda: refresh(hospital, session.refresh_token))
            held.wait_for_another()
            held.revoke()
        assert refreshing.result(10) == "SESSION_REVOKED"


def together(*calls):
    """The answers or refusals of calls that are made at the same moment."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(10)
        try:
            return call()
        except errors.HmsError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("how", ["change", "reset", "by an administrator", "disable"])
def test_no_other_session_outlives_a_new_password_however_it_refreshes(hospital, meera, how):
    password = PASSWORD
    for number in range(6):
        stolen, own = hospital.login("meera", password), hospital.login("meera", password)
        fresh = f"a new and better one {number}"
        request = pb.ChangePasswordRequest(present_password=password, new_password=fresh)
        token = hospital.do("IdentityService/ResetPassword", pb.ResetPasswordRequest(id=meera.id)).token
        completion = pb.CompletePasswordResetRequest(token=token, new_password=fresh)
        act = {
            "change": lambda r=request, o=own: hospital.do(
                "IdentityService/ChangePassword", r, o.access_token
            ),
            "reset": lambda c=completion: hospital.house.do("IdentityService/CompletePasswordReset", c),
            "by an administrator": lambda f=fresh: hospital.change(meera.id, password=f),
            "disable": lambda: hospital.change(meera.id, state=pb.USER_STATE_DISABLED),
        }[how]
        pair, done = together(lambda s=stolen: refresh(hospital, s.refresh_token), act)
        assert not isinstance(done, errors.HmsError), done
        tokens = [stolen.refresh_token]
        if isinstance(pair, pb.RefreshResponse):
            tokens.append(pair.refresh_token)
        for each in tokens:
            assert why(lambda t=each: refresh(hospital, t)) == "SESSION_REVOKED"
        assert why(lambda o=own: refresh(hospital, o.refresh_token)) == (
            "OK" if how == "change" else "SESSION_REVOKED"
        )
        if how == "disable":
            hospital.change(meera.id, state=pb.USER_STATE_ACTIVE)
        else:
            password = fresh


def test_no_log_in_slips_through_while_the_user_is_disabled(hospital, meera):
    for _ in range(6):
        opened, _ = together(
            lambda: hospital.login("meera"),
            lambda: hospital.change(meera.id, state=pb.USER_STATE_DISABLED),
        )
        if isinstance(opened, pb.LoginResponse):
            assert why(lambda o=opened: refresh(hospital, o.refresh_token)) == "SESSION_REVOKED"
        listed = pb.ListSessionsRequest(user_id=meera.id)
        assert not hospital.do("IdentityService/ListSessions", listed).sessions
        hospital.change(meera.id, state=pb.USER_STATE_ACTIVE)


def test_a_user_who_is_enabled_again_gets_no_old_session_back(hospital, meera, session):
    hospital.change(meera.id, state=pb.USER_STATE_DISABLED)
    assert why(lambda: refresh(hospital, session.refresh_token)) == "SESSION_REVOKED"
    hospital.change(meera.id, state=pb.USER_STATE_ACTIVE)
    assert why(lambda: refresh(hospital, session.refresh_token)) == "SESSION_REVOKED"
    assert hospital.login("meera").access_token


# Fixation and forgery


def test_a_log_in_always_opens_a_session_of_its_own(hospital, meera, session):
    """Nobody can make somebody else log in to a session that he knows."""
    policy_call = hospital.house.call("IdentityService/Login", session.access_token)
    policy_call.metadata.update({"authorization": f"Bearer {session.access_token}", "cookie": "session=x"})
    request = pb.LoginRequest(tenant=hospital.code, username="meera", password=PASSWORD)
    again = hospital.house.identity.Login(request, policy_call)
    assert claims(hospital, again).session_id != claims(hospital, session).session_id
    assert again.refresh_token != session.refresh_token
    assert why(lambda: refresh(hospital, session.refresh_token)) == "OK"


def test_a_refresh_token_is_of_one_session_and_one_hospital(house, hospital, session):
    other = house.hospital()
    mine, theirs = (base64.urlsafe_b64decode(s.refresh_token + "==") for s in (session, other.session))
    mixed = [
        theirs[:16] + mine[16:],  # my session, said to be of another hospital
        mine[:16] + theirs[16:32] + mine[32:],  # another session's id
        mine[:32] + theirs[32:48] + mine[48:],
        mine[:48] + theirs[48:],
        mine[:48],
        mine + b"\0",
        b"\0" * 64,
    ]
    for raw in mixed:
        text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        assert why(lambda t=text: refresh(hospital, t)) == "TOKEN_INVALID"
    spelt = session.refresh_token
    for text in (spelt + "==", spelt + "\n", f" {spelt}", spelt[:40] + "!" + spelt[40:]):
        assert why(lambda t=text: refresh(hospital, t)) == "TOKEN_INVALID"
    assert why(lambda: refresh(hospital, spelt)) == "OK"


def test_one_kind_of_token_is_no_other(hospital, meera, session):
    reset = hospital.do("IdentityService/ResetPassword", pb.ResetPasswordRequest(id=meera.id)).token
    for text in (session.access_token, reset):
        assert why(lambda t=text: refresh(hospital, t)) == "TOKEN_INVALID"
    for text in (session.access_token, session.refresh_token):
        request = pb.CompletePasswordResetRequest(token=text, new_password=NEW)
        call = lambda r=request: hospital.house.do("IdentityService/CompletePasswordReset", r)  # noqa: E731
        assert why(call) == "TOKEN_INVALID"
    for text in (session.refresh_token, reset):
        with pytest.raises(errors.Unauthenticated):
            hospital.house.verifier.verify(text)


# Who is there


class Counted:
    """A hasher that tells which hashes were compared."""

    def __init__(self, hasher):
        self._hasher, self.compared = hasher, []

    def verify(self, stored, password):
        self.compared.append(stored)
        return self._hasher.verify(stored, password)

    def __getattr__(self, name):
        return getattr(self._hasher, name)


def test_every_wrong_log_in_costs_the_same_hash_whoever_is_named(hospital, meera, monkeypatch):
    """Time tells nobody whether a hospital, a user or a service account is there, or is disabled."""
    passwords = hospital.house.passwords
    hasher = Counted(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    account = pb.ServiceAccount(name="lab-gateway")
    request = pb.CreateServiceAccountRequest(service_account=account)
    hospital.do("IdentityService/CreateServiceAccount", request)
    out = hospital.user("out")
    hospital.change(out.id, state=pb.USER_STATE_DISABLED)
    costs, texts = set(), set()
    for tenant, username in (
        (hospital.code, "meera"),
        (hospital.id, "meera"),
        (hospital.code, "nobody"),
        (hospital.code, "out"),
        (hospital.code, "lab-gateway"),
        (hospital.code, "not a name!"),
        ("no-such-hospital", "meera"),
        (ids.uuid7(), "meera"),
        ("platform", "meera"),
    ):
        hasher.compared.clear()
        with pytest.raises(errors.Unauthenticated) as caught:
            hospital.house.login(tenant, username, "not the password")
        texts.add((caught.value.reason, caught.value.message))
        (stored,) = hasher.compared
        # Algorithm, version, memory, passes and lanes: all but salt and digest.
        costs.add(stored.split("$")[1:4].__str__())
    assert len(costs) == len(texts) == 1


def test_a_stranger_cannot_tell_reset_tokens_by_the_work_that_they_make(hospital, meera, monkeypatch):
    """Only the right token is worth a hash."""
    hasher = Counted(hospital.house.passwords._hasher)
    monkeypatch.setattr(hospital.house.passwords, "_hasher", hasher)
    right = hospital.do("IdentityService/ResetPassword", pb.ResetPasswordRequest(id=meera.id)).token
    raw = bytearray(base64.urlsafe_b64decode(right + "=="))
    raw[-1] ^= 1
    wrong = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    request = pb.CompletePasswordResetRequest(token=wrong, new_password=PASSWORD)
    assert why(lambda: hospital.house.do("IdentityService/CompletePasswordReset", request)) == "TOKEN_INVALID"
    assert hasher.compared == []


# Lists of sessions


def test_sessions_of_another_hospitals_user_are_nobodys(house, hospital, meera, session):
    other = house.hospital()
    request = pb.ListSessionsRequest(user_id=meera.id)
    assert not other.do("IdentityService/ListSessions", request).sessions
    hospital.login("meera")
    mine = hospital.do("IdentityService/ListSessions", pb.ListSessionsRequest(user_id=meera.id, page_size=1))
    assert mine.next_page_token
    for stranger, user_id in ((other, meera.id), (hospital, "")):
        request = pb.ListSessionsRequest(user_id=user_id, page_size=1, page_token=mine.next_page_token)
        call = lambda s=stranger, r=request: s.do("IdentityService/ListSessions", r)  # noqa: E731
        assert why(call) == "INVALID_PAGE_TOKEN"


# Edges of time


def age(hospital, **columns):
    sets = ", ".join(
        f"{name} = {name} - make_interval(secs => {seconds})" for name, seconds in columns.items()
    )
    hospital.house.owner.execute(f"UPDATE session SET {sets} WHERE tenant_id = %s", [hospital.id])


def times(hospital, **seconds):
    request = admin_pb2.UpdateSettingsRequest(settings=admin_pb2.Settings(**seconds))
    hospital.do("AdminService/UpdateSettings", request)


@pytest.mark.parametrize(
    ("seconds", "columns", "stands"),
    [
        ({"session_idle_seconds": 600}, {"rotate_time": 595}, True),
        ({"session_idle_seconds": 600}, {"rotate_time": 600}, False),
        ({"session_seconds": 600}, {"create_time": 595}, True),
        ({"session_seconds": 600}, {"create_time": 600}, False),
        ({}, {"expire_time": 3595}, True),
        ({}, {"expire_time": 3600}, False),
    ],
    ids=str,
)
def test_what_is_listed_is_what_can_be_refreshed_at_every_edge(hospital, seconds, columns, stands):
    session = hospital.login("admin")
    times(hospital, **seconds)
    age(hospital, **columns)
    listed = hospital.do("IdentityService/ListSessions", pb.ListSessionsRequest()).sessions
    assert bool(listed) == stands
    if stands:
        pair = refresh(hospital, session.refresh_token)
        # The token ends with the session, or half-way to its idle end.
        end = 300 if "session_idle_seconds" in seconds else 5
        assert pair.expires_in <= end
    else:
        assert why(lambda: refresh(hospital, session.refresh_token)) == "SESSION_REVOKED"


def test_a_session_that_was_told_to_have_ended_does_not_come_back_with_longer_times(hospital):
    session = hospital.login("admin")
    times(hospital, session_idle_seconds=600)
    age(hospital, rotate_time=601)
    assert why(lambda: refresh(hospital, session.refresh_token)) == "SESSION_REVOKED"
    times(hospital, session_idle_seconds=86400)
    assert why(lambda: refresh(hospital, session.refresh_token)) == "SESSION_REVOKED"


def test_the_grace_of_a_refresh_ends_and_lengthens_no_session(hospital):
    """Whoever repeats the token of before within the grace gets no other pair than the one that was made."""
    first = refresh(hospital, hospital.session.refresh_token)
    before = hospital.house.owner.execute(
        "SELECT rotate_time, refresh_hash FROM session WHERE tenant_id = %s", [hospital.id]
    ).fetchall()
    for _ in range(3):
        assert refresh(hospital, hospital.session.refresh_token).refresh_token == first.refresh_token
    after = hospital.house.owner.execute(
        "SELECT rotate_time, refresh_hash FROM session WHERE tenant_id = %s", [hospital.id]
    ).fetchall()
    assert before == after
    age(hospital, rotate_time=10)
    assert why(lambda: refresh(hospital, hospital.session.refresh_token)) == "REFRESH_TOKEN_REUSED"


# Services


def test_a_services_token_cannot_be_made_into_more(hospital):
    """No password, no refresh, no longer session: not by its own calls."""
    account = pb.ServiceAccount(name="lab", permissions=["patient.read"])
    request = pb.CreateServiceAccountRequest(service_account=account)
    made = hospital.do("IdentityService/CreateServiceAccount", request)
    issue = pb.IssueServiceTokenRequest(
        tenant=hospital.code, client_id=made.id, client_secret=made.client_secret
    )
    token = hospital.house.do("IdentityService/IssueServiceToken", issue).access_token
    for present in ("-", made.client_secret, "x"):
        change = pb.ChangePasswordRequest(present_password=present, new_password=NEW)
        call = lambda c=change: hospital.do("IdentityService/ChangePassword", c, token)  # noqa: E731
        assert why(call) == "BAD_CREDENTIALS"
    assert why(lambda: hospital.login("lab", NEW)) == "BAD_CREDENTIALS"
