"""Tenants: made, read, listed and changed by the platform.

Each change leaves a record in two chains: the platform's (its staff did it) and the tenant's own (it
was done to them).
"""

from __future__ import annotations

from typing import Any

from hms.admin.v1 import admin_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.admin import mapping, rules, store
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import provision
from hms_server.identity.gate_state import call_limits, limits
from hms_server.identity.passwords import Passwords


class Tenants:
    """The tenants' part of the admin service."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        passwords: Passwords,
        publisher: GatePublisher,
    ) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids
        self._passwords = passwords
        self._publisher = publisher

    @on_conflict
    def create(self, request: pb.CreateTenantRequest, call: Call) -> pb.Tenant:
        """A tenant with settings, system roles and its first administrator, all or nothing."""
        rules.require_platform(call.tenant_id)
        tenant = request.tenant
        rules.check_new_tenant(tenant, request.admin_username, request.admin_password)
        rules.check_state(mapping.tenant_state(tenant.state), ("state",) if tenant.state else ())
        rate_limits = rules.rate_limits(mapping.rate_limits(tenant.rate_limits))
        password_hash = self._passwords.hash(request.admin_password)
        tenant_id, user_id = ids.uuid7(), ids.uuid7()
        try:
            with self._database.platform_transaction(call) as transaction:
                probe = self._request_ids.probe(transaction, call, request)
                transaction.flush()
                repeated = probe.repeat()
                if repeated is not None:
                    answer = _repeat(transaction, repeated)
                else:
                    self._request_ids.remember(transaction, call, probe, tenant_id, 1)
                    transaction.audit(entity_id=tenant_id, new_version=1)
                    transaction.enter(tenant_id)
                    store.insert_tenant(
                        transaction,
                        code=tenant.code,
                        display_name=tenant.display_name,
                        state=mapping.tenant_state(tenant.state) if tenant.state else "ACTIVE",
                        rate_limits=rate_limits,
                        call_limits=mapping.call_limits(tenant.call_limits),
                    )
                    provision.add_system_roles(transaction, tenant_id)
                    provision.add_administrator(
                        transaction,
                        tenant_id,
                        user_id=user_id,
                        username=request.admin_username,
                        password_hash=password_hash,
                        # Known to the platform's administrator, who may not read what the hospital's may.
                        must_change_password=True,
                    )
                    transaction.audit(entity_id=tenant_id, new_version=1)
                    transaction.audit(entity_type="user", entity_id=user_id, new_version=1)
                    answer = store.get_tenant(transaction, tenant_id)
        except UniqueViolation:
            raise errors.AlreadyExists("A tenant with this code stands already.") from None
        return mapping.tenant(answer.first)

    def get(self, request: pb.GetTenantRequest, call: Call) -> pb.Tenant:
        """A tenant."""
        rules.require_platform(call.tenant_id)
        with self._database.platform_transaction(call) as transaction:
            pending = store.get_tenant(transaction, request.id)
        return mapping.tenant(_found(pending))

    def list_tenants(self, request: pb.ListTenantsRequest, call: Call) -> pb.ListTenantsResponse:
        """Tenants in order of their codes."""
        rules.require_platform(call.tenant_id)
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.platform_transaction(call) as transaction:
            pending = store.list_tenants(transaction, page)
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.code,))
        return pb.ListTenantsResponse(
            tenants=map(mapping.tenant, rows),
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def update(self, request: pb.UpdateTenantRequest, call: Call) -> pb.Tenant:
        """Changes name, state or limits."""
        rules.require_platform(call.tenant_id)
        tenant = request.tenant
        aip.require_id("tenant.id", tenant.id)
        fields = aip.selected(tenant, request.update_mask, rules.TENANT_FIELDS)
        asked_limits = rules.rate_limits(mapping.rate_limits(tenant.rate_limits))
        with self._database.platform_transaction(call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            before = store.lock_tenant(transaction, tenant.id)
            transaction.flush()
            repeated = probe.repeat()
            if repeated is not None:
                answer = _repeat(transaction, repeated)
            else:
                row = _found(before)
                aip.require_etag(tenant.etag, row.version)
                rules.check_tenant_stands(row.state)
                rules.check_tenant_changes(tenant, fields, row.code)
                rules.check_state(mapping.tenant_state(tenant.state), fields)
                state = mapping.tenant_state(tenant.state) if "state" in fields else row.state
                versions = {"old_version": row.version, "new_version": row.version + 1}
                self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
                transaction.audit(entity_id=row.id, **versions)
                transaction.enter(row.id)
                store.update_tenant(
                    transaction,
                    display_name=(tenant.display_name if "display_name" in fields else row.display_name),
                    state=state,
                    rate_limits=(asked_limits if "rate_limits" in fields else limits(row.rate_limits)),
                    call_limits=(
                        mapping.call_limits(tenant.call_limits)
                        if "call_limits" in fields
                        else call_limits(row.call_limits)
                    ),
                    permission_step=int(state == "SUSPENDED" and row.state != state),
                    actor_id=call.caller.user_id,
                )
                transaction.audit(entity_id=row.id, **versions)
                answer = store.get_tenant(transaction, row.id)
        # On a repeat too: the first try may have ended between its commit and this line.
        after = _found(answer)
        self._publisher.tenant(
            after.id,
            after.permission_version,
            after.version,
            limits(after.rate_limits),
            after.state,
            call_limits(after.call_limits),
        )
        if "call_limits" in fields:
            self._publisher.limits_changed(after.id)
        return mapping.tenant(after)


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such tenant.")
    return pending.first


def _repeat(transaction: Transaction, tenant_id: str) -> Pending:
    """The same request came again: the present state, audited as a read."""
    transaction.audit(action="READ", entity_id=tenant_id)
    return store.get_tenant(transaction, tenant_id)
