"""`hms keys create PATH`: a new key file."""

from __future__ import annotations

import argparse
import pathlib

from hms_server import keyring


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("keys", help="make a key file")
    parser.add_argument("action", choices=["create"])
    parser.add_argument("path", type=pathlib.Path)


def run(arguments: argparse.Namespace) -> int:
    """Makes the file; never overwrites one."""
    keyring.create(arguments.path)
    print(f"made {arguments.path}: keep it secret and keep a copy, the audit is verified with it")
    return 0
