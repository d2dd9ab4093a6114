"""`hms keys create|rotate|prune`: the key file. Running processes take a changed file by themselves."""

from __future__ import annotations

import argparse
import pathlib

from hms_server import config, errors, keyfile


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("keys", help="make, rotate and prune the key file")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="a new key file; one that stands is left")
    create.add_argument("path", type=pathlib.Path)
    create.add_argument("--development", action="store_true", help="production does not start with them")
    rotate = actions.add_parser(
        "rotate", help="new keys, of both kinds where none is named; the old ones still verify"
    )
    rotate.add_argument("path", type=pathlib.Path, nargs="?", help="HMS_KEYS_FILE if not given")
    rotate.add_argument("--signing", action="store_true", help="the key that signs access tokens")
    rotate.add_argument("--audit", action="store_true", help="the key of the audit chain")
    rotate.add_argument(
        "--delay",
        type=int,
        default=keyfile.DELAY_SECONDS,
        metavar="SECONDS",
        help="how long a signing key is published before it signs (default %(default)s)",
    )
    prune = actions.add_parser("prune", help="remove signing keys that no token in force can be of")
    prune.add_argument("path", type=pathlib.Path, nargs="?", help="HMS_KEYS_FILE if not given")


def run(arguments: argparse.Namespace) -> int:
    """Changes the file."""
    if arguments.action == "create":
        keyfile.create(arguments.path, development=arguments.development)
        print(f"made {arguments.path}: keep it secret and keep a copy, the audit is verified with it")
        return 0
    path = arguments.path or config.load(serving=False).keys_file
    if path is None:
        raise errors.ConfigError("name the key file, or set HMS_KEYS_FILE")
    if arguments.action == "prune":
        gone = keyfile.prune(path)
        print(f"removed {', '.join(gone)}" if gone else "nothing to remove: tokens may be of any of the keys")
        return 0
    if arguments.delay < 0:
        raise errors.ConfigError("--delay cannot be negative")
    both = not (arguments.signing or arguments.audit)
    made = keyfile.rotate(
        path,
        signing=arguments.signing or both,
        audit=arguments.audit or both,
        delay_seconds=arguments.delay,
    )
    print(f"added {', '.join(made)}: keep a copy of {path}, the audit is verified with it")
    if arguments.signing or both:
        print(f"the signing key is published now and signs in {arguments.delay} seconds")
    return 0
