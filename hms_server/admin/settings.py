"""A tenant's own settings."""

from __future__ import annotations

from typing import Any

from hms.admin.v1 import admin_pb2 as pb
from hms_server import aip, errors
from hms_server.admin import mapping, rules, store
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending


class SettingsBook:
    """The settings' part of the admin service."""

    def __init__(self, *, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    def get(self, request: pb.GetSettingsRequest, call: Call) -> pb.Settings:
        """The caller's tenant's settings."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_settings(transaction)
        return mapping.settings(_found(pending))

    @on_conflict
    def update(self, request: pb.UpdateSettingsRequest, call: Call) -> pb.Settings:
        """Changes the caller's tenant's settings. UHIDs that were given stay as they are."""
        settings = request.settings
        fields = aip.selected(settings, request.update_mask, rules.SETTINGS_FIELDS)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            new_zone = settings.time_zone if "time_zone" in fields else ""
            before = store.lock_settings(transaction, new_zone)
            transaction.flush()
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=call.tenant_id)
            else:
                row = _found(before)
                aip.require_etag(settings.etag, row.version)
                rules.check_settings(settings, fields, row.zone_is_known)
                store.update_settings(
                    transaction,
                    rules.changed_settings(settings, fields, row),
                    actor_id=call.caller.user_id,
                )
                self._request_ids.remember(transaction, call, probe, call.tenant_id, row.version + 1)
                transaction.audit(
                    entity_id=call.tenant_id, old_version=row.version, new_version=row.version + 1
                )
            answer = store.get_settings(transaction)
        return mapping.settings(_found(answer))


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("The tenant has no settings.")
    return pending.first
