"""`hms audit verify` finds whatever the owner of the tables changes by hand."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from hms_server import config, ids, keyfile
from hms_server.audit.drain import Drain
from hms_server.cli import audit as command
from hms_server.errors import ConfigError

EVENTS = 20


@pytest.fixture
def tenant(new_tenant, outbox, drain):
    """A hospital with a chain of events, each of which names a patient."""
    made = new_tenant()
    outbox.put(made.id, EVENTS)
    drain.run(made.id)
    return made


# What is done by hand, and where the chain is then wrong. %s is the tenant.
TAMPERING = {
    "an edit": (
        "UPDATE audit_event SET actor_name = 'ravi' WHERE tenant_id = %s AND sequence = 7",
        7,
        "EDIT",
    ),
    "an edit of the first": (
        "UPDATE audit_event SET outcome = 'X' WHERE tenant_id = %s AND sequence = 1",
        1,
        "EDIT",
    ),
    "an edit of the last": (
        "UPDATE audit_event SET address = '' WHERE tenant_id = %s AND sequence = 20",
        20,
        "EDIT",
    ),
    "an edit of a hash": (
        "UPDATE audit_event SET hash = '\\x00' WHERE tenant_id = %s AND sequence = 9",
        9,
        "EDIT",
    ),
    "an edit of a time": (
        (
            "UPDATE audit_event SET record_time = record_time - interval '1 microsecond'"
            " WHERE tenant_id = %s AND sequence = 4"
        ),
        4,
        "EDIT",
    ),
    "an edit of the patients": (
        "UPDATE audit_event SET patient_ids = '{}' WHERE tenant_id = %s AND sequence = 4",
        4,
        "EDIT",
    ),
    "an edit of a key id": (
        "UPDATE audit_event SET key_id = '' WHERE tenant_id = %s AND sequence = 3",
        3,
        "KEY",
    ),
    "an edit of all": ("UPDATE audit_event SET reason = 'R' WHERE tenant_id = %s", 1, "EDIT"),
    "a deletion": ("DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 7", 7, "DELETION"),
    "a deletion of the first": (
        "DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 1",
        1,
        "DELETION",
    ),
    "a deletion of the last": (
        "DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 20",
        20,
        "TRUNCATION",
    ),
    "a deletion of the end": (
        "DELETE FROM audit_event WHERE tenant_id = %s AND sequence > 5",
        6,
        "TRUNCATION",
    ),
    "a deletion of all": ("DELETE FROM audit_event WHERE tenant_id = %s", 1, "TRUNCATION"),
    "a deletion that closes the gap": (
        (
            "WITH gone AS (DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 7 RETURNING tenant_id)"
            " UPDATE audit_event e SET sequence = e.sequence - 1 FROM gone"
            " WHERE e.tenant_id = gone.tenant_id AND e.sequence > 7"
        ),
        7,
        "DELETION",
    ),
    "two events that change places": (
        "UPDATE audit_event SET sequence = 17 - sequence WHERE tenant_id = %s AND sequence IN (8, 9)",
        8,
        "REORDERING",
    ),
    "an event that moves to an earlier place": (
        (
            "UPDATE audit_event SET sequence = CASE WHEN sequence = 9 THEN 5 ELSE sequence + 1 END"
            " WHERE tenant_id = %s AND sequence BETWEEN 5 AND 9"
        ),
        5,
        "REORDERING",
    ),
    "an event that moves to a later place": (
        (
            "UPDATE audit_event SET sequence = CASE WHEN sequence = 5 THEN 9 ELSE sequence - 1 END"
            " WHERE tenant_id = %s AND sequence BETWEEN 5 AND 9"
        ),
        5,
        "REORDERING",
    ),
    "an event between two others": (
        (
            "WITH moved AS (UPDATE audit_event SET sequence = sequence + 1 WHERE tenant_id = %s"
            " AND sequence > 6 RETURNING *), longer AS (UPDATE audit_chain c SET sequence = 21 FROM moved m"
            " WHERE c.tenant_id = m.tenant_id)"
            " INSERT INTO audit_event SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'id', gen_random_uuid(), 'sequence', 7))).* FROM audit_event e JOIN moved m ON"
            " m.tenant_id = e.tenant_id AND e.sequence = 6 LIMIT 1"
        ),
        7,
        "INSERTION",
    ),
    "a second event of a number": (
        (
            "INSERT INTO audit_event SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'id', gen_random_uuid(), 'record_time', e.record_time + interval '1 second'))).*"
            " FROM audit_event e WHERE tenant_id = %s AND sequence = 14"
        ),
        14,
        "INSERTION",
    ),
    "an event beyond the end": (
        (
            "INSERT INTO audit_event SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'id', gen_random_uuid(), 'sequence', 21))).*"
            " FROM audit_event e WHERE tenant_id = %s AND sequence = 20"
        ),
        21,
        "INSERTION",
    ),
    "an event before the start": (
        (
            "INSERT INTO audit_event SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'id', gen_random_uuid(), 'sequence', 0))).*"
            " FROM audit_event e WHERE tenant_id = %s AND sequence = 20"
        ),
        0,
        "INSERTION",
    ),
    "a chain's end set back": ("UPDATE audit_chain SET sequence = 5 WHERE tenant_id = %s", 5, "EDIT"),
    "a chain's end set on": ("UPDATE audit_chain SET sequence = 25 WHERE tenant_id = %s", 21, "TRUNCATION"),
    "a chain's hash": ("UPDATE audit_chain SET hash = '\\x00' WHERE tenant_id = %s", 20, "EDIT"),
    "a chain's end taken away": ("DELETE FROM audit_chain WHERE tenant_id = %s", 1, "TRUNCATION"),
    "a link": ("DELETE FROM audit_event_patient WHERE tenant_id = %s AND sequence = 12", 12, "LINKS"),
    "all links": ("DELETE FROM audit_event_patient WHERE tenant_id = %s", 1, "LINKS"),
    "a link to another patient": (
        (
            "UPDATE audit_event_patient SET patient_id = gen_random_uuid()"
            " WHERE tenant_id = %s AND sequence = 12"
        ),
        12,
        "LINKS",
    ),
    "a link too many": (
        (
            "INSERT INTO audit_event_patient SELECT tenant_id, gen_random_uuid(), record_time, sequence"
            " FROM audit_event_patient WHERE tenant_id = %s AND sequence = 12"
        ),
        12,
        "LINKS",
    ),
    "a link of no event": (
        (
            "INSERT INTO audit_event_patient SELECT tenant_id, patient_id, record_time, 99"
            " FROM audit_event_patient WHERE tenant_id = %s AND sequence = 12"
        ),
        99,
        "LINKS",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_where_it_was_done(name, tenant, owner, verifier):
    text, sequence, kind = TAMPERING[name]
    assert verifier.verify(tenant.id).fault is None
    assert owner.execute(text, [tenant.id]).rowcount > 0
    fault = verifier.verify(tenant.id).fault
    assert fault is not None
    assert (fault.sequence, fault.kind) == (sequence, kind), str(fault)


def test_a_deletion_of_everything_but_the_links_is_found(tenant, owner, verifier):
    owner.execute("DELETE FROM audit_event WHERE tenant_id = %s", [tenant.id])
    owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    assert verifier.verify(tenant.id).fault is not None


def test_a_chain_over_a_change_of_keys_holds(tenant, worker_database, keys, outbox, verifier):
    rotated = dataclasses.replace(keys, audit=(("next", b"x" * 32), *keys.audit))
    outbox.put(tenant.id, 3)
    Drain(worker_database, rotated).run(tenant.id)
    assert type(verifier)(worker_database, rotated).verify(tenant.id).fault is None
    fault = verifier.verify(tenant.id).fault
    assert fault is not None
    assert (fault.sequence, "key 'next'" in fault.reason) == (EVENTS + 1, True)


@pytest.fixture
def environment(database, keys_file, monkeypatch):
    """The environment of the command."""
    monkeypatch.setenv("HMS_WORKER_DATABASE_URL", database.worker)
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))
    return monkeypatch


def run(tenant=""):
    return command.run(argparse.Namespace(action="verify", tenant=tenant, since=None, anchors=None))


@pytest.mark.usefixtures("environment")
def test_the_command_says_what_held_and_what_did_not(tenant, new_tenant, owner, capsys):
    code = f"t{tenant.id[-12:]}"
    assert run(code) == 0
    assert capsys.readouterr().out == f"the audit holds: {EVENTS} events of 1 tenants\n"
    assert run(tenant.id) == 0
    owner.execute("UPDATE audit_event SET reason = 'x' WHERE tenant_id = %s AND sequence = 3", [tenant.id])
    capsys.readouterr()
    assert run() == 1
    out = capsys.readouterr().out
    assert f"tenant {code} ({tenant.id}): event 3 (" in out
    assert "tenants does not hold" in out
    assert run(new_tenant().id) == 0


@pytest.mark.usefixtures("environment")
def test_an_unknown_tenant_is_a_mistake_of_the_caller():
    with pytest.raises(ConfigError, match="no tenant"):
        run(ids.uuid7())


def test_another_key_file_holds_nothing(tenant, environment, tmp_path):
    keyfile.create(tmp_path / "other.json")
    environment.setenv("HMS_KEYS_FILE", str(tmp_path / "other.json"))
    assert run(tenant.id) == 1


def test_a_database_that_is_away_is_one_line(environment):
    environment.setenv("HMS_WORKER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    environment.setenv("HMS_POOL_WAIT_SECONDS", "0.5")
    assert config.load().pool_wait_seconds == 0.5
    with pytest.raises(ConfigError, match="cannot be read"):
        run()
