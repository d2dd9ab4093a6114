"""Access tokens for service accounts: by client id and secret, for 15 minutes, without a refresh token."""

from __future__ import annotations

import os
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database
from hms_server.identity import rules, service_secrets, services_store
from hms_server.identity.permissions import Catalogue
from hms_server.identity.sessions import tenant_named
from hms_server.identity.tokens import TokenIssuer

TOKEN_SECONDS = 900


class ServiceTokens:
    """Opens the short sessions of service accounts. Every try is audited."""

    def __init__(self, *, database: Database, issuer: TokenIssuer, catalogue: Catalogue) -> None:
        self._database = database
        self._issuer = issuer
        self._catalogue = catalogue

    @on_conflict
    def issue(self, request: pb.IssueServiceTokenRequest, call: Call) -> pb.IssueServiceTokenResponse:
        """A token. Wrong tenant, client id and secret are told alike.

        Raises Unauthenticated (BAD_CREDENTIALS), PermissionDenied (TENANT_SUSPENDED, USER_DISABLED).
        """
        tenant_id, account = self._find(request, call)
        refusal: errors.HmsError | None
        if account is None or not service_secrets.is_of(
            request.client_secret, account.secret_hash, account.previous_secret_hash
        ):
            refusal = rules.bad_service_credentials()
        else:
            refusal = rules.barred(account.tenant_state, account.user_state)
        if refusal is not None:
            known = {} if account is None else {"actor_id": account.user_id, "actor_name": account.username}
            with self._database.tenant_transaction(tenant_id, call) as transaction:
                transaction.audit(outcome=refusal.code, reason=refusal.reason, **known)
            raise refusal
        return self._open(tenant_id, account, call)

    def _find(self, request: pb.IssueServiceTokenRequest, call: Call) -> tuple[str, Any]:
        """The tenant to audit in (the platform where it is not known), and the account."""
        tenant_id = tenant_named(self._database, request.tenant, call)
        with self._database.tenant_transaction(tenant_id or ids.NIL, call) as transaction:
            pending = services_store.load_login(transaction, request.client_id)
        row = pending.first
        if not tenant_id or row is None:
            return ids.PLATFORM_TENANT, None
        return tenant_id, None if row.user_id is None else row

    def _open(self, tenant_id: str, account: Any, call: Call) -> pb.IssueServiceTokenResponse:
        session_id = ids.uuid7()
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            opened = services_store.open_session(
                transaction,
                session_id=session_id,
                client_id=account.user_id,
                secret_hash=account.secret_hash,
                # No token has this hash: the session cannot be refreshed.
                refresh_hash=os.urandom(32),
                address=call.address,
                seconds=TOKEN_SECONDS,
            )
            transaction.flush()
            if opened.first is None:
                raise errors.ConcurrentChange("The account is being changed: try again.")
            transaction.audit(
                entity_id=session_id,
                actor_id=account.user_id,
                actor_name=account.username,
                session_id=session_id,
            )
        access = self._issuer.issue(
            tenant_id=tenant_id,
            user_id=account.user_id,
            session_id=session_id,
            username=account.username,
            permission_version=account.tenant_permission_version + account.user_permission_version,
            permissions=self._catalogue.of_tenant(tenant_id).intersection(account.permissions),
            latest=opened.first.expire_time,
        )
        return pb.IssueServiceTokenResponse(
            access_token=access.text,
            token_type="Bearer",  # noqa: S106 - the scheme's name, no secret
            expires_in=access.expires_in,
        )
