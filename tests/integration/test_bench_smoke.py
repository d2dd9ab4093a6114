"""Every bench runs on the real system and gives its figures. Sizes are small: speed is not looked at."""

import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from bench import __main__ as bench
from bench import bundles, charts, generator
from bench.system import Sizes, System, fresh
from hms_server.clinical import bulk
from hms_server.clinical.kinds import KINDS

CHECKOUT = Path(__file__).parents[2]
SMALL = Sizes(
    rows=600,
    small_rows=200,
    calls=80,
    rounds=1,
    pages=3,
    queries=2,
    events=3000,
    encounters=600,
    small_encounters=200,
    charts=5,
    bundles=3,
    entries=400,
    trials=3,
    turns=2,
    processes=1,
)


@pytest.fixture(scope="module")
def system():
    with fresh(SMALL, lambda _: None) as running:
        yield running


def test_audit_drain_loses_and_doubles_nothing(system: System):
    figures = bench.BENCHES["audit_drain"](system)
    assert {name: figures[name] for name in ("lost", "doubled", "strange", "verified")} == {
        "lost": 0,
        "doubled": 0,
        "strange": 0,
        "verified": 1,
    }
    assert figures["events"] > 6000
    assert figures["events_per_s"] > 0


def test_an_import_brings_in_every_record_of_every_bundle(system: System):
    figures = bench.BENCHES["import"](system)
    assert figures["lost"] == 0
    assert figures["bundles"] == 3
    assert figures["resources"] > 400
    assert figures["modelled_per_s"] < figures["resources_per_s"]
    assert figures["peak_rss_mb"] >= figures["rss_before_mb"] > 0
    assert figures["second_run_per_s"] > 0


def test_a_record_is_read_by_one_statement_in_both_stores(system: System, monkeypatch):
    monkeypatch.setattr(charts, "BARE_FROM", 500)
    figures = bench.BENCHES["record"](system)
    assert figures["statements"] == 1
    assert figures["ratio"] == max(figures[method]["ratio"] for method in ("encounter", "summary"))
    for method in ("encounter", "summary", "timeline"):
        assert figures[method]["large_p50_ms"] > 0
        assert figures[method]["heavy_small_p50_ms"] > 0


def test_records_filled_in_are_what_the_server_would_make_of_them(system: System):
    """Same columns and no violation: what is measured is what is in use."""
    hospital = system.hospital(charts.patients(300))
    charts.fill(system.owner_url, hospital.tenant_id, hospital.tenant_id, 300, samples=1)
    with psycopg.connect(system.owner_url, row_factory=dict_row) as connection:
        rows = connection.execute(
            "SELECT id::text, 'ENCOUNTER' AS type, state, '' AS code, '' AS category, encounter_class,"
            " clinical_time, document, patient_id::text FROM encounter WHERE tenant_id = %(tenant)s"
            " UNION ALL SELECT id::text, type, state, code, category, '', clinical_time, document,"
            " patient_id::text FROM clinical_record WHERE tenant_id = %(tenant)s",
            {"tenant": hospital.tenant_id},
        ).fetchall()
    assert {row["type"] for row in rows} == {"ENCOUNTER", "OBSERVATION", "CONDITION", "PRESCRIPTION"}
    for row in rows:
        fields = {**row["document"], "patient_id": row["patient_id"]}
        made = bulk.prepare(KINDS[row["type"]], fields, row["id"], "2026-01-01")
        assert made["document"] == row["document"]
        for name in ("state", "code", "category", "encounter_class"):
            assert made[name] == row[name]
        assert datetime.datetime.fromisoformat(made["clinical_time"]) == row["clinical_time"]


def test_bundles_are_the_same_each_time_and_of_the_size_asked_for():
    assert bundles.bundle(1, 2, 700) == bundles.bundle(1, 2, 700)
    assert bundles.bundle(1, 2, 700) != bundles.bundle(1, 3, 700)
    assert len(bundles.bundle(1, 2, 700)["entry"]) == 700
    assert bundles.sizes(3, 700, 1)[0] == 700


def test_what_bundles_share_says_the_same_in_each():
    """Else each of them would change it again, and a second run would not be one without changes."""
    shared: dict[str, dict] = {}
    for number in range(6):
        for entry in bundles.bundle(1, number, 200)["entry"]:
            known = shared.setdefault(entry["fullUrl"], entry["resource"])
            assert known == entry["resource"]


def test_a_withdrawn_role_is_refused_by_every_process_on_the_next_call(system: System):
    figures = bench.BENCHES["revocation"](system)
    assert (figures["trials"], figures["calls"], figures["served_late"]) == (3, 24, 0)


def test_of_a_hundred_clients_as_many_win_as_there_are_seats_and_each_has_a_number_of_his_own(system: System):
    figures = bench.BENCHES["booking"](system)
    expected = {
        "over_booked": 0,
        "under_booked": 0,
        "rounds": 2,
        "calls": 400,
        "token_calls": 200,
        "token_gaps": 0,
        "token_doubles": 0,
    }
    assert {name: figures[name] for name in expected} == expected
    assert figures["p99_ms"] >= figures["p50_ms"] > 0


def test_search_finds_whom_it_should(system: System):
    figures = bench.BENCHES["search"](system)
    assert figures["found"] == 1
    assert {"p95_small_ms", "p95_large_ms", "ratio", "large_devanagari_ms"} <= figures.keys()


def test_pagination_reaches_the_last_page(system: System):
    figures = bench.BENCHES["pagination"](system)
    assert figures["rows"] == 600
    assert {"page1_ms", "deep_ms", "ratio", "name_ratio", "create_time_ratio"} <= figures.keys()


@pytest.mark.skipif(shutil.which("h2load") is None, reason="h2load (nghttp2-client) is not installed")
def test_hot_path_answers_and_audits_every_call(system: System):
    figures = bench.BENCHES["hot_path"](system)
    assert {
        "echo_rps",
        "get_patient_rps",
        "ratio",
        "echo_cpu_us",
        "get_patient_cpu_us",
        "cpu_ratio",
    } <= figures.keys()


def test_a_bulk_load_puts_back_every_index_and_lock(system: System, monkeypatch):
    catalog = """
        SELECT indexdef FROM pg_indexes WHERE tablename = ANY (%(tables)s)
        UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[])
        UNION ALL SELECT relname || relrowsecurity || relforcerowsecurity FROM pg_class
        WHERE oid = ANY (%(tables)s::regclass[])
    """

    def read():
        with psycopg.connect(system.owner_url) as connection:
            rows = connection.execute(catalog, {"tables": list(generator.TABLES)})
            return sorted(row[0] for row in rows)

    before = read()
    monkeypatch.setattr(generator, "BARE_FROM", 1)
    assert system.hospital(50).size == 50
    assert read() == before
    assert len(before) > 10


def test_without_h2load_it_says_how_to_install_it(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "bench", "hot_path", "--json", str(tmp_path / "figures.json")],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PATH": str(tmp_path)},
        timeout=60,
    )
    assert result.returncode == 1
    assert result.stderr.strip() == "scripts/bench: hot_path needs h2load: apt-get install nghttp2-client"


def test_the_table_and_the_file_agree(tmp_path, capsys, monkeypatch):
    figures = {"audit_drain": {"events_per_s": 20000.0, "lost": 1, "doubled": 0, "verified": 1}}
    monkeypatch.setattr(bench, "_measure", lambda *_: figures)
    path = tmp_path / "figures.json"
    assert bench.main(["audit_drain", "--json", str(path)]) == 1
    assert json.loads(path.read_text()) == figures
    assert "WRONG: audit_drain: lost is 1, not 0" in capsys.readouterr().out
