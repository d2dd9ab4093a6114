"""`hms demo`: the demo hospital with its administrator, made through the API. Safe to run again."""

from __future__ import annotations

import argparse
import hashlib
import sys

import grpc

from hms.admin.v1 import admin_pb2, admin_pb2_grpc
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms.policy.v1 import policy_pb2
from hms_server import config
from hms_server.cli import client as clients
from hms_server.config import Settings

_TIME_ZONE = "Asia/Kolkata"
_UHID_PREFIX = "DH"
# A demonstration is tried out by scripts, and filled by an import: more calls than people make.
_CALLS_PER_MINUTE = 6000
_GENEROUS_TIERS = (
    policy_pb2.RATE_TIER_DEFAULT,
    policy_pb2.RATE_TIER_SEARCH,
    policy_pb2.RATE_TIER_BOOKING,
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's arguments."""
    parser = subparsers.add_parser(
        "demo",
        help="create the demo hospital",
        description="Signs in as HMS_USER of HMS_TENANT (the platform); the new administrator's "
        "password comes from HMS_BOOTSTRAP_PASSWORD.",
    )
    parser.add_argument("--code", default="demo", help="what the hospital signs in with")
    parser.add_argument("--name", default="Demo Hospital")
    parser.add_argument("--admin-username", default="admin")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    settings = config.load(serving=False)
    settings.require("grpc_target", "tenant", "user", "password", "bootstrap_password")
    try:
        print(_create_tenant(settings, arguments))
        print(_set_up(settings, arguments))
    except grpc.RpcError as error:
        print(f"hms demo: {clients.describe(error)}", file=sys.stderr)
        return 1
    return 0


def _create_tenant(settings: Settings, arguments: argparse.Namespace) -> str:
    with clients.sign_in(settings) as client:
        try:
            tenant = admin_pb2_grpc.AdminServiceStub(client.channel).CreateTenant(
                admin_pb2.CreateTenantRequest(
                    tenant=admin_pb2.Tenant(
                        code=arguments.code,
                        display_name=arguments.name,
                        rate_limits=[
                            admin_pb2.RateLimit(tier=tier, limit=_CALLS_PER_MINUTE, window_seconds=60)
                            for tier in _GENEROUS_TIERS
                        ],
                    ),
                    admin_username=arguments.admin_username,
                    admin_password=_first_password(settings),
                )
            )
        except grpc.RpcError as error:
            if clients.reason(error) != "ALREADY_EXISTS":
                raise
            return f"{arguments.code} stands already"
    return (
        f"created {tenant.display_name} ({tenant.code})\n"
        f"its users may make {_CALLS_PER_MINUTE} calls and as many searches and bookings a minute"
    )


def _first_password(settings: Settings) -> str:
    """What the administrator has until he chooses his own; told from that, for a run that was stopped."""
    return hashlib.sha256(settings.bootstrap_password.get_secret_value().encode()).hexdigest()


def _log_in(client: clients.Client, settings: Settings, arguments: argparse.Namespace) -> None:
    """As the administrator, who takes his own password where he still has the first one."""
    own = settings.bootstrap_password.get_secret_value()
    try:
        client.login(arguments.code, arguments.admin_username, own)
        return
    except grpc.RpcError as error:
        if clients.reason(error) != "BAD_CREDENTIALS":
            raise
    first = _first_password(settings)
    client.login(arguments.code, arguments.admin_username, first)
    identity_pb2_grpc.IdentityServiceStub(client.channel).ChangePassword(
        identity_pb2.ChangePasswordRequest(present_password=first, new_password=own)
    )
    client.login(arguments.code, arguments.admin_username, own)


def _set_up(settings: Settings, arguments: argparse.Namespace) -> str:
    """The hospital's own settings, which its own administrator makes."""
    client = clients.Client(settings.grpc_target, settings=settings)
    with client:
        try:
            _log_in(client, settings, arguments)
        except grpc.RpcError as error:
            if clients.reason(error) != "BAD_CREDENTIALS":
                raise
            return f"{arguments.admin_username} has another password: settings are left"
        stub = admin_pb2_grpc.AdminServiceStub(client.channel)
        present = stub.GetSettings(admin_pb2.GetSettingsRequest())
        # Only a fresh hospital: nobody's own choice is overwritten.
        if present.etag != "1":
            return "settings are left as they stand"
        stub.UpdateSettings(
            admin_pb2.UpdateSettingsRequest(
                settings=admin_pb2.Settings(time_zone=_TIME_ZONE, uhid_prefix=_UHID_PREFIX, etag=present.etag)
            )
        )
    return f"set time zone {_TIME_ZONE}, UHID prefix {_UHID_PREFIX}"
