"""The keys of service accounts: added, given an end, removed. Whoever adds one can log in as the account."""

from __future__ import annotations

from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import clock, errors
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import mapping, rules, service_keys, services_store, store
from hms_server.identity.permissions import Catalogue, Grants
from hms_server.identity.service_keys import ServiceKey

MOST_KEYS = 10


class ServiceAccountKeys:
    """Adds and removes keys. `audience` is what assertions must name, empty where none is taken."""

    def __init__(
        self,
        *,
        database: Database,
        request_ids: RequestIds,
        catalogue: Catalogue,
        publisher: GatePublisher,
        audience: str,
    ) -> None:
        self._database = database
        self._request_ids = request_ids
        self._catalogue = catalogue
        self._publisher = publisher
        self._audience = audience

    @on_conflict
    def add(self, request: pb.AddServiceAccountKeyRequest, call: Call) -> pb.ServiceAccount:
        """Registers a key, or changes the end of one that stands.

        Raises NotFound, InvalidArgument, AlreadyExists for another key of this kid, FailedPrecondition where
        there are too many, PermissionDenied for an account that may do more than the caller.
        """
        key = service_keys.read(request.key.public_key, request.key.kid)
        ends = _end(request.key)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            row = self._locked(transaction, request.id, call)
            standing = {stored.kid: stored for stored in services_store.keys_of(row)}
            present = standing.get(key.kid)
            _require_free(key, present, len(standing))
            if present is not None and present.expire_micros == _micros(ends):
                transaction.audit(entity_id=row.id, new_version=row.version)
            else:
                self._next_version(transaction, row, call, permission_step=0)
                services_store.put_key(transaction, row.id, key, ends, call.caller.user_id)
            answer = services_store.get(transaction, row.id)
        return mapping.service_account(answer.rows[0], audience=self._audience)

    @on_conflict
    def remove(self, request: pb.RemoveServiceAccountKeyRequest, call: Call) -> pb.ServiceAccount:
        """Removes a key and ends the account's sessions, on every process when the answer arrives.

        Raises NotFound, PermissionDenied for an account that may do more than the caller.
        """
        revoked: Pending | None = None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            row = self._locked(transaction, request.id, call)
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=row.id)
            else:
                if request.kid not in {stored.kid for stored in services_store.keys_of(row)}:
                    raise errors.NotFound("The service account has no key of this kid.")
                self._next_version(transaction, row, call, permission_step=1)
                services_store.remove_key(transaction, row.id, request.kid)
                revoked = store.revoke_sessions_of_user(transaction, row.id, "KEY_REMOVED")
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            answer = services_store.get(transaction, row.id)
        for session in revoked.rows if revoked is not None else ():
            self._publisher.session_revoked(call.tenant_id, session.id)
        # Makes the tokens stale; on a repeat too: the first try may have ended between its commit and this.
        self._publisher.user(call.tenant_id, answer.rows[0].id, answer.rows[0].permission_version)
        return mapping.service_account(answer.rows[0], audience=self._audience)

    def _locked(self, transaction: Transaction, account_id: str, call: Call) -> Any:
        """The account as it stands, if the caller may change it."""
        store.lock_tenant(transaction)
        before = services_store.get(transaction, account_id)
        roles = store.load_roles_of(transaction, call.caller.user_id)
        transaction.flush()
        row = before.first
        if row is None:
            raise errors.NotFound("No such service account.")
        rules.require_not_above(
            self._catalogue.grants(call.tenant_id, store.held_roles(roles.first)),
            Grants(administrator=False, permissions=frozenset(row.permissions)),
        )
        return row

    def _next_version(self, transaction: Transaction, row: Any, call: Call, *, permission_step: int) -> None:
        services_store.update(
            transaction,
            account_id=row.id,
            display_name=row.display_name,
            state=row.state,
            permission_step=permission_step,
            actor_id=call.caller.user_id,
        )
        transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)


def _require_free(key: ServiceKey, present: services_store.StoredKey | None, standing: int) -> None:
    if present is not None and present.public_key != key.pem:
        raise errors.AlreadyExists("Another key of the service account has this kid.")
    if present is None and standing >= MOST_KEYS:
        raise errors.FailedPrecondition(f"A service account has {MOST_KEYS} keys at most: remove one first.")


def _end(key: pb.ServiceAccountKey) -> float | None:
    """When the key ends, in Unix seconds."""
    if not key.HasField("expire_time"):
        return None
    ends = key.expire_time.ToMicroseconds() / 1_000_000
    if ends <= clock.unix_seconds():
        raise errors.invalid_field("key.expire_time", "is over: remove the key instead")
    return ends


def _micros(ends: float | None) -> int | None:
    return None if ends is None else round(ends * 1_000_000)
