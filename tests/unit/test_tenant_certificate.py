"""A certificate of erasure: what is changed in it is found, whoever did it."""

from __future__ import annotations

import json

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server import keyfile, keyring
from hms_server.__main__ import main
from hms_server.errors import ConfigError
from hms_server.keyring import Keyring, SigningKey
from hms_server.offboarding import certificate

ERASURE = {
    "tenant_id": "0190a1b2-0000-7000-8000-000000000001",
    "tenant_code": "citycare",
    "operator": "vera",
    "begin_time": "2026-11-24T10:00:00.000000Z",
    "end_time": "2026-11-24T10:01:00.000000Z",
    "export_manifest_sha256": None,
    "removed": {"patient": 3, "session": 1},
    "kept": {"audit_event": "the law"},
    "redis_keys": 2,
    "redis_jobs": 0,
}


def new_key(name="crt-1"):
    return SigningKey(name, ed25519.Ed25519PrivateKey.generate())


KEY = new_key()
TEXT = certificate.issue(ERASURE, KEY)


def test_it_says_what_was_signed():
    assert certificate.verify(TEXT, KEY.public_x).items() >= ERASURE.items()


def paths(value, path=()):
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*path, name)
            yield from paths(each, (*path, name))


@pytest.mark.parametrize("path", list(paths(json.loads(TEXT)["erasure"])), ids=".".join)
@pytest.mark.parametrize("change", ["replace", "remove"])
def test_any_field_that_is_changed_or_taken_out_is_found(path, change):
    whole = json.loads(TEXT)
    place = whole["erasure"]
    for name in path[:-1]:
        place = place[name]
    if change == "remove":
        del place[path[-1]]
    else:
        place[path[-1]] = "other"
    with pytest.raises(ConfigError):
        certificate.verify(orjson.dumps(whole), KEY.public_x)


def test_a_field_that_is_put_in_is_found():
    whole = json.loads(TEXT)
    whole["erasure"]["removed"]["encounter"] = 1
    with pytest.raises(ConfigError, match="does not hold"):
        certificate.verify(orjson.dumps(whole), KEY.public_x)


def test_the_order_of_fields_and_blanks_do_not_matter():
    whole = json.loads(TEXT)
    whole["erasure"] = dict(reversed(whole["erasure"].items()))
    assert certificate.verify(json.dumps(whole, indent=7).encode(), KEY.public_x)["operator"] == "vera"


def test_a_forger_who_puts_his_own_key_in_is_found():
    forged = certificate.issue(ERASURE, new_key())
    with pytest.raises(ConfigError, match="another key"):
        certificate.verify(forged, KEY.public_x)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"erasure": {}, "signature": ""}', b"\xff", TEXT[:-9]])
def test_what_is_no_certificate_is_told(text):
    with pytest.raises(ConfigError, match="not a certificate"):
        certificate.verify(text, KEY.public_x)


def test_the_key_is_the_one_of_the_key_file_not_the_one_it_names_itself():
    keys = Keyring(
        signing=(), audit=(), page_token=b"", request_hash=b"", certificate=(new_key("crt-2"), KEY)
    )
    assert certificate.public_key_of(TEXT, keys) == KEY.public_x
    with pytest.raises(ConfigError, match="--public-key"):
        certificate.public_key_of(TEXT, Keyring((), (), b"", b""))


def test_a_key_file_of_before_signs_with_its_signing_key(tmp_path):
    path = tmp_path / "keys.json"
    keyfile.create(path)
    made = keyring.load(path)
    assert made.certificate[0].key_id.startswith("crt-")
    content = json.loads(path.read_text())
    del content["certificate"]
    path.write_text(json.dumps(content))
    assert keyring.load(path).certificate[0].public_x == made.signing[0].public_x


def test_the_command_needs_no_key_file_where_the_public_key_is_given(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HMS_KEYS_FILE", raising=False)
    file = tmp_path / "c.json"
    file.write_bytes(TEXT)
    assert main(["tenant", "certificate-verify", str(file), f"--public-key={KEY.public_x}"]) == 0
    assert "4 rows of citycare" in capsys.readouterr().out
    file.write_bytes(TEXT.replace(b"vera", b"eve!"))
    assert main(["tenant", "certificate-verify", str(file), f"--public-key={KEY.public_x}"]) == 1
    assert "does not hold" in capsys.readouterr().out
    assert main(["tenant", "certificate-verify", str(file), "--public-key=short"]) == 1
    assert main(["tenant", "certificate-verify", str(tmp_path / "none")]) == 2
