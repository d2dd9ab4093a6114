"""The clinical room on a test's database, called as the edge calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hms.clinical.v1 import clinical_pb2
from hms.common.v1 import datatypes_pb2 as types_pb
from hms_server import ids, keyring
from hms_server.clinical.kinds import KINDS
from hms_server.clinical.servicer import ClinicalServicer
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling.desk import Desk
from tests.fix_database import Tenant

SERVICE = clinical_pb2.DESCRIPTOR.services_by_name["ClinicalService"]


def concept(
    code: str = "38341003", display: str = "Hypertension", system: str = "http://snomed.info/sct"
) -> Any:
    """A CodeableConcept with one coding."""
    return types_pb.CodeableConcept(
        codings=[types_pb.Coding(system=system, code=code, display=display)], text=display
    )


# What each type needs beside its patient.
LEAST: dict[str, dict[str, Any]] = {
    "ENCOUNTER": {"start_time": "2026-03-01T09:00:00Z"},
    "OBSERVATION": {
        "code": concept("8867-4", "Heart rate", "http://loinc.org"),
        "categories": ["vital-signs"],
        "quantity": types_pb.Quantity(value=72, unit="/min", code="/min"),
        "effective_time": "2026-03-01T09:10:00Z",
    },
    "CONDITION": {"code": concept(), "onset_time": "2019-04"},
    "ALLERGY": {"code": concept("764146007", "Penicillin"), "criticality": "high"},
    "PRESCRIPTION": {
        "items": [
            {
                "medication": concept("322236009", "Paracetamol 500 mg oral tablet"),
                "dose": {"value": 1, "unit": "tablet"},
                "frequency": 3,
                "period": 1,
                "period_unit": "d",
                "duration": {"value": 5, "unit": "d", "code": "d"},
            }
        ]
    },
    "PROCEDURE": {"code": concept("430193006", "Medication reconciliation")},
    "IMMUNIZATION": {"code": concept("08", "Hep B", "http://hl7.org/fhir/sid/cvx")},
    "DIAGNOSTIC_REPORT": {"code": concept("58410-2", "CBC panel", "http://loinc.org")},
    "DOCUMENT": {
        "code": concept("34117-2", "History and physical note", "http://loinc.org"),
        "attachments": [{"content_type": "application/pdf", "title": "Note"}],
    },
    "NOTE": {"note_time": "2026-03-01T09:20:00Z", "assessment": "Well"},
    "ORDER": {
        "category": "laboratory",
        "items": [{"code": concept("2823-3", "Potassium", "http://loinc.org")}],
    },
    # To a department of the hospital: `Charts.create` makes one.
    "REFERRAL": {"reasons": [concept()]},
}
TYPES = list(LEAST)


class Charts:
    """ClinicalService as one hospital's user sees it."""

    def __init__(self, servicer: ClinicalServicer, tenant: Tenant, owner: Any = None) -> None:
        self.servicer = servicer
        self.tenant = tenant
        self._owner = owner
        self._department = ""

    def __getattr__(self, method: str) -> Any:
        """The RPC of that name: takes the fields of its request."""
        request_class = SERVICE.methods_by_name[method].input_type._concrete_class
        rpc = getattr(self.servicer, method)
        call = self.tenant.call(f"ClinicalService/{method}")
        return lambda **fields: rpc(request_class(**fields), call)

    def create(self, type_: str, request_id: str = "", **fields: Any) -> Any:
        """A new record with the least that its type needs."""
        kind = KINDS[type_]
        if type_ == "REFERRAL" and not any(name.startswith("to_") for name in fields):
            fields["to_department_id"] = self.department_id
        message = kind.message(**{**LEAST[type_], **fields})
        return getattr(self, f"Create{kind.name}")(**{kind.field: message}, request_id=request_id)

    @property
    def department_id(self) -> str:
        """A department of the hospital."""
        if not self._department:
            self._department = self.entry("department", {"display_name": "Cardiology"})
        return self._department

    def entry(self, table: str, document: dict[str, Any]) -> str:
        """A new entry of the directory: its id."""
        entry_id = ids.uuid7()
        self._owner.execute(
            f"INSERT INTO {table} (tenant_id, id, name_key, active, document, actor_id)"
            " VALUES (%s, %s, 'x', true, %s, %s)",
            [self.tenant.id, entry_id, json.dumps(document), self.tenant.user_id],
        )
        return entry_id

    def get(self, type_: str, record_id: str) -> Any:
        """A record."""
        return getattr(self, f"Get{KINDS[type_].name}")(id=record_id)

    def amend(self, type_: str, record_id: str, mask: list[str] | None = None, **fields: Any) -> Any:
        """Amends a record."""
        kind = KINDS[type_]
        return getattr(self, f"Amend{kind.name}")(
            **{kind.field: kind.message(id=record_id, **fields)}, update_mask={"paths": mask or []}
        )

    def mark(self, type_: str, record_id: str, **fields: Any) -> Any:
        """Marks a record as entered in error."""
        method = f"Mark{KINDS[type_].name}EnteredInError"
        return getattr(self, method)(**{"id": record_id, "reason": "wrong patient", **fields})

    def listed(self, type_: str, **fields: Any) -> list[str]:
        """Ids that a list shows, in its order."""
        kind = KINDS[type_]
        (method,) = kind.listed
        return [record.id for record in getattr(getattr(self, method)(**fields), kind.plural)]


@pytest.fixture
def charts_of(app_database: Database, keys: keyring.Keyring, owner: Any) -> Any:
    """Charts of a hospital."""
    servicer = ClinicalServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash), Desk())
    return lambda tenant: Charts(servicer, tenant, owner)


@pytest.fixture
def charts(charts_of: Any, registry: Any) -> Charts:
    """Charts of the registry's hospital."""
    made: Charts = charts_of(registry.tenant)
    return made


@pytest.fixture
def patient_id(registry: Any) -> str:
    """A patient of the hospital."""
    return str(registry.create().id)
