"""Every bench runs on the real system and gives its figures. Sizes are small: speed is not looked at."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import generator
from bench.system import Sizes, System, fresh

CHECKOUT = Path(__file__).parents[2]
SMALL = Sizes(rows=600, small_rows=200, calls=80, rounds=1, pages=3, queries=2, events=3000, processes=1)


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
    import psycopg

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
