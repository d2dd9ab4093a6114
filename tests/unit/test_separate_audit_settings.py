"""A separate audit database is set whole or not at all, and half of it is told in one line."""

from __future__ import annotations

import pytest

from hms_server import config, safety
from hms_server.errors import ConfigError

MAIN, AUDIT = "postgresql://{}@main:5432/hms", "postgresql://{}@audit:5432/audit"
ROLES = {"": "hms_owner", "APP_": "hms_app", "WORKER_": "hms_worker"}


@pytest.fixture
def load(monkeypatch):
    """Loads settings with these addresses beside each other."""

    def run(main=ROLES, audit=ROLES, **more):
        for role in ROLES:
            for prefix, wanted, form in (("HMS_", main, MAIN), ("HMS_AUDIT_", audit, AUDIT)):
                name = f"{prefix}{role}DATABASE_URL"
                if role in wanted:
                    monkeypatch.setenv(name, form.format(ROLES[role]))
                else:
                    monkeypatch.delenv(name, raising=False)
        for name, value in more.items():
            monkeypatch.setenv(f"HMS_{name.upper()}", value)
        return config.load()

    return run


def refused(load, **settings):
    with pytest.raises(ConfigError) as caught:
        load(**settings)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize("roles", [(), ("",), ("APP_",), ("WORKER_",), tuple(ROLES)])
def test_each_process_has_its_own_pair(load, roles):
    settings = load(main=roles, audit=roles)
    assert bool(settings.audit_app_database_url) == ("APP_" in roles)
    assert not load(main=roles, audit=()).audit_app_database_url


@pytest.mark.parametrize("missing", ROLES)
def test_one_that_is_missing_is_named(load, missing):
    there = [role for role in ROLES if role != missing]
    line = refused(load, audit=there)
    assert line.startswith(f"HMS_{missing}DATABASE_URL is set and HMS_AUDIT_{missing}DATABASE_URL is not")
    line = refused(load, main=there)
    assert line.startswith(f"HMS_AUDIT_{missing}DATABASE_URL is set and HMS_{missing}DATABASE_URL is not")


def test_an_administrators_address_alone_is_half_of_it(load):
    line = refused(load, audit=(), audit_admin_database_url="postgresql://postgres@audit/postgres")
    assert "HMS_AUDIT_DATABASE_URL is not" in line


def test_the_main_database_is_no_separate_one(load):
    line = refused(load, audit_app_database_url="postgresql://hms_app:pw@main:5432/hms?sslmode=require")
    assert line == "HMS_AUDIT_APP_DATABASE_URL names the main database: set it for a separate one only"


def test_an_audit_address_is_checked_like_the_others(load, tmp_path):
    assert "percent-encode" in refused(load, audit_app_database_url="mysql://x")
    weak = refused(load, mode="production")
    assert "HMS_AUDIT_DATABASE_URL holds no password" in weak
    file = tmp_path / "url"
    file.write_text(AUDIT.format("hms_worker") + "\n")
    assert load(audit=["", "APP_"], audit_worker_database_url_file=str(file), mode="development")


def test_addresses_of_one_database_are_known_by_their_text():
    same = safety.same_database
    assert same("postgresql://a:1@h:1/d", "postgres://b:2@h:1/d?sslmode=require")
    assert not same("postgresql://a@h:1/d", "postgresql://a@h:2/d")
    assert not same("postgresql://a@h/d", "postgresql://a@h/e")
    assert same("postgresql://a@/d?host=h", "postgresql://b@/d?host=h")
    assert not same("postgresql://a@/d?host=h", "postgresql://b@/d?host=g")
