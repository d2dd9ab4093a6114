"""Access tokens for service accounts, for 15 minutes and without a refresh token: by secret, or by an
assertion that the service signed (service_assertions.py).

An assertion is used up in the transaction that opens the session, in PostgreSQL: no process takes it twice,
whether Redis is there or not.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.identity import rules, service_assertions, service_secrets, services_store
from hms_server.identity.permissions import Catalogue
from hms_server.identity.service_assertions import Used
from hms_server.identity.sessions import tenant_named
from hms_server.identity.tokens import TokenIssuer
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)

TOKEN_SECONDS = 900
# For the auditor alone: the caller is told what everybody is told.
_REPLAYED = "ASSERTION_REPLAYED"


class _Replayed(Exception):
    """The assertion was used before."""


class ServiceTokens:
    """Opens the short sessions of service accounts. Every try is audited.

    `audience` is what an assertion must name; empty where this installation takes none.
    """

    def __init__(
        self, *, database: Database, issuer: TokenIssuer, catalogue: Catalogue, audience: str
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._catalogue = catalogue
        self._audience = audience

    @on_conflict
    def issue(self, request: pb.IssueServiceTokenRequest, call: Call) -> pb.IssueServiceTokenResponse:
        """A token. Wrong tenant, client id, secret and assertion are told alike.

        Raises Unauthenticated (BAD_CREDENTIALS), PermissionDenied (TENANT_SUSPENDED, USER_DISABLED),
        InvalidArgument where not one of secret and assertion is sent.
        """
        _require_one_proof(request)
        kid = service_assertions.kid_of(request.client_assertion)
        tenant_id, account = self._find(request, kid, call)
        used: Used | None = None
        refusal: errors.HmsError | None = None
        if account is None:
            refusal = rules.bad_service_credentials()
        elif not request.client_assertion:
            if not service_secrets.is_of(
                request.client_secret, account.secret_hash, account.previous_secret_hash
            ):
                refusal = rules.bad_service_credentials()
        else:
            used = self._used(request, account, call)
            if used is None:
                refusal = rules.bad_service_credentials()
        if refusal is None:
            refusal = rules.barred(account.tenant_state, account.user_state)
        if refusal is not None:
            self._record_refused(tenant_id, account, refusal, refusal.reason, call)
            raise refusal
        try:
            return self._open(tenant_id, account, kid, used, call)
        except _Replayed:
            refusal = rules.bad_service_credentials()
            self._record_refused(tenant_id, account, refusal, _REPLAYED, call)
            raise refusal from None

    def _find(self, request: pb.IssueServiceTokenRequest, kid: str, call: Call) -> tuple[str, Any]:
        """The tenant to audit in (the platform where it is not known), and the account."""
        tenant_id = tenant_named(self._database, request.tenant, call)
        with self._database.tenant_transaction(tenant_id or ids.NIL, call) as transaction:
            pending = services_store.load_login(transaction, request.client_id, kid)
        row = pending.first
        if not tenant_id or row is None:
            return ids.PLATFORM_TENANT, None
        return tenant_id, None if row.user_id is None else row

    def _used(self, request: pb.IssueServiceTokenRequest, account: Any, call: Call) -> Used | None:
        """What is to be kept of the assertion; None for one that proves nothing. The log says why, for who
        writes the service: the answer does not."""
        try:
            if account.public_key is None:
                raise service_assertions.Refused("kid")
            return service_assertions.check(
                request.client_assertion,
                algorithm=account.algorithm,
                public_key=account.public_key,
                client_id=account.user_id,
                audience=self._audience,
                now=account.now,
            )
        except service_assertions.Refused as refused:
            logs.event(_log, logging.INFO, "assertion refused", why=str(refused), request_id=call.request_id)
            return None

    def _record_refused(
        self, tenant_id: str, account: Any, refusal: errors.HmsError, reason: str, call: Call
    ) -> None:
        known = {} if account is None else {"actor_id": account.user_id, "actor_name": account.username}
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            transaction.audit(outcome=refusal.code, reason=reason, **known)

    def _open(
        self, tenant_id: str, account: Any, kid: str, used: Used | None, call: Call
    ) -> pb.IssueServiceTokenResponse:
        session_id = ids.uuid7()
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            noted = None
            if used is not None:
                noted = services_store.use_assertion(transaction, account.user_id, used)
            opened = _session(transaction, account, session_id, "" if used is None else kid, call)
            transaction.flush()
            if noted is not None and not noted.affected:
                raise _Replayed
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


def _session(transaction: Transaction, account: Any, session_id: str, kid: str, call: Call) -> Pending:
    """A new session by secret or, where a key is named, by that."""
    shared: dict[str, Any] = {
        "session_id": session_id,
        "client_id": account.user_id,
        # No token has this hash: the session cannot be refreshed.
        "refresh_hash": os.urandom(32),
        "address": call.address,
        "seconds": TOKEN_SECONDS,
    }
    if kid:
        return services_store.open_session_by_key(
            transaction, kid=kid, public_key=account.public_key, **shared
        )
    return services_store.open_session(transaction, secret_hash=account.secret_hash, **shared)


def _require_one_proof(request: pb.IssueServiceTokenRequest) -> None:
    if bool(request.client_secret) == bool(request.client_assertion):
        raise errors.invalid_field("client_secret", "send either this or client_assertion")
