"""Each statement of the house has a name of its own: a connection prepares a name once, and runs that."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import hms_server
from hms_server.database import queries


def test_two_statements_of_one_name_stop_the_start():
    queries.compile_query("test.twice", "SELECT 1")
    queries.compile_query("test.twice", "SELECT 1")
    with pytest.raises(ValueError, match=r"test\.twice"):
        queries.compile_query("test.twice", "SELECT 2")


def test_no_two_prepared_names_are_one_to_postgresql():
    for module in pkgutil.walk_packages(hms_server.__path__, "hms_server."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    names = [queries._prepared_name(name) for name in queries._named]
    assert len(names) > 200
    assert len({name[:63] for name in names}) == len(names)
