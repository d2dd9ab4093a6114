"""Fixtures stand in fix_*.py plug-ins, one subject each; every such file is loaded."""

import os
import pathlib

import pytest

# As the stacks that tests start; production has tests of its own.
os.environ.setdefault("HMS_MODE", "development")

pytest_plugins = sorted(f"tests.{file.stem}" for file in pathlib.Path(__file__).parent.glob("fix_*.py"))
# Before any is loaded, since they import each other.
pytest.register_assert_rewrite(*pytest_plugins)


def pytest_addoption(parser):
    parser.addoption("--update-schema", action="store_true", help="write migrations/schema.sql anew")
