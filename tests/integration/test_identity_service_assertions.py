"""Service accounts that sign who they are (RFC 7523), on the real database: rotation, replays, forgeries."""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.identity import services_store
from tests.fix_identity import AUDIENCE

_numbers = itertools.count(1)
PAIRS = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def pem(private):
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(*form).decode()


def make(hospital, *permissions, **fields):
    account = pb.ServiceAccount(
        name=f"service-{next(_numbers)}", permissions=permissions or ("patient.read",)
    )
    request = pb.CreateServiceAccountRequest(service_account=account, **fields)
    return hospital.do("IdentityService/CreateServiceAccount", request)


def add(hospital, account, private, kid, token="", expire=None):
    key = pb.ServiceAccountKey(kid=kid, public_key=private if isinstance(private, str) else pem(private))
    if expire is not None:
        key.expire_time.FromSeconds(int(expire))
    request = pb.AddServiceAccountKeyRequest(id=account.id, key=key)
    return hospital.do("IdentityService/AddServiceAccountKey", request, token)


def remove(hospital, account, kid, token="", request_id=""):
    request = pb.RemoveServiceAccountKeyRequest(id=account.id, kid=kid, request_id=request_id)
    return hospital.do("IdentityService/RemoveServiceAccountKey", request, token)


def rotate(hospital, account, **fields):
    request = pb.RotateServiceAccountSecretRequest(id=account.id, **fields)
    return hospital.do("IdentityService/RotateServiceAccountSecret", request)


def claims(account, **changes):
    now = int(time.time())
    made = {"iss": account.id, "sub": account.id, "aud": AUDIENCE}
    made |= {"iat": now, "exp": now + 60, "jti": ids.uuid7()}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def signed(account, private=PAIRS["EdDSA"], kid="one", algorithm="EdDSA", headers=None, **changes):
    return jwt.encode(
        claims(account, **changes), private, algorithm=algorithm, headers={"kid": kid, **(headers or {})}
    )


def issue(hospital, account, assertion, tenant=None, **fields):
    request = pb.IssueServiceTokenRequest(
        tenant=tenant or hospital.code, client_id=account.id, client_assertion=assertion, **fields
    )
    return hospital.house.do("IdentityService/IssueServiceToken", request)


def refused(hospital, account, assertion, **fields):
    with pytest.raises(errors.Unauthenticated) as caught:
        issue(hospital, account, assertion, **fields)
    assert caught.value.reason == "BAD_CREDENTIALS"
    assert caught.value.message == "Wrong tenant, client id, secret or assertion."
    return True


@pytest.fixture
def account(hospital):
    made = make(hospital, without_secret=True)
    return add(hospital, made, PAIRS["EdDSA"], "one")


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_service_logs_in_with_what_it_signs(hospital, algorithm):
    account = make(hospital)
    shown = add(hospital, account, PAIRS[algorithm], "mine")
    assert [(k.kid, k.algorithm, k.public_key) for k in shown.keys] == [
        ("mine", algorithm, pem(PAIRS[algorithm]))
    ]
    assert shown.assertion_audience == AUDIENCE
    token = issue(hospital, account, signed(account, PAIRS[algorithm], "mine", algorithm))
    assert (token.token_type, token.expires_in) == ("Bearer", 900)
    caller = hospital.house.verifier.verify(token.access_token)
    assert (caller.user_id, caller.permissions) == (account.id, {"patient.read"})
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["actor_id"], record["session_id"]) == (
        "OK", account.id, caller.session_id,
    )  # fmt: skip
    # The secret works beside it.
    by_secret = pb.IssueServiceTokenRequest(
        tenant=hospital.code, client_id=account.id, client_secret=account.client_secret
    )
    assert hospital.house.do("IdentityService/IssueServiceToken", by_secret).access_token


def test_one_audience_in_a_list_is_as_good(hospital, account):
    assert issue(hospital, account, signed(account, aud=[AUDIENCE])).access_token


@pytest.mark.parametrize("fields", [{}, {"client_secret": "x", "client_assertion": "y"}])
def test_exactly_one_proof_is_sent(hospital, account, fields):
    request = pb.IssueServiceTokenRequest(tenant=hospital.code, client_id=account.id, **fields)
    with pytest.raises(errors.InvalidArgument):
        hospital.house.do("IdentityService/IssueServiceToken", request)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"sub": None},
        {"iss": "another"},
        {"sub": ids.uuid7()},
        {"aud": None},
        {"aud": "https://hms.example.org"},
        {"aud": AUDIENCE + "/"},
        {"aud": [AUDIENCE, "https://elsewhere.example.org"]},
        {"aud": []},
        {"exp": None},
        {"exp": 0},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 3600},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": "2099"},
        {"exp": True},
        {"iat": None},
        {"iat": int(time.time()) + 600},
        {"iat": float("nan")},
        {"iat": "now"},
        {"nbf": int(time.time()) + 600},
        {"nbf": "later"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
    ],
    ids=str,
)
def test_claims_that_are_wrong_are_refused_alike(hospital, account, changes):
    # By hand: json writes NaN and infinity, too.
    body = claims(account, **changes)
    text = by_hand({"alg": "EdDSA", "kid": "one"}, body, PAIRS["EdDSA"].sign)
    assert refused(hospital, account, text)
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"], record["actor_id"]) == (
        "UNAUTHENTICATED", "BAD_CREDENTIALS", account.id,
    )  # fmt: skip
    assert not kept(hospital)


def kept(hospital):
    return hospital.house.owner.execute(
        "SELECT count(*) FROM service_assertion WHERE tenant_id = %s", [hospital.id]
    ).fetchone()[0]


def by_hand(header, body, sign):
    def part(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    text = f"{part(header)}.{part(body)}"
    return f"{text}.{part(sign(text.encode()))}"


def test_the_algorithm_is_the_keys_and_not_the_headers(hospital):
    account = make(hospital)
    for algorithm, private in PAIRS.items():
        add(hospital, account, private, algorithm)
    body = claims(account)

    def mac(secret):
        return lambda text: hmac.digest(secret, text, hashlib.sha256)

    for kid, private in PAIRS.items():
        public = pem(private)
        forgeries = [
            by_hand({"alg": "none", "kid": kid}, body, lambda text: b""),
            by_hand({"alg": "None", "kid": kid}, body, lambda text: b""),
            by_hand({"alg": "", "kid": kid}, body, lambda text: b""),
            by_hand({"kid": kid}, body, lambda text: b""),
            # The public key as a shared secret: the classic of RS256 and HS256.
            *(
                by_hand({"alg": "HS256", "kid": kid}, body, mac(secret))
                for secret in (public.encode(), public.strip().encode(), b"")
            ),
            # Signed well, by a key of the same account, and said to be by another.
            *(signed(account, PAIRS[other], kid, other) for other in PAIRS if other != kid),
            # An RSA key's other algorithms.
            *(
                signed(account, private, kid, other)
                for other in ("RS384", "RS512", "PS256")
                if kid == "RS256"
            ),
        ]
        for forged in forgeries:
            assert refused(hospital, account, forged), forged


def test_keys_that_come_with_the_assertion_are_not_looked_at(hospital, account):
    stranger = ed25519.Ed25519PrivateKey.generate()
    theirs = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(stranger.public_key()))
    for headers in (
        {"jwk": theirs},
        {"jku": "https://evil.example.org/jwks.json"},
        {"x5u": "https://evil.example.org/x"},
        {"x5c": ["AAAA"]},
    ):
        assert refused(hospital, account, signed(account, stranger, headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "two"},
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"kid": ["one"]},
        {"kid": "one\0"},
        {"kid": "one\n"},
        {"kid": "\ud800"},
        {"kid": "k" * 129},
        {"crit": ["exp"]},
        {"b64": False},
    ],
    ids=str,
)
def test_a_kid_that_is_not_the_accounts_and_extensions_are_refused(hospital, account, headers):
    header = {"alg": "EdDSA", "kid": "one", **headers}
    assert refused(hospital, account, by_hand(header, claims(account), PAIRS["EdDSA"].sign))


@pytest.mark.parametrize(
    "text", ["x", "a.b.c", "..", "a" * 4096, "é.é.é", ".".join(["e30"] * 3), "W10.e30.AA", "bnVsbA.e30.AA"]
)
def test_what_is_no_jwt_is_refused_alike(hospital, account, text):
    assert refused(hospital, account, text)


def test_a_key_of_another_account_of_another_hospital_or_of_nobody_is_foreign(house, hospital, account):
    neighbour = add(hospital, make(hospital), PAIRS["ES256"], "theirs")
    assert refused(hospital, account, signed(account, PAIRS["ES256"], "theirs", "ES256"))
    assert refused(hospital, neighbour, signed(neighbour))
    other = house.hospital()
    twin = add(other, make(other), PAIRS["RS256"], "one")
    assert refused(hospital, account, signed(account, PAIRS["RS256"], "one", "RS256"))
    # The right assertion, for the wrong hospital or for none.
    for tenant in (other.code, other.id, "no-such-hospital", ids.uuid7()):
        assert refused(hospital, account, signed(account), tenant=tenant)
    assert refused(other, twin, signed(account))
    # Two accounts may have one key: what is signed for one is still not good for the other.
    add(hospital, neighbour, PAIRS["EdDSA"], "one")
    assert refused(hospital, neighbour, signed(account))
    assert issue(hospital, neighbour, signed(neighbour)).access_token


def test_an_assertion_works_once_and_the_auditor_is_told(hospital, account):
    text = signed(account)
    assert issue(hospital, account, text).access_token
    sessions = count_sessions(hospital, account)
    assert refused(hospital, account, text)
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"], record["actor_id"]) == (
        "UNAUTHENTICATED", "ASSERTION_REPLAYED", account.id,
    )  # fmt: skip
    assert count_sessions(hospital, account) == sessions
    # The same jti in another one is no better.
    twice = jwt.decode(text, options={"verify_signature": False})["jti"]
    assert refused(hospital, account, signed(account, jti=twice, exp=int(time.time()) + 200))
    # Another account has ids of its own.
    other = add(hospital, make(hospital), PAIRS["EdDSA"], "one")
    assert issue(hospital, other, signed(other, jti=twice)).access_token


def count_sessions(hospital, account):
    request = pb.ListSessionsRequest(user_id=account.id)
    return len(hospital.do("IdentityService/ListSessions", request).sessions)


def test_of_one_assertion_sent_20_times_at_once_one_opens_a_session(hospital, account):
    text, together = signed(account), threading.Barrier(4)

    def knock(_):
        together.wait(10)
        try:
            return bool(issue(hospital, account, text).access_token)
        except errors.Unauthenticated:
            return False

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(knock, range(20))) == 1
    assert count_sessions(hospital, account) == 1


def test_what_is_kept_of_assertions_outlives_them_and_is_then_forgotten(hospital, account):
    owner = hospital.house.owner
    for _ in range(3):
        issue(hospital, account, signed(account))
    assert kept(hospital) == 3
    owner.execute(
        "UPDATE service_assertion SET expire_time = now() - interval '59 minutes' WHERE tenant_id = %s",
        [hospital.id],
    )
    issue(hospital, account, signed(account))
    assert kept(hospital) == 4
    owner.execute(
        "UPDATE service_assertion SET expire_time = now() - interval '61 minutes' WHERE tenant_id = %s",
        [hospital.id],
    )
    issue(hospital, account, signed(account))
    assert kept(hospital) == 1


def test_keys_are_rotated_without_a_pause(hospital, account):
    fresh = ed25519.Ed25519PrivateKey.generate()
    token = issue(hospital, account, signed(account)).access_token
    hospital.house.published()
    shown = add(hospital, account, fresh, "two")
    assert [key.kid for key in shown.keys] == ["one", "two"]
    for private, kid in ((PAIRS["EdDSA"], "one"), (fresh, "two")):
        assert issue(hospital, account, signed(account, private, kid)).access_token
    later = time.time() + 3600
    shown = add(hospital, account, PAIRS["EdDSA"], "one", expire=later)
    assert [key.expire_time.seconds for key in shown.keys] == [int(later), 0]
    # Its session goes on, too.
    assert hospital.house.published() == []
    assert hospital.house.verifier.verify(token).user_id == account.id
    assert issue(hospital, account, signed(account)).access_token
    hospital.house.owner.execute(
        "UPDATE service_account_key SET expire_time = now() WHERE account_id = %s AND kid = 'one'",
        [account.id],
    )
    assert refused(hospital, account, signed(account))
    assert issue(hospital, account, signed(account, fresh, "two")).access_token


def test_a_removed_key_is_void_at_once_and_so_is_what_it_opened(hospital, account):
    add(hospital, account, PAIRS["ES256"], "two")
    token = issue(hospital, account, signed(account)).access_token
    session_id = hospital.house.verifier.verify(token).session_id
    hospital.house.published()
    request_id = ids.uuid7()
    shown = remove(hospital, account, "one", request_id=request_id)
    assert [key.kid for key in shown.keys] == ["two"]
    assert ("session", hospital.id, session_id) in hospital.house.published()
    record = hospital.outbox()[-1]
    assert (record["method"].endswith("/RemoveServiceAccountKey"), record["entity_id"]) == (True, account.id)
    assert record["new_version"] == record["old_version"] + 1
    assert refused(hospital, account, signed(account))
    assert issue(hospital, account, signed(account, PAIRS["ES256"], "two", "ES256")).access_token
    # A repeat ends nothing more, but tells once more what the first may not have come to tell.
    hospital.house.published()
    assert remove(hospital, account, "one", request_id=request_id) == shown
    assert hospital.house.published() == [("user", hospital.id, account.id, 2)]
    with pytest.raises(errors.NotFound):
        remove(hospital, account, "one")
    versions = hospital.house.owner.execute(
        "SELECT row_data -> 'keys' FROM user_account_version WHERE id = %s ORDER BY version", [account.id]
    ).fetchall()
    assert [[key["kid"] for key in row[0]] for row in versions] == [[], ["one"], ["one", "two"]]


def test_a_key_that_is_removed_while_it_logs_in_opens_nothing(hospital, account, monkeypatch):
    opens = services_store.open_session_by_key

    def removed_first(*arguments, **fields):
        if [key.kid for key in get(hospital, account).keys] == ["one"]:
            remove(hospital, account, "one")
        return opens(*arguments, **fields)

    monkeypatch.setattr(services_store, "open_session_by_key", removed_first)
    assert refused(hospital, account, signed(account))
    assert count_sessions(hospital, account) == 0


def get(hospital, account):
    return hospital.do("IdentityService/GetServiceAccount", pb.GetServiceAccountRequest(id=account.id))


def test_a_removal_waits_for_a_log_in_that_is_under_way_and_ends_it(hospital, account):
    """The log-in holds the account's row: whoever removes the key sees the session that it opens."""
    house, text = hospital.house, signed(account)
    with house.database.tenant_transaction(hospital.id) as log_in:
        opened = services_store.open_session_by_key(
            log_in,
            session_id=ids.uuid7(),
            client_id=account.id,
            kid="one",
            public_key=pem(PAIRS["EdDSA"]),
            refresh_hash=b"x",
            address="",
            seconds=900,
        )
        log_in.flush()
        assert opened.first is not None
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            removing = pool.submit(remove, hospital, account, "one")
            with pytest.raises(concurrent.futures.TimeoutError):
                removing.result(0.3)
            log_in.commit()
            removing.result(10)
    assert count_sessions(hospital, account) == 0
    assert refused(hospital, account, text)


def test_a_disabled_account_and_a_suspended_hospital_are_out(house, hospital, account):
    disabled = pb.ServiceAccount(id=account.id, state=pb.USER_STATE_DISABLED)
    change = pb.UpdateServiceAccountRequest(service_account=disabled)
    hospital.do("IdentityService/UpdateServiceAccount", change)
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account, signed(account))
    assert caught.value.reason == "USER_DISABLED"
    # Whoever cannot prove who he is learns nothing of that.
    assert refused(hospital, account, signed(account, PAIRS["ES256"], "one", "ES256"))
    tenant = admin_pb2.Tenant(id=hospital.id, state=admin_pb2.TENANT_STATE_SUSPENDED)
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account, signed(account))
    assert caught.value.reason == "TENANT_SUSPENDED"


def test_an_account_without_a_secret_has_none_to_guess(hospital, account):
    assert account.client_secret == ""
    assert not account.HasField("secret_time")
    for guess in ("", "None", "-", "null"):
        request = pb.IssueServiceTokenRequest(tenant=hospital.code, client_id=account.id, client_secret=guess)
        with pytest.raises((errors.Unauthenticated, errors.InvalidArgument)):
            hospital.house.do("IdentityService/IssueServiceToken", request)
    again = rotate(hospital, account)
    assert again.client_secret
    assert again.HasField("secret_time")


def test_a_secret_is_taken_away_once_there_is_a_key(hospital):
    account = make(hospital)
    with pytest.raises(errors.FailedPrecondition):
        rotate(hospital, account, remove=True)
    add(hospital, account, PAIRS["EdDSA"], "one")
    by_secret = pb.IssueServiceTokenRequest(
        tenant=hospital.code, client_id=account.id, client_secret=account.client_secret
    )
    kept_on = rotate(hospital, account, remove=True, keep_present_seconds=600)
    assert kept_on.client_secret == ""
    assert hospital.house.do("IdentityService/IssueServiceToken", by_secret).access_token
    rotate(hospital, account, remove=True)
    with pytest.raises(errors.Unauthenticated):
        hospital.house.do("IdentityService/IssueServiceToken", by_secret)
    assert issue(hospital, account, signed(account)).access_token


def test_the_same_key_again_changes_nothing_and_another_of_its_kid_is_refused(hospital, account):
    before = get(hospital, account)
    assert add(hospital, account, PAIRS["EdDSA"], "one") == before
    with pytest.raises(errors.AlreadyExists):
        add(hospital, account, PAIRS["ES256"], "one")
    with pytest.raises(errors.InvalidArgument):
        add(hospital, account, PAIRS["EdDSA"], "one", expire=time.time() - 5)
    assert get(hospital, account) == before


def test_an_account_has_ten_keys_at_most(hospital, account):
    for number in range(9):
        add(hospital, account, ed25519.Ed25519PrivateKey.generate(), f"k{number}")
    with pytest.raises(errors.FailedPrecondition):
        add(hospital, account, ed25519.Ed25519PrivateKey.generate(), "k10")
    remove(hospital, account, "k3")
    assert add(hospital, account, ed25519.Ed25519PrivateKey.generate(), "k10").keys[-1].kid == "k10"


def test_a_private_key_is_refused_and_kept_nowhere(hospital, account):
    form = serialization.PrivateFormat.PKCS8
    private = ed25519.Ed25519PrivateKey.generate()
    text = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    with pytest.raises(errors.InvalidArgument) as caught:
        add(hospital, account, text, "mine")
    middle = text.splitlines()[1][10:40]
    assert middle not in caught.value.message
    owner = hospital.house.owner
    everything = str(owner.execute("SELECT service_account_key::text FROM service_account_key").fetchall())
    assert middle not in everything + str(hospital.outbox())


def test_nobody_signs_for_an_account_that_may_do_more_than_he(hospital):
    strong = add(hospital, make(hospital, "patient.write"), PAIRS["EdDSA"], "one")
    hospital.role("KEYS", "service_account.write", "patient.read")
    hospital.user("keeper", "KEYS")
    token = hospital.login("keeper").access_token
    for act in (
        lambda: add(hospital, strong, PAIRS["ES256"], "mine", token),
        lambda: add(hospital, strong, PAIRS["EdDSA"], "one", token, expire=time.time() + 60),
        lambda: remove(hospital, strong, "one", token),
    ):
        with pytest.raises(errors.PermissionDenied):
            act()
    weak = make(hospital, "patient.read")
    assert add(hospital, weak, PAIRS["ES256"], "mine", token).keys


def test_keys_of_another_hospital_cannot_be_touched(house, hospital, account):
    other = house.hospital()
    for act in (
        lambda: add(other, account, PAIRS["ES256"], "mine"),
        lambda: remove(other, account, "one"),
        lambda: get(other, account),
    ):
        with pytest.raises(errors.NotFound):
            act()


def test_users_have_no_keys(hospital):
    user = hospital.user("ravi")
    with pytest.raises(errors.NotFound):
        add(hospital, user, PAIRS["EdDSA"], "one")


def test_an_installation_that_has_no_address_takes_no_assertion(hospital, account, monkeypatch):
    monkeypatch.setattr(hospital.house.identity._service_tokens, "_audience", "")
    for aud in ("", AUDIENCE, None, "/v1/auth:token", []):
        assert refused(hospital, account, signed(account, aud=aud))
