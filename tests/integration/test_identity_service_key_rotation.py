"""Keys of service accounts on the real database: rotation, removal, and who may register them."""

from __future__ import annotations

import concurrent.futures
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.identity import services_store
from tests.service_accounts import (
    PAIRS,
    add,
    count_sessions,
    get,
    issue,
    make,
    pem,
    refused,
    remove,
    rotate,
    signed,
)


@pytest.fixture
def account(hospital):
    made = make(hospital, without_secret=True)
    return add(hospital, made, PAIRS["EdDSA"], "one")


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
