"""The first lock taken away: with row-level security off, the tenant in every statement alone must hold."""

from __future__ import annotations

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server.audit.drain import Drain
from tests.contract.strangers import SECRET, Hospital, Refused, directly, methods

METHODS = [pytest.param(m, id=m.name) for m in methods() if not m.policy.platform_only]

TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  AND relrowsecurity AND NOT relispartition
"""


@pytest.fixture(scope="module")
def unlocked(owner):
    """This module's database without any policy in force."""
    tables = [name for (name,) in owner.execute(TABLES)]
    assert "patient" in tables
    for table in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    return tables


@pytest.fixture(scope="module")
def hospitals(unlocked, make_tenant, servicers, worker_database, keys):
    """Our hospital with two records of each kind, and the calls of another one."""
    ours, theirs = make_tenant(), make_tenant()
    full = Hospital(directly(servicers, ours))
    full.made["user"].append(ours.user_id)
    Drain(worker_database, keys).run(ours.id)
    return full, directly(servicers, theirs), ours


def test_the_policies_are_really_off(owner, unlocked):
    assert not owner.execute("SELECT 1 FROM pg_class WHERE relname = 'patient' AND relrowsecurity").fetchall()


@pytest.mark.parametrize("method", METHODS)
def test_the_statements_alone_show_and_change_nothing_of_another_hospital(method, hospitals, owner, unlocked):
    full, theirs, ours = hospitals
    before = contents(owner, unlocked, ours)
    answer, refused = outcome(full, method, theirs)
    if refused is None:
        assert [text for text in full.texts if text in str(answer)] == []
    else:
        assert refused.code in ("NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION"), refused
        assert SECRET not in refused.text
    assert contents(owner, unlocked, ours) == before


def outcome(full, method, call):
    """The answer that another hospital gets, or how it is refused."""
    try:
        return full.answered(method, call=call), None
    except Refused as refused:
        return None, refused


def contents(owner, tables, tenant):
    """A digest of every row of a hospital, by table."""
    found = {}
    for table in tables:
        column = "id" if table == "tenant" else "tenant_id"
        found[table] = owner.execute(
            f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t WHERE {column} = %s",
            [tenant.id],
        ).fetchone()
    return found


def test_a_search_finds_ones_own_and_nobody_elses(hospitals, servicers, make_tenant):
    full, _, ours = hospitals
    registry = servicers["hms.patient.v1.PatientService"]
    wanted = pb.SearchPatientsRequest(query=SECRET[:6])
    call = ours.call("PatientService/SearchPatients")
    assert {p.id for p in registry.SearchPatients(wanted, call).patients} == set(full.made["patient"])
    stranger = make_tenant().call("PatientService/SearchPatients")
    assert list(registry.SearchPatients(wanted, stranger).patients) == []
