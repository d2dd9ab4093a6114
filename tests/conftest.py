"""Fixtures stand in fix_*.py plug-ins, one subject each."""

pytest_plugins = ["tests.fix_stack", "tests.fix_database"]


def pytest_addoption(parser):
    parser.addoption("--update-schema", action="store_true", help="write migrations/schema.sql anew")
