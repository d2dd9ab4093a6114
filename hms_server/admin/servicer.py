"""hms.admin.v1.AdminService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.admin.v1 import admin_pb2 as pb
from hms_server.admin.settings import SettingsBook
from hms_server.admin.tenants import Tenants
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.passwords import Passwords


class AdminServicer:
    """Tenants and settings."""

    def __init__(
        self,
        *,
        database: Database,
        pages: Pages,
        request_ids: RequestIds,
        passwords: Passwords,
        publisher: GatePublisher,
    ) -> None:
        self._tenants = Tenants(
            database=database,
            pages=pages,
            request_ids=request_ids,
            passwords=passwords,
            publisher=publisher,
        )
        self._settings = SettingsBook(database=database, request_ids=request_ids)

    def CreateTenant(self, request: pb.CreateTenantRequest, call: Call) -> pb.Tenant:
        """A new tenant."""
        return self._tenants.create(request, call)

    def GetTenant(self, request: pb.GetTenantRequest, call: Call) -> pb.Tenant:
        """A tenant."""
        return self._tenants.get(request, call)

    def ListTenants(self, request: pb.ListTenantsRequest, call: Call) -> pb.ListTenantsResponse:
        """Tenants in order of their codes."""
        return self._tenants.list_tenants(request, call)

    def UpdateTenant(self, request: pb.UpdateTenantRequest, call: Call) -> pb.Tenant:
        """Changes a tenant."""
        return self._tenants.update(request, call)

    def GetSettings(self, request: pb.GetSettingsRequest, call: Call) -> pb.Settings:
        """The caller's tenant's settings."""
        return self._settings.get(request, call)

    def UpdateSettings(self, request: pb.UpdateSettingsRequest, call: Call) -> pb.Settings:
        """Changes the caller's tenant's settings."""
        return self._settings.update(request, call)
