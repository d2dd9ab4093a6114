"""docs/security.md names the tests that try to break each promise: they exist, and no promise has none."""

from __future__ import annotations

import fnmatch
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
# The table of promises: everything up to the first headline after it.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| Promise")
]
PRESENT = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


def named(text):
    """The test files that a text names. One without a folder stands in the folder of the one before it."""
    folder = ""
    for path in re.findall(r"`((?:[\w/]+/)?test_[\w*]+\.py)`", text):
        before, slash, name = path.rpartition("/")
        folder = before if slash else folder
        yield f"{folder}/{name}"


def found(name):
    return fnmatch.filter(PRESENT, name)


def test_the_page_has_its_table():
    assert len(ROWS) >= 30
    assert all(len(row) == 3 for row in ROWS), [row[0] for row in ROWS if len(row) != 3]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_each_promise_names_tests_that_exist(row):
    tests = list(named(row[2]))
    assert tests, f"no test tries: {row[0]}"
    assert [name for name in tests if not found(name)] == []


def test_the_pages_that_it_links_to_exist():
    links = re.findall(r"\]\(([^)#:]+\.md)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


def test_each_promise_says_how_it_is_tried():
    """With the command, as is asked of the page."""
    assert "scripts/test" in PAGE
