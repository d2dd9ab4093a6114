"""The migration runner: several at once, changed files, databases of a newer release."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import psycopg
import pytest

from hms_server.database import migrate
from hms_server.errors import ConfigError


@pytest.fixture
def empty(parts, postgres):
    """An empty database of the owner."""
    with psycopg.connect(postgres.admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_one OWNER hms_owner TEMPLATE template0 ENCODING 'UTF8'")
        yield postgres.owner.rpartition("/")[0] + "/empty_one"
        connection.execute("DROP DATABASE empty_one WITH (FORCE)")


def run(url, migrations=None):
    return list(migrate.migrate(url, migrations or migrate.read(migrate.folder())))


def test_several_runners_at_once_apply_each_migration_once(empty):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: run(empty), range(4)))
    names = [m.name for m in migrate.read(migrate.folder())]
    applied = [line for lines in said for line in lines if line.startswith("applied")]
    assert sorted(applied) == [f"applied {name}" for name in names]


def test_a_second_run_says_that_all_is_up_to_date(empty):
    run(empty)
    assert run(empty) == [f"up to date at version {len(migrate.read(migrate.folder()))}"]


def test_a_migration_that_changed_after_it_was_applied_is_refused(empty):
    run(empty)
    first, *rest = migrate.read(migrate.folder())
    changed = [dataclasses.replace(first, sql=first.sql + "\n-- changed"), *rest]
    with pytest.raises(ConfigError, match="was changed after it was applied"):
        run(empty, changed)


def test_a_database_of_a_newer_release_is_refused(empty):
    run(empty)
    with pytest.raises(ConfigError, match="newer than this release"):
        run(empty, migrate.read(migrate.folder())[:-1])


def test_a_migration_that_fails_leaves_nothing_behind(empty):
    good = migrate.read(migrate.folder())
    bad = migrate.Migration(len(good) + 1, "0099_bad", "CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(ConfigError):
        run(empty, [*good, bad])
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
    assert f"up to date at version {len(good)}" in run(empty)
