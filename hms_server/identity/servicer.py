"""hms.identity.v1.IdentityService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.identity.v1 import identity_pb2 as pb
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.door import Door
from hms_server.identity.own_password import OwnPassword
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue
from hms_server.identity.refresh_tokens import RefreshTokens
from hms_server.identity.roles import Roles
from hms_server.identity.service_account_keys import ServiceAccountKeys
from hms_server.identity.service_accounts import ServiceAccounts
from hms_server.identity.service_secrets import ServiceSecrets
from hms_server.identity.service_tokens import ServiceTokens
from hms_server.identity.session_list import SessionList
from hms_server.identity.sessions import Sessions
from hms_server.identity.tokens import TokenIssuer
from hms_server.identity.users import Users
from hms_server.keyring import KeySource

# Shorter than a new key is published before it signs (keyfile.py).
_JWKS_SECONDS = 300


class IdentityServicer:
    """Sessions, passwords, users, service accounts, roles, keys."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        keys: KeySource,
        issuer: TokenIssuer,
        passwords: Passwords,
        catalogue: Catalogue,
        publisher: GatePublisher,
        door: Door,
        session_seconds: int,
        assertion_audience: str = "",
    ) -> None:
        """`assertion_audience`: what assertions of services must name; empty: none is taken."""
        self._keys = keys
        self._service_tokens = ServiceTokens(
            database=database, issuer=issuer, catalogue=catalogue, audience=assertion_audience
        )
        self._service_accounts = ServiceAccounts(
            database=database,
            pages=pages,
            request_ids=request_ids,
            secrets=ServiceSecrets(keys.current().request_hash),
            catalogue=catalogue,
            publisher=publisher,
            audience=assertion_audience,
        )
        self._service_account_keys = ServiceAccountKeys(
            database=database,
            request_ids=request_ids,
            catalogue=catalogue,
            publisher=publisher,
            audience=assertion_audience,
        )
        self._sessions = Sessions(
            database=database,
            passwords=passwords,
            issuer=issuer,
            refresh_tokens=RefreshTokens(keys.current().request_hash),
            catalogue=catalogue,
            publisher=publisher,
            admit=door.admit,
            session_seconds=session_seconds,
        )
        self._own_password = OwnPassword(
            database=database,
            request_ids=request_ids,
            passwords=passwords,
            catalogue=catalogue,
            publisher=publisher,
            door=door,
        )
        self._session_list = SessionList(
            database=database,
            pages=pages,
            request_ids=request_ids,
            catalogue=catalogue,
            publisher=publisher,
        )
        self._users = Users(
            database=database,
            pages=pages,
            request_ids=request_ids,
            passwords=passwords,
            catalogue=catalogue,
            publisher=publisher,
        )
        self._roles = Roles(
            database=database,
            pages=pages,
            request_ids=request_ids,
            catalogue=catalogue,
            publisher=publisher,
        )

    def Login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Opens a session."""
        return self._sessions.login(request, call)

    def Refresh(self, request: pb.RefreshRequest, call: Call) -> pb.RefreshResponse:
        """Changes a refresh token for a new pair."""
        return self._sessions.refresh(request, call)

    def Logout(self, request: pb.LogoutRequest, call: Call) -> pb.LogoutResponse:
        """Ends the caller's session."""
        return self._sessions.logout(request, call)

    def ChangePassword(self, request: pb.ChangePasswordRequest, call: Call) -> pb.ChangePasswordResponse:
        """Gives the caller a new password."""
        return self._own_password.change(request, call)

    def ResetPassword(self, request: pb.ResetPasswordRequest, call: Call) -> pb.ResetPasswordResponse:
        """A token for a new password."""
        return self._own_password.reset(request, call)

    def CompletePasswordReset(
        self, request: pb.CompletePasswordResetRequest, call: Call
    ) -> pb.CompletePasswordResetResponse:
        """A new password for a token."""
        return self._own_password.complete(request, call)

    def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        """Sessions that stand."""
        return self._session_list.list_sessions(request, call)

    def RevokeSession(self, request: pb.RevokeSessionRequest, call: Call) -> pb.RevokeSessionResponse:
        """Ends a session."""
        return self._session_list.revoke(request, call)

    def IssueServiceToken(
        self, request: pb.IssueServiceTokenRequest, call: Call
    ) -> pb.IssueServiceTokenResponse:
        """A token for a service account."""
        return self._service_tokens.issue(request, call)

    def CreateServiceAccount(self, request: pb.CreateServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """A new service account."""
        return self._service_accounts.create(request, call)

    def GetServiceAccount(self, request: pb.GetServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """A service account."""
        return self._service_accounts.get(request, call)

    def ListServiceAccounts(
        self, request: pb.ListServiceAccountsRequest, call: Call
    ) -> pb.ListServiceAccountsResponse:
        """Service accounts in order of their names."""
        return self._service_accounts.list_accounts(request, call)

    def UpdateServiceAccount(self, request: pb.UpdateServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """Changes a service account."""
        return self._service_accounts.update(request, call)

    def RotateServiceAccountSecret(
        self, request: pb.RotateServiceAccountSecretRequest, call: Call
    ) -> pb.ServiceAccount:
        """Another secret for a service account."""
        return self._service_accounts.rotate(request, call)

    def AddServiceAccountKey(self, request: pb.AddServiceAccountKeyRequest, call: Call) -> pb.ServiceAccount:
        """A public key of a service account."""
        return self._service_account_keys.add(request, call)

    def RemoveServiceAccountKey(
        self, request: pb.RemoveServiceAccountKeyRequest, call: Call
    ) -> pb.ServiceAccount:
        """Removes a key of a service account."""
        return self._service_account_keys.remove(request, call)

    def GetJwks(self, request: pb.GetJwksRequest, call: Call) -> pb.GetJwksResponse:
        """The public keys, those that do not sign yet too."""
        call.response_headers.append(("cache-control", f"public, max-age={_JWKS_SECONDS}"))
        return pb.GetJwksResponse(
            keys=[
                pb.JsonWebKey(
                    kty="OKP", crv="Ed25519", kid=key.key_id, x=key.public_x, alg="EdDSA", use="sig"
                )
                for key in self._keys.current().signing
            ]
        )

    def CreateUser(self, request: pb.CreateUserRequest, call: Call) -> pb.User:
        """A new user."""
        return self._users.create(request, call)

    def GetUser(self, request: pb.GetUserRequest, call: Call) -> pb.User:
        """A user."""
        return self._users.get(request, call)

    def ListUsers(self, request: pb.ListUsersRequest, call: Call) -> pb.ListUsersResponse:
        """Users in order of their names."""
        return self._users.list_users(request, call)

    def UpdateUser(self, request: pb.UpdateUserRequest, call: Call) -> pb.User:
        """Changes a user."""
        return self._users.update(request, call)

    def CreateRole(self, request: pb.CreateRoleRequest, call: Call) -> pb.Role:
        """A new role."""
        return self._roles.create(request, call)

    def GetRole(self, request: pb.GetRoleRequest, call: Call) -> pb.Role:
        """A role."""
        return self._roles.get(request, call)

    def ListRoles(self, request: pb.ListRolesRequest, call: Call) -> pb.ListRolesResponse:
        """Roles in order of their codes."""
        return self._roles.list_roles(request, call)

    def UpdateRole(self, request: pb.UpdateRoleRequest, call: Call) -> pb.Role:
        """Changes a role."""
        return self._roles.update(request, call)

    def DeleteRole(self, request: pb.DeleteRoleRequest, call: Call) -> pb.DeleteRoleResponse:
        """Deletes a role."""
        return self._roles.delete(request, call)

    def ListPermissions(self, request: pb.ListPermissionsRequest, call: Call) -> pb.ListPermissionsResponse:
        """What a role may hold."""
        return self._roles.permissions(request, call)
