"""Secrets in settings: from files, never shown, and none of development in production."""

import logging
import os

import pytest

from hms_server import config, keyfile, keyring, safety
from hms_server.devstack.passwords import Passwords
from hms_server.errors import ConfigError

GOOD = "vT7-oxbow-Linden"
APP = f"postgresql://hms_app:{GOOD}@db.example.org:5432/hms"


@pytest.fixture
def production(monkeypatch):
    """Sets variables and loads the settings of a process in production."""
    for name in list(os.environ):
        if name.startswith("HMS_"):
            monkeypatch.delenv(name)

    def load(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"HMS_{name.upper()}", str(value))
        return config.load()

    return load


def refused(load, **variables):
    with pytest.raises(ConfigError) as caught:
        load(**variables)
    (line,) = str(caught.value).splitlines()
    return line


def private(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_production_is_what_nobody_chose(production):
    assert production().mode == "production"
    assert production(mode="development").mode == "development"
    assert "HMS_MODE" in refused(production, mode="staging")


@pytest.mark.parametrize(
    "name", ["admin_database_url", "database_url", "app_database_url", "worker_database_url"]
)
def test_a_secret_may_stand_in_a_file(production, tmp_path, name):
    file = private(tmp_path / "url", APP + "\n")
    assert getattr(production(**{f"{name}_file": file}), name) == APP


def test_passwords_and_redis_may_stand_in_files(production, tmp_path):
    settings = production(
        redis_url_file=private(tmp_path / "redis", f"rediss://:{GOOD}@cache:6379/0"),
        queue_redis_url_file=private(tmp_path / "queue", f"redis://user:{GOOD}@queue:6379/0\n"),
        password_file=private(tmp_path / "password", " spaces stay \n"),
        bootstrap_password_file=private(tmp_path / "bootstrap", GOOD),
    )
    assert settings.redis_url.startswith("rediss://")
    assert settings.queue_redis_url.endswith("@queue:6379/0")
    assert settings.password.get_secret_value() == " spaces stay "
    assert settings.bootstrap_password.get_secret_value() == GOOD


def test_a_secret_file_that_cannot_be_used_is_told(production, tmp_path, monkeypatch):
    missing = tmp_path / "missing"
    assert (
        refused(production, redis_url_file=missing)
        == f"HMS_REDIS_URL_FILE: cannot read {missing}: No such file or directory"
    )
    assert refused(production, redis_url_file=private(missing, "\n")).endswith("is empty")
    missing.write_bytes(b"\xff\xfe")
    assert refused(production, redis_url_file=missing).endswith("is not text")
    both = refused(production, redis_url=f"redis://:{GOOD}@cache/0")
    assert both == "HMS_REDIS_URL and HMS_REDIS_URL_FILE: set one of them"


def test_no_secret_is_shown_with_the_settings(production):
    settings = production(
        app_database_url=APP,
        redis_url=f"redis://:{GOOD}@cache/0",
        password=GOOD,
        bootstrap_password=GOOD,
    )
    assert GOOD not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    "password",
    ["", "postgres", "Password", "hms_app", "short", "hms-development-x7dh3k2l9s8d7f6g"],
)
def test_passwords_of_development_are_refused_in_production_alone(production, password):
    url = f"postgresql://hms_app:{password}@db/hms"
    line = refused(production, app_database_url=url)
    assert line.startswith("HMS_APP_DATABASE_URL holds ")
    assert not password or password not in line.removeprefix("HMS_APP_DATABASE_URL holds ").split()
    assert production(mode="development").app_database_url == url


def test_a_redis_without_a_password_is_refused_in_production(production):
    line = refused(
        production, redis_url="redis://cache:6379/0", queue_redis_url="redis://:redis@cache:6379/0"
    )
    assert line == (
        "HMS_REDIS_URL holds no password; HMS_QUEUE_REDIS_URL holds a password that anybody can guess"
    )


def test_a_weak_first_password_is_refused_in_production(production):
    assert refused(production, bootstrap_password="changeme").startswith("HMS_BOOTSTRAP_PASSWORD")


def test_every_password_of_a_development_stack_is_known_for_one():
    for value in vars(Passwords()).values():
        assert list(safety.password("X", value)) == ["X holds a password of a development stack"]


@pytest.mark.parametrize(
    "url",
    [
        APP,
        f"postgres://hms_app:{GOOD}@[2001:db8::1]:5432/hms?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        f"postgresql://hms_app:{GOOD}@one:5432,two:5432/hms?target_session_attrs=read-write",
        "postgresql://hms_app:p%40ss%2Fword-9@db/hms",
        "postgresql://hms_app@db/hms?sslcert=/etc/c.pem&sslkey=/etc/k.pem",
        f"postgresql://db/hms?user=hms_app&password={GOOD}",
    ],
)
def test_addresses_that_are_right_are_taken(production, url):
    assert production(app_database_url=url).app_database_url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://hms_app:my secret9@db/hms",
        "postgresql://hms_app:my/secret9@db/hms",
        "postgresql://hms_app:my@secret9@db/hms",
        "postgresql://hms_app:my%zzsecret9@db/hms",
        "postgresql://hms_app:my#secret9@db/hms",
        "host=db user=hms_app password=mysecret9",
        "mysql://hms_app:mysecret9@db/hms",
    ],
)
def test_a_malformed_address_is_told_without_quoting_it(production, url, caplog):
    caplog.set_level(logging.DEBUG)
    for mode in ("production", "development"):
        line = refused(production, app_database_url=url, mode=mode)
        assert line.startswith("HMS_APP_DATABASE_URL is not a postgresql:// URL")
        assert "secret9" not in line
    assert not caplog.records


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_of_secrets_that_others_may_read_is_refused_in_production(production, tmp_path, mode):
    keys = private(tmp_path / "keys.json", "{}", mode)
    line = refused(production, keys_file=keys)
    assert line == f"HMS_KEYS_FILE: others may read {keys} (mode {mode:04o}): chmod 600 {keys}"
    assert production(mode="development").keys_file == keys
    production(mode="production", keys_file=private(keys, "{}", 0o400))


def test_keys_that_were_made_for_development_are_refused_in_production_alone(production, tmp_path):
    keys = tmp_path / "keys.json"
    keyfile.create(keys, development=True)
    keyfile.rotate(keys, signing=True, audit=True, delay_seconds=0)
    assert keyring.load(keys).signing
    assert refused(production, keys_file=keys) == "HMS_KEYS_FILE holds keys of a development stack"
    assert production(mode="development", keys_file=keys).keys_file == keys
    own = tmp_path / "own.json"
    keyfile.create(own)
    assert production(keys_file=own).keys_file == own


def test_the_same_holds_for_the_key_of_a_certificate_and_for_secrets_from_files(production, tmp_path):
    key = private(tmp_path / "key.pem", "", 0o644)
    url = private(tmp_path / "url", f"redis://:{GOOD}@cache/0", 0o644)
    line = refused(production, grpc_tls_cert_file=key, grpc_tls_key_file=key, redis_url_file=url)
    assert f"HMS_GRPC_TLS_KEY_FILE: others may read {key}" in line
    assert f"HMS_REDIS_URL_FILE: others may read {url}" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_group_may_read_what_another_user_owns(production, tmp_path):
    keys = private(tmp_path / "keys.json", "{}", 0o440)
    os.chown(keys, 65534, 65534)
    assert production(keys_file=keys).keys_file == keys
    keys.chmod(0o444)
    assert "others may read" in refused(production, keys_file=keys)


MAIL = {"mail_from": "HMS <hms@hospital.example>", "front_end_url": "https://hms.example/app"}


@pytest.mark.parametrize(
    "url",
    [
        f"smtp://hms%40relay:{GOOD}@relay.example",
        f"smtps://hms:{GOOD}@relay.example:465",
        f"smtp://hms:{GOOD}@relay.example:587?ca=/tls/relay.pem&starttls=required",
        "smtp://relay.example:25?starttls=off",
    ],
)
def test_an_smtp_server_is_taken_with_tls_or_without_a_password(production, url):
    assert production(smtp_url=url, **MAIL).smtp_url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"smtp://hms:{GOOD}@relay.example?starttls=off", "in the open"),
        ("smtp://hms:password@relay.example", "guess"),
        ("smtp://hms@relay.example", "go together"),
        (f"smtp://:{GOOD}@relay.example", "go together"),
        (f"http://hms:{GOOD}@relay.example", "smtp://"),
        (f"smtp://hms:{GOOD}@relay.example?tls=off", "takes"),
        (f"smtp://hms:{GOOD}@relay.example?starttls=no", "takes"),
        (f"smtp://hms:{GOOD}@one.example,two.example", "takes"),
    ],
)
def test_no_password_for_mail_goes_in_the_open_and_none_is_quoted(production, url, said):
    line = refused(production, smtp_url=url, **MAIL)
    assert said in line
    assert GOOD not in line


def test_mail_needs_a_sender_and_what_links_begin_with(production):
    url = "smtps://relay.example"
    line = refused(production, smtp_url=url)
    assert "HMS_MAIL_FROM" in line
    assert "HMS_FRONT_END_URL" in line
    for sender in (
        "nobody",
        "a@b.example\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "A <a@b.example> x",
    ):
        assert "HMS_MAIL_FROM" in refused(production, smtp_url=url, **{**MAIL, "mail_from": sender})
    for link in (
        "hms.example",
        "ftp://hms.example",
        "https://hms.example/a b",
        "https://x/?a=1",
        "javascript:1",
    ):
        assert "HMS_FRONT_END_URL" in refused(production, smtp_url=url, **{**MAIL, "front_end_url": link})


def test_the_smtp_address_may_stand_in_a_file_and_is_not_shown(production, tmp_path):
    url = f"smtps://hms:{GOOD}@relay.example"
    settings = production(smtp_url_file=private(tmp_path / "smtp", url), **MAIL)
    assert settings.smtp_url == url
    assert GOOD not in repr(settings)
