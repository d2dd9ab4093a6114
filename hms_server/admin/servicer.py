"""hms.admin.v1.AdminService: each method goes to the part that knows it."""

from __future__ import annotations

from typing import Any

from hms.admin.v1 import address_pb2, code_list_pb2, directory_act_pb2, directory_pb2, user_department_pb2
from hms.admin.v1 import admin_pb2 as pb
from hms_server.admin.accounts import PractitionerAccounts
from hms_server.admin.addresses import AddressRules
from hms_server.admin.batches import Batches
from hms_server.admin.code_lists import CodeLists
from hms_server.admin.deletion import Deletion
from hms_server.admin.department_tree import DepartmentTree
from hms_server.admin.directory import Directory
from hms_server.admin.kinds import KINDS
from hms_server.admin.practitioners import PractitionerLists
from hms_server.admin.settings import SettingsBook
from hms_server.admin.tenants import Tenants
from hms_server.admin.user_departments import UserDepartmentBook
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.passwords import Passwords


class AdminServicer:
    """Tenants, settings, addresses and the directory."""

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
        self._addresses = AddressRules(
            database=database, pages=pages, request_ids=request_ids, publisher=publisher
        )
        self._user_departments = UserDepartmentBook(database=database, request_ids=request_ids)
        self._code_lists = CodeLists(database, pages, request_ids)

        def directory(kind: str) -> Directory:
            return Directory(KINDS[kind], database=database, pages=pages, request_ids=request_ids)

        self._departments = directory("DEPARTMENT")
        self._practitioners = directory("PRACTITIONER")
        self._organizations = directory("ORGANIZATION")
        self._locations = directory("LOCATION")
        self._practitioner_lists = PractitionerLists(database=database, pages=pages)
        self._accounts = PractitionerAccounts(database=database, request_ids=request_ids)
        self._tree = DepartmentTree(database=database)
        self._deletion = {
            name: Deletion(kind, database=database, request_ids=request_ids) for name, kind in KINDS.items()
        }
        self._batches = {
            name: Batches(KINDS[name], answer, database=database, request_ids=request_ids)
            for name, answer in (
                ("DEPARTMENT", directory_act_pb2.BatchCreateDepartmentsResponse),
                ("PRACTITIONER", directory_act_pb2.BatchCreatePractitionersResponse),
                ("LOCATION", directory_act_pb2.BatchCreateLocationsResponse),
            )
        }

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

    def CreateAddressRule(
        self, request: address_pb2.CreateAddressRuleRequest, call: Call
    ) -> address_pb2.AddressRule:
        """A new rule."""
        return self._addresses.create(request, call)

    def ListAddressRules(
        self, request: address_pb2.ListAddressRulesRequest, call: Call
    ) -> address_pb2.ListAddressRulesResponse:
        """The rules in force."""
        return self._addresses.list_rules(request, call)

    def DeleteAddressRule(
        self, request: address_pb2.DeleteAddressRuleRequest, call: Call
    ) -> address_pb2.DeleteAddressRuleResponse:
        """Ends a rule."""
        return self._addresses.delete(request, call)

    def GetUserDepartments(
        self, request: user_department_pb2.GetUserDepartmentsRequest, call: Call
    ) -> user_department_pb2.UserDepartments:
        """The departments that a user works in."""
        return self._user_departments.get(request, call)

    def SetUserDepartments(
        self, request: user_department_pb2.SetUserDepartmentsRequest, call: Call
    ) -> user_department_pb2.UserDepartments:
        """Changes the departments that a user works in."""
        return self._user_departments.set(request, call)

    def CreateDepartment(self, request: directory_pb2.CreateDepartmentRequest, call: Call) -> Any:
        """A new department."""
        return self._departments.create(request, call)

    def GetDepartment(self, request: directory_pb2.GetDepartmentRequest, call: Call) -> Any:
        """A department."""
        return self._departments.get(request, call)

    def ListDepartments(self, request: directory_pb2.ListDepartmentsRequest, call: Call) -> Any:
        """Departments in order of their names."""
        return self._departments.list_entries(request, call, directory_pb2.ListDepartmentsResponse)

    def UpdateDepartment(self, request: directory_pb2.UpdateDepartmentRequest, call: Call) -> Any:
        """Changes a department."""
        return self._departments.update(request, call)

    def CreatePractitioner(self, request: directory_pb2.CreatePractitionerRequest, call: Call) -> Any:
        """A new practitioner."""
        return self._practitioners.create(request, call)

    def GetPractitioner(self, request: directory_pb2.GetPractitionerRequest, call: Call) -> Any:
        """A practitioner."""
        return self._practitioners.get(request, call)

    def ListPractitioners(self, request: directory_pb2.ListPractitionersRequest, call: Call) -> Any:
        """Practitioners in order of their names, or of their making."""
        return self._practitioner_lists.list_practitioners(request, call)

    def UpdatePractitioner(self, request: directory_pb2.UpdatePractitionerRequest, call: Call) -> Any:
        """Changes a practitioner."""
        return self._practitioners.update(request, call)

    def CreateOrganization(self, request: directory_pb2.CreateOrganizationRequest, call: Call) -> Any:
        """A new organization."""
        return self._organizations.create(request, call)

    def GetOrganization(self, request: directory_pb2.GetOrganizationRequest, call: Call) -> Any:
        """An organization."""
        return self._organizations.get(request, call)

    def ListOrganizations(self, request: directory_pb2.ListOrganizationsRequest, call: Call) -> Any:
        """Organizations in order of their names."""
        return self._organizations.list_entries(request, call, directory_pb2.ListOrganizationsResponse)

    def UpdateOrganization(self, request: directory_pb2.UpdateOrganizationRequest, call: Call) -> Any:
        """Changes an organization."""
        return self._organizations.update(request, call)

    def CreateLocation(self, request: directory_pb2.CreateLocationRequest, call: Call) -> Any:
        """A new location."""
        return self._locations.create(request, call)

    def GetLocation(self, request: directory_pb2.GetLocationRequest, call: Call) -> Any:
        """A location."""
        return self._locations.get(request, call)

    def ListLocations(self, request: directory_pb2.ListLocationsRequest, call: Call) -> Any:
        """Locations in order of their names."""
        return self._locations.list_entries(request, call, directory_pb2.ListLocationsResponse)

    def UpdateLocation(self, request: directory_pb2.UpdateLocationRequest, call: Call) -> Any:
        """Changes a location."""
        return self._locations.update(request, call)

    # Code lists

    def CreateCodeEntry(self, request: code_list_pb2.CreateCodeEntryRequest, call: Call) -> Any:
        """A new code."""
        return self._code_lists.create(request, call)

    def BatchCreateCodeEntries(self, request: code_list_pb2.BatchCreateCodeEntriesRequest, call: Call) -> Any:
        """Many new codes, all or none."""
        return self._code_lists.batch_create(request, call)

    def GetCodeEntry(self, request: code_list_pb2.GetCodeEntryRequest, call: Call) -> Any:
        """A code."""
        return self._code_lists.get(request, call)

    def ListCodeEntries(self, request: code_list_pb2.ListCodeEntriesRequest, call: Call) -> Any:
        """Codes in order of system and code."""
        return self._code_lists.list_entries(request, call)

    def UpdateCodeEntry(self, request: code_list_pb2.UpdateCodeEntryRequest, call: Call) -> Any:
        """Changes a code."""
        return self._code_lists.update(request, call)

    def DeactivateCodeEntry(self, request: code_list_pb2.DeactivateCodeEntryRequest, call: Call) -> Any:
        """Takes a code out of use."""
        return self._code_lists.deactivate(request, call)

    def GetDepartmentTree(self, request: directory_act_pb2.GetDepartmentTreeRequest, call: Call) -> Any:
        """A whole tree of departments."""
        return self._tree.get(request, call)

    def GetMyPractitioner(self, request: directory_act_pb2.GetMyPractitionerRequest, call: Call) -> Any:
        """The caller's own practitioner."""
        return self._accounts.mine(call)

    def LinkPractitionerUser(self, request: directory_act_pb2.LinkPractitionerUserRequest, call: Call) -> Any:
        """Says whose account a user's is."""
        return self._accounts.link(request, call)

    def UnlinkPractitionerUser(
        self, request: directory_act_pb2.UnlinkPractitionerUserRequest, call: Call
    ) -> Any:
        """The account is nobody's again."""
        return self._accounts.unlink(request, call)

    def BatchCreateDepartments(
        self, request: directory_act_pb2.BatchCreateDepartmentsRequest, call: Call
    ) -> Any:
        """Many new departments at once."""
        return self._batches["DEPARTMENT"].create(request, call)

    def BatchCreatePractitioners(
        self, request: directory_act_pb2.BatchCreatePractitionersRequest, call: Call
    ) -> Any:
        """Many new practitioners at once."""
        return self._batches["PRACTITIONER"].create(request, call)

    def BatchCreateLocations(self, request: directory_act_pb2.BatchCreateLocationsRequest, call: Call) -> Any:
        """Many new locations at once."""
        return self._batches["LOCATION"].create(request, call)

    def DeleteDepartment(self, request: directory_act_pb2.DeleteDepartmentRequest, call: Call) -> Any:
        """Deletes a department."""
        return self._deletion["DEPARTMENT"].delete(request, call)

    def UndeleteDepartment(self, request: directory_act_pb2.UndeleteDepartmentRequest, call: Call) -> Any:
        """Brings a department back."""
        return self._deletion["DEPARTMENT"].undelete(request, call)

    def DeletePractitioner(self, request: directory_act_pb2.DeletePractitionerRequest, call: Call) -> Any:
        """Deletes a practitioner."""
        return self._deletion["PRACTITIONER"].delete(request, call)

    def UndeletePractitioner(self, request: directory_act_pb2.UndeletePractitionerRequest, call: Call) -> Any:
        """Brings a practitioner back."""
        return self._deletion["PRACTITIONER"].undelete(request, call)

    def DeleteOrganization(self, request: directory_act_pb2.DeleteOrganizationRequest, call: Call) -> Any:
        """Deletes an organization."""
        return self._deletion["ORGANIZATION"].delete(request, call)

    def UndeleteOrganization(self, request: directory_act_pb2.UndeleteOrganizationRequest, call: Call) -> Any:
        """Brings an organization back."""
        return self._deletion["ORGANIZATION"].undelete(request, call)

    def DeleteLocation(self, request: directory_act_pb2.DeleteLocationRequest, call: Call) -> Any:
        """Deletes a location."""
        return self._deletion["LOCATION"].delete(request, call)

    def UndeleteLocation(self, request: directory_act_pb2.UndeleteLocationRequest, call: Call) -> Any:
        """Brings a location back."""
        return self._deletion["LOCATION"].undelete(request, call)
