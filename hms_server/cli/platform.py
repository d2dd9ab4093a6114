"""`hms platform`: the platform's first administrator, and a way back in. Safe to run again."""

from __future__ import annotations

import argparse
import getpass
import logging
import sys
from collections.abc import Callable

from hms_server import config, errors, ids
from hms_server.cli import address_rules
from hms_server.context import Call, MethodPolicy
from hms_server.database.faults import DatabaseFault
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.identity import password_rules, provision, rules
from hms_server.identity.passwords import Passwords

# The command stands in for a method, so that its audit record says what made the user.
_POLICY = MethodPolicy(
    full_name="hms platform create-admin",
    access="PUBLIC",
    permission="",
    rate_tier="EXEMPT",
    audit_action="CREATE",
    replica_ok=False,
    entity_type="user",
    platform_only=True,
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's arguments."""
    parser = subparsers.add_parser("platform", help="create the platform's administrator, clear rules")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser(
        "create-admin",
        help="create an administrator of the platform",
        description="The password comes from HMS_BOOTSTRAP_PASSWORD, or from standard input.",
    )
    create.add_argument("--username", required=True)
    clear = actions.add_parser(
        "clear-address-rules",
        help="end all rules of addresses, if they keep everybody out",
        description="Ends the platform's rules, or those of a tenant.",
    )
    clear.add_argument("--tenant", default="", metavar="CODE")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    settings = config.load(serving=False)
    settings.require("app_database_url")
    if arguments.action == "clear-address-rules":
        return _with_database(settings, lambda base: address_rules.clear(base, settings, arguments.tenant))
    username: str = arguments.username
    if not rules.username_key(username):
        raise errors.ConfigError("a user name is made of letters, digits and . _ @ + -")
    password = settings.bootstrap_password.get_secret_value() or _read_password()
    faults = password_rules.faults(password, names=(username,))
    if faults:
        raise errors.ConfigError(f"the password {'; '.join(faults)}")
    return _with_database(settings, lambda base: _create(base, Passwords(), username, password))


def _with_database(settings: config.Settings, act: Callable[[Database], str]) -> int:
    """Prints what `act` tells; returns the exit status."""
    # Its warnings would be many lines for what is told in one.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    pool = Pool(settings.app_database_url, settings, "platform", size=1)
    pool.open()
    try:
        print(act(Database(pool, settings.statement_timeout_seconds)))
    except DatabaseFault as error:
        print(f"hms platform: {error}: run `hms migrate` first?", file=sys.stderr)
        return 1
    except errors.Unavailable:
        print("hms platform: no connection to the database of HMS_APP_DATABASE_URL", file=sys.stderr)
        return 1
    except errors.HmsError as error:
        print(f"hms platform: {error.message}", file=sys.stderr)
        return 1
    finally:
        pool.close()
    return 0


def _create(database: Database, passwords: Passwords, username: str, password: str) -> str:
    call = Call(_POLICY, {})
    call.request_id = ids.uuid7()
    try:
        with database.tenant_transaction(ids.PLATFORM_TENANT, call) as transaction:
            provision.add_system_roles(transaction, ids.PLATFORM_TENANT)
            found = provision.find_user(transaction, username)
            transaction.flush()
            if found.first is not None:
                return f"{username} stands already ({found.first.state}): nothing changed"
            user_id = ids.uuid7()
            provision.add_administrator(
                transaction,
                ids.PLATFORM_TENANT,
                user_id=user_id,
                username=username,
                password_hash=passwords.hash(password),
            )
            transaction.audit(
                entity_id=user_id, new_version=1, actor_name=rules.audited_name(_POLICY.full_name)
            )
    except errors.AlreadyExists:
        return f"{username} stands already: nothing changed"
    return f"created {username}, administrator of the platform"


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")
