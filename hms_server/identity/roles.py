"""Roles of a tenant: make, read, list, change, delete."""

from __future__ import annotations

from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import mapping, rules, store
from hms_server.identity.gate_state import call_limits, limits
from hms_server.identity.permissions import Catalogue, Grants


class Roles:
    """The roles' part of the identity service."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        catalogue: Catalogue,
        publisher: GatePublisher,
    ) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._catalogue = catalogue
        self._publisher = publisher

    @on_conflict
    def create(self, request: pb.CreateRoleRequest, call: Call) -> pb.Role:
        """A new role of the tenant's own."""
        role = request.role
        rules.check_new_role(role.code)
        rules.check_permissions(role.permissions, self._catalogue.of_tenant(call.tenant_id))
        role_id = ids.uuid7()
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                store.lock_tenant(transaction)
                probe = self._request_ids.probe(transaction, call, request)
                caller = store.load_roles_of(transaction, call.caller.user_id)
                transaction.flush()
                repeated = probe.repeat()
                if repeated is not None:
                    answer = _repeat(transaction, repeated)
                else:
                    self._require_grantable(call, caller, frozenset(role.permissions))
                    store.insert_role(
                        transaction,
                        role_id=role_id,
                        code=role.code,
                        display_name=role.display_name,
                        permissions=role.permissions,
                    )
                    self._request_ids.remember(transaction, call, probe, role_id, 1)
                    transaction.audit(entity_id=role_id, new_version=1)
                    answer = store.get_role(transaction, role_id)
        except UniqueViolation:
            raise errors.AlreadyExists("A role with this code stands already.") from None
        return self._shown(call, _found(answer))

    def get(self, request: pb.GetRoleRequest, call: Call) -> pb.Role:
        """A role."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_role(transaction, request.id)
        return self._shown(call, _found(pending))

    def list_roles(self, request: pb.ListRolesRequest, call: Call) -> pb.ListRolesResponse:
        """Roles in order of their codes."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_roles(transaction, page)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.code,))
        return pb.ListRolesResponse(
            roles=[self._shown(call, row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def update(self, request: pb.UpdateRoleRequest, call: Call) -> pb.Role:
        """Changes a role. New permissions make every token of the tenant stale."""
        role = request.role
        aip.require_id("role.id", role.id)
        fields = aip.selected(role, request.update_mask, rules.ROLE_FIELDS)
        if "permissions" in fields:
            rules.check_permissions(role.permissions, self._catalogue.of_tenant(call.tenant_id))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            tenant = store.lock_tenant(transaction)
            probe = self._request_ids.probe(transaction, call, request)
            caller = store.load_roles_of(transaction, call.caller.user_id)
            before = store.get_role(transaction, role.id)
            transaction.flush()
            repeated = probe.repeat()
            if repeated is not None:
                answer = _repeat(transaction, repeated)
            else:
                row = _found(before)
                rules.check_role_changes(role, row.code, row.system)
                aip.require_etag(role.etag, row.version)
                permissions = role.permissions if "permissions" in fields else row.permissions
                gained = frozenset(permissions) - frozenset(row.permissions)
                self._require_grantable(call, caller, gained)
                store.update_role(
                    transaction,
                    role_id=row.id,
                    display_name=role.display_name if "display_name" in fields else row.display_name,
                    permissions=permissions,
                    actor_id=call.caller.user_id,
                )
                if set(permissions) != set(row.permissions):
                    tenant = store.bump_tenant_permissions(transaction)
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
                transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
                answer = store.get_role(transaction, row.id)
        # On a repeat too: the first try may have ended between its commit and this line.
        present = tenant.first
        if present is not None:
            self._publisher.tenant(
                call.tenant_id,
                present.permission_version,
                present.version,
                limits(present.rate_limits),
                present.state,
                call_limits(present.call_limits),
            )
        return self._shown(call, _found(answer))

    @on_conflict
    def delete(self, request: pb.DeleteRoleRequest, call: Call) -> pb.DeleteRoleResponse:
        """Deletes a role that nobody holds."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            store.lock_tenant(transaction)
            probe = self._request_ids.probe(transaction, call, request)
            before = store.get_role(transaction, request.id)
            held = store.role_is_held(transaction, request.id)
            transaction.flush()
            repeated = probe.repeat()
            if repeated is not None:
                transaction.audit(action="READ", entity_id=repeated)
            else:
                row = _found(before)
                rules.require_not_system(row.system)
                aip.require_etag(request.etag, row.version)
                if held.rows[0].held:
                    raise errors.FailedPrecondition("Users hold this role: take it from them first.")
                store.delete_role(transaction, row.id, call.caller.user_id)
                self._request_ids.remember(transaction, call, probe, row.id, row.version)
                transaction.audit(entity_id=row.id, old_version=row.version)
        return pb.DeleteRoleResponse()

    def permissions(self, request: pb.ListPermissionsRequest, call: Call) -> pb.ListPermissionsResponse:
        """What a role of the caller's tenant may hold."""
        return pb.ListPermissionsResponse(
            permissions=[
                pb.Permission(
                    code=code,
                    methods=self._catalogue.methods(code),
                    department_methods=self._catalogue.department_methods(code),
                )
                for code in sorted(self._catalogue.of_tenant(call.tenant_id))
            ]
        )

    def _require_grantable(self, call: Call, caller: Pending, gained: frozenset[str]) -> None:
        own = self._catalogue.grants(call.tenant_id, store.held_roles(caller.first))
        rules.require_grantable(own, Grants(False, gained))

    def _shown(self, call: Call, row: Any) -> pb.Role:
        held = store.HeldRole(row.code, row.system, row.all_permissions, row.permissions)
        return mapping.role(row, self._catalogue.of_role(call.tenant_id, held))


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such role.")
    return pending.first


def _repeat(transaction: Transaction, role_id: str) -> Pending:
    """The same request came again: the present state, audited as a read."""
    transaction.audit(action="READ", entity_id=role_id)
    return store.get_role(transaction, role_id)
