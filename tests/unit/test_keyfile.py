"""The key file is rotated while servers run, and nobody is logged out."""

from __future__ import annotations

import concurrent.futures
import io
import json
import stat

import pytest

from hms_server import __main__ as command_line
from hms_server import clock, errors, ids, keyfile, keyring
from hms_server.identity.tokens import TokenIssuer, TokenVerifier


class Time:
    """Both clocks, held still."""

    def __init__(self, monkeypatch):
        self.now = 1_800_000_000.0
        monkeypatch.setattr(clock, "unix_seconds", lambda: self.now)
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)


@pytest.fixture
def time(monkeypatch):
    return Time(monkeypatch)


@pytest.fixture
def path(tmp_path, time):
    keyfile.create(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def issue(source):
    return (
        TokenIssuer(source, 900)
        .issue(
            tenant_id=ids.uuid7(),
            user_id=ids.uuid7(),
            session_id=ids.uuid7(),
            username="asha",
            permission_version=2,
            permissions=frozenset(),
            latest=clock.unix_seconds() + 1e6,
        )
        .text
    )


def key_ids(path):
    return [key.key_id for key in keyring.load(path).signing]


def test_a_rotated_file_keeps_what_was_in_it(path):
    before = json.loads(path.read_text())
    made = keyfile.rotate(path, signing=True, audit=True)
    after = json.loads(path.read_text())
    assert [after["signing"][0]["key_id"], after["audit"][0]["key_id"]] == made
    assert (after["signing"][1:], after["audit"][1:]) == (before["signing"], before["audit"])
    assert (after["page_token"], after["request_hash"]) == (before["page_token"], before["request_hash"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_kind_is_rotated_alone(path):
    keyfile.rotate(path, signing=True, audit=False)
    keyfile.rotate(path, signing=False, audit=True)
    ring = keyring.load(path)
    assert (len(ring.signing), len(ring.audit)) == (2, 2)


def test_a_new_key_is_published_before_it_signs(path, time):
    live = keyring.KeyFile(path)
    (old,) = key_ids(path)
    (new,) = keyfile.rotate(path, signing=True, audit=False)
    time.now += 10
    assert [key.key_id for key in live.current().signing] == [new, old]
    assert live.current().signing_key().key_id == old
    time.now += keyfile.DELAY_SECONDS
    assert live.current().signing_key().key_id == new


def test_nobody_is_logged_out(path, time):
    """One process signs with the new key a moment before another has looked at the file."""
    signing, verifying = keyring.KeyFile(path), keyring.KeyFile(path)
    verifier = TokenVerifier(verifying)
    old = issue(signing)
    assert verifier.verify(old)
    time.now += 1
    keyfile.rotate(path, signing=True, audit=False, delay_seconds=0)
    time.now += 0.5
    signing.reread()
    new = issue(signing)
    assert new.split(".")[0] != old.split(".")[0]
    assert verifier.verify(new)
    assert TokenVerifier(verifying).verify(old)
    assert TokenVerifier(verifying).verify(new)


def test_a_key_that_is_gone_verifies_nothing(path, time):
    live = keyring.KeyFile(path)
    old = issue(live)
    verifier = TokenVerifier(live)
    verifier.verify(old)
    keyfile.rotate(path, signing=True, audit=False, delay_seconds=0)
    content = json.loads(path.read_text())
    del content["signing"][1]
    path.write_text(json.dumps(content))
    time.now += 61
    with pytest.raises(errors.Unauthenticated):
        verifier.verify(old)


def test_a_file_that_cannot_be_read_changes_nothing(path, time, caplog):
    live = keyring.KeyFile(path)
    kept = live.current()
    for text in ("", '{"signing": []}', path.read_text().replace('"page_token"', '"other"')):
        path.write_text(text)
        time.now += 10
        assert live.current() is kept
    path.unlink()
    time.now += 10
    assert live.current() is kept
    assert len(caplog.records) == 4
    assert "key" in caplog.text
    assert kept.page_token.hex() not in caplog.text


def test_a_key_is_pruned_when_no_token_in_force_can_be_of_it(path, time):
    (first,) = key_ids(path)
    second, _ = keyfile.rotate(path, signing=True, audit=True)
    time.now += keyfile.DELAY_SECONDS + keyfile.KEEP_SECONDS - 1
    assert keyfile.prune(path) == []
    (third,) = keyfile.rotate(path, signing=True, audit=False)
    time.now += 1
    assert keyfile.prune(path) == [first]
    assert key_ids(path) == [third, second]
    assert len(keyring.load(path).audit) == 2
    time.now += keyfile.DELAY_SECONDS + keyfile.KEEP_SECONDS
    assert keyfile.prune(path) == [second]
    time.now += 1e9
    assert keyfile.prune(path) == []
    assert keyring.load(path).signing_key().key_id == third


def test_rotations_at_once_lose_no_key(path):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = [
            m
            for r in pool.map(lambda _: keyfile.rotate(path, signing=True, audit=False), range(8))
            for m in r
        ]
    assert set(made) < set(key_ids(path))
    assert len(key_ids(path)) == 9


# The command


@pytest.fixture
def hms(monkeypatch, capsys, path):
    monkeypatch.setenv("HMS_KEYS_FILE", str(path))

    def run(*arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO())
        status = command_line.main(["keys", *arguments])
        captured = capsys.readouterr()
        return status, (captured.out + captured.err).strip()

    return run


def test_the_command_rotates_and_prunes(hms, path, time):
    (first,) = key_ids(path)
    status, text = hms("rotate", "--signing", "--delay", "0")
    second = key_ids(path)[0]
    assert status == 0
    assert text.splitlines() == [
        f"added {second}: keep a copy of {path}, the audit is verified with it",
        "the signing key is published now and signs in 0 seconds",
    ]
    assert hms("rotate", "--audit", str(path))[0] == 0
    assert len(keyring.load(path).audit) == 2
    assert hms("prune") == (0, "nothing to remove: tokens may be of any of the keys")
    time.now += keyfile.KEEP_SECONDS + 1
    assert hms("prune") == (0, f"removed {first}")


def test_what_is_no_key_file_is_left_alone(hms, path):
    path.write_text("{}")
    assert hms("rotate")[0] == 2
    assert hms("prune")[0] == 2
    assert path.read_text() == "{}"
    assert hms("create", str(path))[0] == 2
    assert hms("rotate", "--delay", "-1")[0] == 2
