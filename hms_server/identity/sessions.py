"""Sessions: log in, refresh, log out. Every try is audited, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import clock, errors, ids
from hms_server.context import Call
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.gate.addresses import AddressDenied
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import rules, store
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue
from hms_server.identity.refresh_tokens import RefreshToken, RefreshTokens
from hms_server.identity.rules import RefreshUse
from hms_server.identity.tokens import AccessToken, TokenIssuer


class Sessions:
    """Opens, renews and ends sessions."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        issuer: TokenIssuer,
        refresh_tokens: RefreshTokens,
        catalogue: Catalogue,
        publisher: GatePublisher,
        admit: Callable[[str, str], None],
        session_seconds: int,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._refresh_tokens = refresh_tokens
        self._catalogue = catalogue
        self._publisher = publisher
        self._admit = admit
        self._session_seconds = session_seconds

    @on_conflict
    def login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Opens a session. Whatever is wrong takes the same way and the same time."""
        tenant_id, account = self._find_account(request, call)
        stored = None if account is None else account.password_hash
        # No connection is held while the hash is computed.
        if not self._passwords.verify(stored, request.password):
            refusal: errors.HmsError | None = rules.bad_credentials()
        else:
            refusal = rules.barred(account.tenant_state, account.user_state)
        if refusal is not None:
            self._record_refused_login(tenant_id, account, refusal, request, call)
            raise refusal
        return self._open(tenant_id, account, request.password, call)

    def _find_account(self, request: pb.LoginRequest, call: Call) -> tuple[str, Any]:
        """The tenant to audit in (the platform where it is not known) and tenant and user."""
        tenant_id = tenant_named(self._database, request.tenant, call)
        with self._database.tenant_transaction(tenant_id or ids.NIL, call) as transaction:
            pending = store.load_login(transaction, rules.username_key(request.username))
        if pending.first is None or not tenant_id:
            return ids.PLATFORM_TENANT, None
        return tenant_id, pending.first

    def _record_refused_login(
        self,
        tenant_id: str,
        account: Any,
        refusal: errors.HmsError,
        request: pb.LoginRequest,
        call: Call,
    ) -> None:
        known = {} if account is None or account.user_id is None else {"actor_id": account.user_id}
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            transaction.audit(
                outcome=refusal.code,
                reason=refusal.reason,
                actor_name=rules.audited_name(request.username),
                **known,
            )

    def _open(self, tenant_id: str, account: Any, password: str, call: Call) -> pb.LoginResponse:
        session_id = ids.uuid7()
        refresh_token = self._refresh_tokens.first(tenant_id, session_id)
        stored = account.password_hash
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            if self._passwords.is_outdated(stored):
                fresh = self._passwords.hash(password)
                store.rehash_password(transaction, account.user_id, stored, fresh)
                stored = fresh
            opened = store.open_session(
                transaction,
                session_id=session_id,
                user_id=account.user_id,
                password_hash=stored,
                refresh_hash=refresh_token.digest,
                address=call.address,
                seconds=self._session_seconds,
            )
            transaction.flush()
            if opened.first is None:
                raise errors.ConcurrentChange("The user is being changed: try again.")
            transaction.audit(
                entity_id=session_id,
                actor_id=account.user_id,
                actor_name=account.username,
                session_id=session_id,
            )
        latest = rules.token_end(clock.unix_seconds(), opened.first.expire_time, opened.first.idle_seconds)
        access = self._issue(tenant_id, account.user_id, session_id, account, latest)
        return pb.LoginResponse(
            access_token=access.text,
            refresh_token=refresh_token.text,
            token_type="Bearer",  # noqa: S106 - the scheme's name, no secret
            expires_in=access.expires_in,
            user_id=account.user_id,
            tenant_id=tenant_id,
            password_change_required=account.must_change_password,
        )

    def _issue(self, tenant_id: str, user_id: str, session_id: str, row: Any, latest: float) -> AccessToken:
        grants = self._catalogue.grants(tenant_id, store.held_roles(row))
        return self._issuer.issue(
            tenant_id=tenant_id,
            user_id=user_id,
            session_id=session_id,
            username=row.username,
            permission_version=row.tenant_permission_version + row.user_permission_version,
            permissions=grants.for_token,
            limited=grants.limited,
            latest=latest,
            must_change_password=row.must_change_password,
        )

    @on_conflict
    def refresh(self, request: pb.RefreshRequest, call: Call) -> pb.RefreshResponse:
        """Changes a refresh token for a new pair; ends the session where it was used before.

        Raises AddressDenied by the hospital's rules: the session stays as it is, whatever the token.
        """
        token = self._refresh_tokens.read(request.refresh_token)
        try:
            self._admit(token.tenant_id, call.address)
        except AddressDenied as denied:
            if denied.first:
                self._record_denied_address(token, denied, call)
            raise
        following = self._refresh_tokens.successor(token)
        refusal: errors.HmsError | None = None
        with self._database.tenant_transaction(token.tenant_id, call) as transaction:
            pending = store.lock_session(transaction, token.session_id)
            transaction.flush()
            row = pending.first
            if row is None:
                raise rules.ended()
            use = rules.refresh_use(token.digest, row.refresh_hash, row.previous_refresh_hash, row.in_grace)
            if row.ended:
                refusal = rules.ended()
                # What was told stays true, also where the hospital lengthens its times later.
                store.revoke_session(transaction, token.session_id, "EXPIRED")
            elif use is RefreshUse.REUSED:
                refusal = rules.reused()
                store.revoke_session(transaction, token.session_id, refusal.reason)
            else:
                refusal = rules.barred(row.tenant_state, row.user_state)
                if refusal is None and use is RefreshUse.PRESENT:
                    store.rotate_session(transaction, token.session_id, following.digest)
            _audit_session(transaction, token.session_id, row, refusal)
        if refusal is not None:
            if use is RefreshUse.REUSED:
                self._publisher.session_revoked(token.tenant_id, token.session_id)
            raise refusal
        latest = rules.token_end(clock.unix_seconds(), row.expire_time, row.idle_seconds)
        access = self._issue(token.tenant_id, row.user_id, token.session_id, row, latest)
        return pb.RefreshResponse(
            access_token=access.text,
            refresh_token=following.text,
            token_type="Bearer",  # noqa: S106 - the scheme's name, no secret
            expires_in=access.expires_in,
            password_change_required=row.must_change_password,
        )

    def _record_denied_address(self, token: RefreshToken, denied: AddressDenied, call: Call) -> None:
        with self._database.tenant_transaction(token.tenant_id, call) as transaction:
            pending = store.lock_session(transaction, token.session_id)
            transaction.flush()
            if pending.first is not None:
                _audit_session(transaction, token.session_id, pending.first, denied)

    @on_conflict
    def logout(self, request: pb.LogoutRequest, call: Call) -> pb.LogoutResponse:
        """Ends the caller's session."""
        session_id = call.caller.session_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.revoke_session(transaction, session_id, "LOGOUT")
            transaction.audit(entity_id=session_id)
        self._publisher.session_revoked(call.tenant_id, session_id)
        return pb.LogoutResponse()


def tenant_named(database: Database, text: str, call: Call) -> str:
    """The id of the tenant that is named by its code or id; empty for a code that no tenant has. (That a
    tenant of this id stands is for the caller to see.)"""
    if ids.is_uuid(text.lower()):
        return text.lower()
    code = text if rules.is_tenant_code(text) else ""
    with database.platform_transaction(call) as transaction:
        found = store.find_tenant(transaction, code)
    return found.first.id if found.first else ""


def _audit_session(
    transaction: Transaction, session_id: str, row: Any, refusal: errors.HmsError | None
) -> None:
    transaction.audit(
        outcome="OK" if refusal is None else refusal.code,
        reason="" if refusal is None else refusal.reason,
        entity_id=session_id,
        actor_id=row.user_id,
        actor_name=row.username,
        session_id=session_id,
    )
