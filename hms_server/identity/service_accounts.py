"""Service accounts: how microservices call, each with permissions of its own and no shared log-in."""

from __future__ import annotations

from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import mapping, rules, service_secrets, services_store, store
from hms_server.identity.permissions import Catalogue, Grants
from hms_server.identity.service_secrets import ServiceSecrets


class ServiceAccounts:
    """The service accounts' part of the identity service."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        secrets: ServiceSecrets,
        catalogue: Catalogue,
        publisher: GatePublisher,
        audience: str,
    ) -> None:
        """`audience`: what the accounts' assertions must name."""
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._secrets = secrets
        self._catalogue = catalogue
        self._publisher = publisher
        self._audience = audience

    @on_conflict
    def create(self, request: pb.CreateServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """A new account, with its secret unless it is to have none.

        Raises InvalidArgument, PermissionDenied, AlreadyExists.
        """
        account = request.service_account
        rules.check_new_service_account(account.name)
        self._check_permissions(call, account.permissions)
        account_id = ids.uuid7()
        secret = self._secrets.make(account_id, request.request_id)
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                store.lock_tenant(transaction)
                probe = self._request_ids.probe(transaction, call, request)
                caller = store.load_roles_of(transaction, call.caller.user_id)
                transaction.flush()
                repeated = probe.repeat()
                if repeated is not None:
                    transaction.audit(action="READ", entity_id=repeated)
                    answer = services_store.get(transaction, repeated)
                    secret = self._secrets.make(repeated, request.request_id)
                else:
                    rules.require_grantable(self._callers(call, caller), _grants(account.permissions))
                    services_store.insert(
                        transaction,
                        account_id=account_id,
                        name=account.name,
                        display_name=account.display_name,
                        state=mapping.user_state(account.state) if account.state else "ACTIVE",
                        permissions=account.permissions,
                        secret_hash=None if request.without_secret else service_secrets.digest(secret),
                    )
                    self._request_ids.remember(transaction, call, probe, account_id, 1)
                    transaction.audit(entity_id=account_id, new_version=1)
                    answer = services_store.get(transaction, account_id)
        except UniqueViolation:
            raise errors.AlreadyExists("A user or service account with this name stands already.") from None
        row = answer.rows[0]
        # A repeat after a rotation has nothing to show.
        shown = secret if service_secrets.is_of(secret, row.secret_hash) else ""
        return mapping.service_account(row, shown, audience=self._audience)

    def get(self, request: pb.GetServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """An account. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = services_store.get(transaction, request.id)
        return mapping.service_account(_found(pending), audience=self._audience)

    def list_accounts(
        self, request: pb.ListServiceAccountsRequest, call: Call
    ) -> pb.ListServiceAccountsResponse:
        """Accounts in order of their names."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = services_store.list_accounts(transaction, page)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.username_key,))
        return pb.ListServiceAccountsResponse(
            service_accounts=[mapping.service_account(row, audience=self._audience) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def update(self, request: pb.UpdateServiceAccountRequest, call: Call) -> pb.ServiceAccount:
        """Changes an account; in force on every process when the answer arrives.

        Raises NotFound, InvalidArgument, PermissionDenied, Aborted.
        """
        account = request.service_account
        aip.require_id("service_account.id", account.id)
        fields = aip.selected(account, request.update_mask, rules.SERVICE_ACCOUNT_FIELDS)
        self._check_permissions(call, account.permissions)
        revoked: Pending | None = None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.lock_tenant(transaction)
            probe = self._request_ids.probe(transaction, call, request)
            before = services_store.get(transaction, account.id)
            caller = store.load_roles_of(transaction, call.caller.user_id)
            transaction.flush()
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=account.id)
            else:
                row = _found(before)
                aip.require_etag(account.etag, row.version)
                rules.check_service_account_changes(account, fields, row.username)
                callers, held = self._callers(call, caller), frozenset(row.permissions)
                wanted = frozenset(account.permissions) if "permissions" in fields else held
                state = mapping.user_state(account.state) if "state" in fields else row.state
                rules.require_not_above(callers, _grants(held))
                rules.require_grantable(callers, _grants(wanted - held))
                services_store.update(
                    transaction,
                    account_id=row.id,
                    display_name=account.display_name if "display_name" in fields else row.display_name,
                    state=state,
                    permission_step=int(state != row.state or wanted != held),
                    actor_id=call.caller.user_id,
                )
                if wanted != held:
                    services_store.set_permissions(transaction, row.id, wanted)
                if state == "DISABLED":
                    revoked = store.revoke_sessions_of_user(transaction, row.id, "USER_DISABLED")
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
                transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
            answer = services_store.get(transaction, account.id)
        return self._published(call, _found(answer), revoked)

    @on_conflict
    def rotate(self, request: pb.RotateServiceAccountSecretRequest, call: Call) -> pb.ServiceAccount:
        """Another secret, or none. Where the present one is void at once, the sessions that it opened end.

        Raises NotFound, PermissionDenied for an account that may do more than the caller, FailedPrecondition
        where nothing would be left to log in with.
        """
        secret = "" if request.remove else service_secrets.new()
        revoked: Pending | None = None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.lock_tenant(transaction)
            before = services_store.get(transaction, request.id)
            caller = store.load_roles_of(transaction, call.caller.user_id)
            transaction.flush()
            row = _found(before)
            rules.require_not_above(self._callers(call, caller), _grants(row.permissions))
            if request.remove and not row.keys:
                raise errors.FailedPrecondition(
                    "The service account has no key to log in with: add one first."
                )
            services_store.update(
                transaction,
                account_id=row.id,
                display_name=row.display_name,
                state=row.state,
                permission_step=0,
                actor_id=call.caller.user_id,
            )
            services_store.set_secret(
                transaction,
                row.id,
                service_secrets.digest(secret) if secret else None,
                request.keep_present_seconds,
            )
            if not request.keep_present_seconds:
                revoked = store.revoke_sessions_of_user(transaction, row.id, "SECRET_ROTATED")
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
            answer = services_store.get(transaction, row.id)
        return self._published(call, _found(answer), revoked, secret)

    def _published(
        self, call: Call, row: Any, revoked: Pending | None, secret: str = ""
    ) -> pb.ServiceAccount:
        for session in revoked.rows if revoked is not None else ():
            self._publisher.session_revoked(call.tenant_id, session.id)
        self._publisher.user(call.tenant_id, row.id, row.permission_version)
        return mapping.service_account(row, secret, audience=self._audience)

    def _check_permissions(self, call: Call, asked: Any) -> None:
        known = self._catalogue.of_tenant(call.tenant_id)
        rules.check_permissions(asked, known, "service_account.permissions")

    def _callers(self, call: Call, roles: Pending) -> Grants:
        return self._catalogue.grants(call.tenant_id, store.held_roles(roles.first))


def _grants(permissions: Any) -> Grants:
    return Grants(administrator=False, permissions=frozenset(permissions))


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such service account.")
    return pending.first
