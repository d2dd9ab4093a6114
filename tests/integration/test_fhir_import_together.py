"""Imports that come at once, or are broken off: each record once, and nothing by halves."""

from __future__ import annotations

import concurrent.futures

import psycopg
import pytest

from hms_server import errors
from tests.fix_fhir import bundle, encounter, observation, patient, practitioner, role, urn


def test_bundles_that_come_at_once_share_their_practitioners(imports):
    shared = [practitioner(name=[{"text": f"Dr {i}"}]) for i in range(20)]
    roles = [role(one, "Cardiology") for one in shared]
    texts = []
    for i in range(6):
        asha = patient(f"Asha {i}")
        visits = [encounter(asha, participant=[{"individual": urn(one)}]) for one in shared]
        order = [*shared, *roles] if i % 2 else [*reversed(shared), *reversed(roles)]
        texts.append(bundle(*order, asha, *visits))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        counts = list(pool.map(imports.counts, texts))
    for kind in ("Practitioner", "PractitionerRole"):
        assert sum(one[kind][0] for one in counts) == 20
        assert sum(one[kind][2] for one in counts) == 100
    sizes = imports.sizes()
    assert (sizes["practitioner"], sizes["patient"], sizes["encounter"]) == (20, 6, 120)
    assert sizes["source_record"] == 40 + 6 + 120
    assert sizes["practitioner_version"] == 0


def test_the_same_bundle_twice_at_once_makes_each_record_once(imports):
    asha = patient()
    text = bundle(asha, *[observation(asha) for _ in range(50)])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(imports.counts, [text] * 4))
    assert sorted(one["Observation"] for one in counts) == [(0, 0, 50)] * 3 + [(50, 0, 0)]
    assert imports.sizes()["clinical_record"] == 50


def test_a_connection_that_breaks_in_the_middle_leaves_nothing(imports, owner, database):
    asha = patient()
    text = bundle(asha, *[observation(asha) for _ in range(20)])
    before = imports.sizes()
    waiting = (
        "SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.relation = 'clinical_record'::regclass AND NOT l.granted"
    )
    # The import comes as far as its writes and then waits for this lock.
    with (
        psycopg.connect(database.admin, autocommit=True) as admin,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        owner.transaction(),
    ):
        owner.execute("LOCK TABLE clinical_record IN SHARE MODE")
        sent = pool.submit(imports.send, text)
        while not admin.execute(waiting).fetchall():
            assert not sent.done()
        with pytest.raises(errors.Unavailable):
            sent.result()
    assert imports.sizes() == before
    assert imports.counts(text)["Observation"] == (20, 0, 0)


def test_changes_that_come_at_once_are_all_kept(imports):
    rao, asha = practitioner(), patient()
    imports.send(bundle(rao, asha))
    roles = [role(rao, f"Ward {i}") for i in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        counts = list(pool.map(lambda one: imports.counts(bundle(rao, one)), roles))
    assert [one["PractitionerRole"] for one in counts] == [(1, 0, 0)] * 6
    (document,) = imports.documents("practitioner")
    assert {one["id"] for one in document["roles"]} == {one["id"] for one in roles}
    changes = [bundle({**asha, "gender": gender}) for gender in ("male", "female", "other", "unknown")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(imports.counts, changes))
    assert [one["Patient"] for one in counts] == [(0, 1, 0)] * 4
    assert imports.rows("SELECT version FROM patient WHERE tenant_id = %s") == [(5,)]
