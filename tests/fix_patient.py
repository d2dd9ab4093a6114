"""The patient room on a test's database, called as the edge calls it."""

from __future__ import annotations

from typing import Any

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import keyring
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.patient.servicer import PatientServicer
from tests.fix_database import Tenant


class Registry:
    """PatientService as one hospital's user sees it."""

    def __init__(self, servicer: PatientServicer, tenant: Tenant) -> None:
        self.servicer = servicer
        self.tenant = tenant

    def __getattr__(self, method: str) -> Any:
        """The RPC of that name: takes the request."""
        rpc = getattr(self.servicer, method)
        return lambda request: rpc(request, self.tenant.call(f"PatientService/{method}"))

    def create(self, given: str = "Asha", family: str = "Rao", **fields: Any) -> pb.Patient:
        """A new patient."""
        made: pb.Patient = self.CreatePatient(
            pb.CreatePatientRequest(
                patient=pb.Patient(
                    names=[pb.HumanName(given_names=given.split(), family_name=family)], **fields
                )
            )
        )
        return made

    def search(self, query: str = "", **fields: Any) -> list[str]:
        """Ids that a search finds, best first."""
        answer = self.SearchPatients(pb.SearchPatientsRequest(query=query, **fields))
        return [patient.id for patient in answer.patients]


@pytest.fixture
def servicer(app_database: Database, keys: keyring.Keyring) -> PatientServicer:
    """PatientService of one server process."""
    return PatientServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))


@pytest.fixture
def registry(servicer: PatientServicer, new_tenant: Any) -> Registry:
    """A hospital without patients."""
    return Registry(servicer, new_tenant())
