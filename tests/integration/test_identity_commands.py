"""`hms platform create-admin` on a real database, and `hms demo` against servers that answer."""

from __future__ import annotations

import concurrent.futures
import hashlib
import io

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from hms.admin.v1 import admin_pb2, admin_pb2_grpc
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms_server import __main__ as command_line
from hms_server import ids
from hms_server.identity.passwords import Passwords

PASSWORD = "a long enough password"


@pytest.fixture
def hms(monkeypatch, capsys):
    """Runs the command line; returns status and what it printed."""

    def run(*arguments, stdin="", **variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"HMS_{name.upper()}", value)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = command_line.main(list(arguments))
        captured = capsys.readouterr()
        return status, (captured.out + captured.err).strip()

    return run


def create_admin(hms, database, username, password=PASSWORD, stdin=""):
    return hms(
        "platform", "create-admin", "--username", username,
        app_database_url=database.app, bootstrap_password=password, stdin=stdin,
    )  # fmt: skip


def test_the_platforms_administrator_is_made_once(hms, database, owner):
    assert create_admin(hms, database, "Root") == (0, "created Root, administrator of the platform")
    status, text = create_admin(hms, database, "ROOT", password="quite another password")
    assert (status, text) == (0, "ROOT stands already (ACTIVE): nothing changed")
    ((stored, role, permissions),) = owner.execute(
        "SELECT u.password_hash, r.code, r.all_permissions FROM user_account u"
        " JOIN user_role ON user_id = u.id JOIN role r ON r.id = role_id"
        " WHERE u.tenant_id = %s AND username = 'Root'",
        [ids.PLATFORM_TENANT],
    ).fetchall()
    assert Passwords().verify(stored, PASSWORD)
    assert (role, permissions) == ("PLATFORM_ADMIN", True)
    ((record,),) = owner.execute("SELECT record FROM audit_outbox WHERE record->>'entity_type' = 'user'")
    assert (record["action"], record["method"]) == ("CREATE", "hms platform create-admin")


def test_the_password_may_come_from_standard_input(hms, database):
    assert create_admin(hms, database, "typist", password="", stdin=f"{PASSWORD}\n")[0] == 0


@pytest.mark.parametrize(
    ("username", "password"), [("a b", PASSWORD), ("root2", "short"), ("root.root.root", "ROOT.root.root")]
)
def test_what_cannot_be_is_refused(hms, database, username, password):
    status, text = create_admin(hms, database, username, password)
    assert status == 2
    assert text.startswith("hms platform: ")
    assert "\n" not in text


def test_a_database_that_is_away_is_told_in_one_line(hms, monkeypatch):
    status, text = hms(
        "platform", "create-admin", "--username", "root",
        app_database_url="postgresql://hms_app:secret@127.0.0.1:1/hms",
        bootstrap_password=PASSWORD,
        pool_wait_seconds="0.2",
    )  # fmt: skip
    assert (status, text) == (1, "hms platform: no connection to the database of HMS_APP_DATABASE_URL")


# `hms demo`


def abort(context, code, reason):
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="hms"))
    status = status_pb2.Status(code=code.value[0], message="no", details=[info])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "no")


class Identity(identity_pb2_grpc.IdentityServiceServicer):
    def __init__(self):
        self.passwords = {("platform", "platform-admin"): "platform password"}

    def Login(self, request, context):
        if self.passwords.get((request.tenant, request.username)) != request.password:
            abort(context, grpc.StatusCode.UNAUTHENTICATED, "BAD_CREDENTIALS")
        self.signed_in = (request.tenant, request.username)
        return identity_pb2.LoginResponse(access_token=request.tenant, expires_in=900)

    def ChangePassword(self, request, context):
        assert self.passwords[self.signed_in] == request.present_password
        self.passwords[self.signed_in] = request.new_password
        return identity_pb2.ChangePasswordResponse()


class Admin(admin_pb2_grpc.AdminServiceServicer):
    def __init__(self, identity):
        self.identity = identity
        self.settings = admin_pb2.Settings(time_zone="UTC", uhid_prefix="H", etag="1")

    def CreateTenant(self, request, context):
        assert dict(context.invocation_metadata())["authorization"] == "Bearer platform"
        account = (request.tenant.code, request.admin_username)
        if account in self.identity.passwords:
            abort(context, grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")
        self.identity.passwords[account] = request.admin_password
        return request.tenant

    def GetSettings(self, request, context):
        return self.settings

    def UpdateSettings(self, request, context):
        assert request.settings.etag == self.settings.etag
        self.settings = request.settings
        self.settings.etag = "2"
        return self.settings


@pytest.fixture
def demo(hms):
    """Runs `hms demo` against one pair of servers."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    identity = Identity()
    admin = Admin(identity)
    identity_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(admin, server)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()

    def run(*arguments, **changes):
        variables = {
            "grpc_target": target,
            "tenant": "platform",
            "user": "platform-admin",
            "password": "platform password",
            "bootstrap_password": PASSWORD,
        }
        return hms("demo", *arguments, **{**variables, **changes})

    run.admin = admin
    yield run
    server.stop(None).wait()


def test_the_demo_hospital_is_made_once(demo):
    status, text = demo()
    assert (status, text.splitlines()[0]) == (0, "created Demo Hospital (demo)")
    assert (demo.admin.settings.time_zone, demo.admin.settings.uhid_prefix) == ("Asia/Kolkata", "DH")
    assert demo() == (0, "demo stands already\nsettings are left as they stand")
    assert demo(bootstrap_password="quite another password") == (
        0, "demo stands already\nadmin has another password: settings are left",
    )  # fmt: skip


def test_a_second_try_finishes_what_the_first_left(demo):
    demo.admin.identity.passwords["demo", "admin"] = PASSWORD
    # Stopped before the administrator had a password of his own, or right after.
    for password in (hashlib.sha256(PASSWORD.encode()).hexdigest(), PASSWORD):
        demo.admin.identity.passwords["demo", "admin"] = password
        demo.admin.settings = admin_pb2.Settings(time_zone="UTC", uhid_prefix="H", etag="1")
        assert demo() == (0, "demo stands already\nset time zone Asia/Kolkata, UHID prefix DH")


def test_another_hospital_is_made_by_its_options(demo):
    status, text = demo("--code", "city", "--name", "City Care", "--admin-username", "chief")
    assert (status, text.splitlines()[0]) == (0, "created City Care (city)")
    assert demo.admin.identity.passwords["city", "chief"] == PASSWORD


def test_a_wrong_password_is_told_in_one_line(demo):
    assert demo(password="wrong") == (1, "hms demo: UNAUTHENTICATED BAD_CREDENTIALS: no")
