"""Passwords that their users choose themselves: with the present one, or with a token for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import uuid
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.answers import RateLimited
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import password_guard, password_store, rules, store
from hms_server.identity.door import Door
from hms_server.identity.password_guard import PasswordGuard
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue

RESET_SECONDS = 3600
# A stolen access token must not be worth more guesses at the password than these.
_MOST_WRONG = 5
_SECRET_BYTES = 32


class OwnPassword:
    """Change and reset of passwords."""

    def __init__(
        self,
        *,
        database: Database,
        request_ids: RequestIds,
        passwords: Passwords,
        catalogue: Catalogue,
        publisher: GatePublisher,
        door: Door,
    ) -> None:
        self._database = database
        self._request_ids = request_ids
        self._passwords = passwords
        self._guard = PasswordGuard(database, passwords)
        self._catalogue = catalogue
        self._publisher = publisher
        self._door = door

    @on_conflict
    def change(self, request: pb.ChangePasswordRequest, call: Call) -> pb.ChangePasswordResponse:
        """Gives the caller a new password and ends his other sessions; his token is stale afterwards.

        Raises PermissionDenied (BAD_CREDENTIALS) for a wrong present password, InvalidArgument.
        """
        user_id = call.caller.user_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            facts = password_store.facts(transaction, user_id)
            transaction.flush()
            repeated = probe.repeat() is not None
            if repeated:
                transaction.audit(action="READ", entity_id=user_id)
        row: Any = facts.rows[0]
        if repeated:
            # The first try may have ended between its commit and what it was to publish.
            self._publisher.user(call.tenant_id, user_id, row.permission_version)
            return pb.ChangePasswordResponse()
        if not self._passwords.verify(row.password_hash, request.present_password):
            raise self._count_wrong(call)
        fresh = self._guard.judge(facts, request.new_password, "new_password")
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            after, ended = password_guard.replace(
                transaction,
                user_id=user_id,
                seen_hash=row.password_hash,
                fresh_hash=fresh,
                keep_session_id=call.caller.session_id,
            )
            self._request_ids.remember(transaction, call, probe, user_id, after.version)
            transaction.audit(entity_id=user_id, old_version=after.version - 1, new_version=after.version)
        self._publish(call.tenant_id, user_id, after.permission_version, ended)
        return pb.ChangePasswordResponse()

    def _count_wrong(self, call: Call) -> errors.HmsError:
        """Counts against the session, and ends it when it is too often."""
        refusal = rules.wrong_present_password()
        session_id = call.caller.session_id
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            counted = password_store.count_wrong(transaction, session_id)
            transaction.flush()
            over = counted.first is None or counted.first.wrong_passwords >= _MOST_WRONG
            if over:
                store.revoke_session(transaction, session_id, refusal.reason)
            transaction.audit(outcome=refusal.code, reason=refusal.reason, entity_id=call.caller.user_id)
        if over:
            self._publisher.session_revoked(call.tenant_id, session_id)
        return refusal

    @on_conflict
    def reset(self, request: pb.ResetPasswordRequest, call: Call) -> pb.ResetPasswordResponse:
        """A token with which the user chooses a new password once; an earlier one is void.

        Raises NotFound, PermissionDenied for a user who may do more than the caller, FailedPrecondition
        for one who is disabled.
        """
        token = _ResetToken(call.tenant_id, request.id, os.urandom(_SECRET_BYTES))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.lock_tenant(transaction)
            target = store.get_user(transaction, request.id)
            caller = store.load_roles_of(transaction, call.caller.user_id)
            held = store.load_roles_of(transaction, request.id)
            transaction.flush()
            row = target.first
            if row is None:
                raise errors.NotFound("No such user.")
            if row.id != call.caller.user_id:
                rules.require_not_above(
                    self._catalogue.grants(call.tenant_id, store.held_roles(caller.first)),
                    self._catalogue.grants(call.tenant_id, store.held_roles(held.first)),
                )
            if row.state != "ACTIVE":
                raise errors.FailedPrecondition("The user is disabled: enable him first.")
            made = password_store.put_reset(
                transaction, row.id, token.digest, RESET_SECONDS, call.caller.user_id
            )
            transaction.audit(entity_id=row.id)
        return pb.ResetPasswordResponse(token=token.text, expire_time=made.rows[0].expire_time)

    @on_conflict
    def complete(
        self, request: pb.CompletePasswordResetRequest, call: Call
    ) -> pb.CompletePasswordResetResponse:
        """A new password for a reset token, which works once; all sessions of the user end.

        Raises Unauthenticated (TOKEN_INVALID), RateLimited in its place after too many of them,
        PermissionDenied, InvalidArgument, AddressDenied by the hospital's rules.
        """
        token = _read(request.token)
        self._door.admit(token.tenant_id, call.address)
        with self._database.tenant_transaction(token.tenant_id, call) as transaction:
            facts = password_store.facts(transaction, token.user_id)
            stored = password_store.get_reset(transaction, token.user_id)
        row: Any = facts.first
        refusal: errors.HmsError | None
        if row is None or stored.first is None or not token.is_of(stored.first.token_hash):
            refusal = self._counted(token, call)
        else:
            refusal = rules.barred(row.tenant_state, row.user_state)
            if refusal is None and not self._maker_may(token, stored.first, call):
                refusal = _invalid()
        if refusal is not None:
            if not isinstance(refusal, RateLimited):
                self._record_refused_reset(token, row, refusal, call)
            raise refusal
        fresh = self._guard.judge(facts, request.new_password, "new_password")
        with self._database.tenant_transaction(token.tenant_id, call) as transaction:
            # Nobody's roles change meanwhile.
            store.lock_tenant(transaction)
            maker = self._queue_maker(transaction, token, stored.first)
            used = password_store.use_reset(transaction, token.user_id, token.digest)
            transaction.flush()
            if not used.affected or not self._stands_above(token, *maker):
                raise _invalid()
            after, ended = password_guard.replace(
                transaction, user_id=token.user_id, seen_hash=row.password_hash, fresh_hash=fresh
            )
            transaction.audit(
                entity_id=token.user_id,
                actor_id=token.user_id,
                actor_name=row.username,
                old_version=after.version - 1,
                new_version=after.version,
            )
        self._publish(token.tenant_id, token.user_id, after.permission_version, ended)
        return pb.CompletePasswordResetResponse()

    def _counted(self, token: _ResetToken, call: Call) -> errors.HmsError:
        """A wrong token counts against the account that it names, there or not. The right one is not counted:
        nobody can keep it out, and too many wrong ones leave no more records."""
        try:
            self._door.count_wrong(f"reset\0{token.tenant_id}\0{token.user_id}", call.address)
        except RateLimited as limited:
            return limited
        return _invalid()

    def _maker_may(self, token: _ResetToken, stored: Any, call: Call) -> bool:
        """Whether he who made the token could make it now. Otherwise a token that he kept would make him
        its user when that one has got more roles, or when he himself has lost his."""
        with self._database.tenant_transaction(token.tenant_id, call) as transaction:
            maker = self._queue_maker(transaction, token, stored)
        return self._stands_above(token, *maker)

    @staticmethod
    def _queue_maker(transaction: Transaction, token: _ResetToken, stored: Any) -> tuple[Pending, ...]:
        return (
            password_store.get_reset(transaction, token.user_id),
            store.load_roles_of(transaction, stored.actor_id),
            store.load_roles_of(transaction, token.user_id),
        )

    def _stands_above(self, token: _ResetToken, stored: Pending, maker: Pending, target: Pending) -> bool:
        if stored.first is None or stored.first.actor_state != "ACTIVE":
            return False
        if stored.first.actor_id == token.user_id:
            return True
        makers, targets = (
            self._catalogue.grants(token.tenant_id, store.held_roles(held.first)) for held in (maker, target)
        )
        if rules.USER_WRITE not in makers.permissions:
            return False
        try:
            rules.require_not_above(makers, targets)
        except errors.PermissionDenied:
            return False
        return True

    def _record_refused_reset(
        self, token: _ResetToken, row: Any, refusal: errors.HmsError, call: Call
    ) -> None:
        """In the chain of the hospital that the token names; in the platform's where there is none."""
        known: dict[str, Any] = {}
        if row is not None and row.username is not None:
            known["entity_id"] = token.user_id
        tenant_id = ids.PLATFORM_TENANT if row is None else token.tenant_id
        with self._database.tenant_transaction(tenant_id, call) as transaction:
            transaction.audit(outcome=refusal.code, reason=refusal.reason, **known)

    def _publish(self, tenant_id: str, user_id: str, permission_version: int, ended: Pending) -> None:
        for session in ended.rows:
            self._publisher.session_revoked(tenant_id, session.id)
        self._publisher.user(tenant_id, user_id, permission_version)


class _ResetToken:
    """Tenant, user and a secret, in base64url. The database holds SHA-256 of the whole."""

    def __init__(self, tenant_id: str, user_id: str, secret: bytes) -> None:
        self.tenant_id, self.user_id = tenant_id, user_id
        self._raw = uuid.UUID(tenant_id).bytes + uuid.UUID(user_id).bytes + secret

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(self._raw).rstrip(b"=").decode()

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self._raw).digest()

    def is_of(self, digest: bytes) -> bool:
        return hmac.compare_digest(self.digest, digest)


def _read(text: str) -> _ResetToken:
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
    except (ValueError, binascii.Error):
        raise _invalid() from None
    if len(raw) != 32 + _SECRET_BYTES:
        raise _invalid()
    token = _ResetToken(str(uuid.UUID(bytes=raw[:16])), str(uuid.UUID(bytes=raw[16:32])), raw[32:])
    # Tries are counted by the text: one token has one spelling.
    if token.text != text:
        raise _invalid()
    return token


def _invalid() -> errors.Unauthenticated:
    return errors.Unauthenticated(
        "The reset token is not valid, was used, or has expired: ask an administrator for a new one."
    )
