"""`hms tenant`: a hospital leaves. Exports it, erases it, and verifies certificates of that."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import pathlib
from typing import Any

import psycopg
import redis

from hms_server import config, errors, keyring
from hms_server.config import Settings
from hms_server.jobs import queues
from hms_server.keyring import Keyring
from hms_server.offboarding import certificate
from hms_server.offboarding.erasure import Erasure
from hms_server.offboarding.export import export


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's arguments."""
    parser = subparsers.add_parser("tenant", help="export and erase a tenant")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    leave = actions.add_parser("export", help="write everything of a tenant into a folder")
    leave.add_argument("code", metavar="CODE")
    leave.add_argument("--to", metavar="FOLDER", type=pathlib.Path, required=True, help="new or empty")
    erase = actions.add_parser(
        "erase",
        help="erase a suspended tenant for good",
        description="Deletes every row of the tenant but its audit. Killed, it goes on when it is run again.",
    )
    erase.add_argument("code", metavar="CODE")
    erase.add_argument("--confirm", metavar="CODE", required=True, help="the code once more")
    exported = erase.add_mutually_exclusive_group(required=True)
    exported.add_argument("--export", metavar="FOLDER", type=pathlib.Path, help="where `export` wrote to")
    exported.add_argument("--without-export", action="store_true", help="nothing of it is to be kept")
    erase.add_argument(
        "--certificate", metavar="FILE", type=pathlib.Path, required=True, help="a new file for it"
    )
    for each in (leave, erase):
        each.add_argument(
            "--operator", metavar="NAME", default="", help="who does it (default: your account)"
        )
    verify = actions.add_parser("certificate-verify", help="whether a certificate is as it was signed")
    verify.add_argument("file", metavar="FILE", type=pathlib.Path)
    verify.add_argument(
        "--public-key",
        metavar="KEY",
        default="",
        help="base64url, written --public-key=KEY, since a key may begin with - (default: of HMS_KEYS_FILE)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; raises ConfigError with one line for what cannot be done."""
    settings = config.load(serving=False)
    try:
        if arguments.action == "export":
            return _export(settings, arguments)
        if arguments.action == "erase":
            return _erase(settings, arguments)
        return _verify(settings, arguments)
    except psycopg.Error as error:
        raise errors.ConfigError(f"the database: {_line(error)}: run it again") from None
    except redis.RedisError as error:
        raise errors.ConfigError(f"Redis does not answer ({type(error).__name__}): run it again") from None
    except OSError as error:
        raise errors.ConfigError(f"{error.filename}: {error.strerror}") from None


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    settings.require("database_url")
    with _owner(settings.database_url) as connection, contextlib.ExitStack() as opened:
        audit_url = settings.audit_database_url
        done = export(
            connection,
            arguments.code,
            arguments.to,
            operator=_operator(arguments),
            tell=_tell,
            audit=opened.enter_context(_owner(audit_url)) if audit_url else None,
        )
    print(f"exported {arguments.code}: {done.rows} rows; SHA-256 of the manifest {done.sha256}")
    return 0


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    settings.require("database_url", "redis_url", "keys_file")
    if arguments.confirm != arguments.code:
        raise errors.ConfigError("--confirm must say the tenant's code once more")
    operator, target = _operator(arguments), arguments.certificate
    keys = _keys(settings)
    # Before anything is gone, not after.
    if target.exists() or not os.access(target.absolute().parent, os.W_OK):
        raise errors.ConfigError(f"{target} cannot be made: the certificate needs a new file")
    queued = queues.connect(settings, seconds=5.0)
    with (
        _owner(settings.database_url) as connection,
        redis.Redis.from_url(settings.redis_url, socket_timeout=5.0) as shared,
    ):
        erasure = Erasure(
            connection,
            shared,
            queued,
            keys,
            usual_seconds=settings.statement_timeout_seconds,
            tell=_tell,
        )
        text = erasure.run(arguments.code, operator=operator, exported=arguments.export)
    with target.open("xb") as file:
        file.write(text)
    print(f"erased {arguments.code}; certificate: {target}")
    return 0


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    text = arguments.file.read_bytes()
    public_key = arguments.public_key or certificate.public_key_of(text, _keys(settings))
    try:
        said = certificate.verify(text, public_key)
    except errors.ConfigError as error:
        print(f"{arguments.file}: {error}")
        return 1
    rows = sum(said["removed"].values())
    print(
        f"the certificate holds: {rows} rows of {said['tenant_code']} ({said['tenant_id']}) were erased by"
        f" {said['operator']}, {said['begin_time']} to {said['end_time']}"
    )
    return 0


def _owner(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True, application_name="hms-tenant")


def _keys(settings: Settings) -> Keyring:
    settings.require("keys_file")
    if settings.keys_file is None:
        raise errors.ConfigError("set HMS_KEYS_FILE")
    return keyring.load(settings.keys_file)


def _operator(arguments: argparse.Namespace) -> str:
    if arguments.operator:
        return str(arguments.operator)
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise errors.ConfigError("your account has no name: give --operator NAME") from None


def _tell(line: str) -> None:
    print(line, flush=True)


def _line(error: psycopg.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
