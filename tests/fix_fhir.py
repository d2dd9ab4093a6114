"""FHIR bundles for tests, and FhirService on a test's database, called as the edge calls it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.api import httpbody_pb2

from hms.fhir.v1 import fhir_pb2 as pb
from hms_server import errors, ids
from hms_server.database.transaction import Database
from hms_server.fhir.servicer import FhirServicer
from tests.fix_database import Tenant

SAMPLES = Path(__file__).parents[1] / "samples" / "fhir"
# What an import may write to.
TABLES = (
    "patient",
    "patient_version",
    "patient_key",
    "encounter",
    "encounter_version",
    "clinical_record",
    "clinical_record_version",
    "organization",
    "organization_version",
    "location",
    "location_version",
    "practitioner",
    "practitioner_version",
    "source_record",
    "audit_outbox",
)


def read_sample(path: Path) -> bytes:
    """The JSON of a sample file."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def types_of(text: bytes) -> Counter[str]:
    """How many resources of each type a bundle holds."""
    return Counter(entry["resource"]["resourceType"] for entry in json.loads(text)["entry"])


def bundle(*resources: dict[str, Any], kind: str = "transaction") -> bytes:
    """A bundle of resources, whose fullUrl is their id as a urn."""
    entries = [
        {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "request": {"method": "POST"}}
        for resource in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def patient(name: str = "Asha", **fields: Any) -> dict[str, Any]:
    """A Patient."""
    return {"resourceType": "Patient", "id": ids.uuid7(), "name": [{"text": name}], **fields}


def observation(of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An Observation of a patient of the same bundle."""
    return {
        "resourceType": "Observation",
        "id": ids.uuid7(),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
        "subject": urn(of),
        "effectiveDateTime": "2024-03-01T10:00:00+05:30",
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        **fields,
    }


def practitioner(**fields: Any) -> dict[str, Any]:
    """A Practitioner."""
    return {"resourceType": "Practitioner", "id": ids.uuid7(), "name": [{"text": "Dr Rao"}], **fields}


def role(of: dict[str, Any], *specialities: str, **fields: Any) -> dict[str, Any]:
    """A PractitionerRole."""
    return {
        "resourceType": "PractitionerRole",
        "id": ids.uuid7(),
        "practitioner": urn(of),
        "specialty": [{"text": text} for text in specialities],
        **fields,
    }


def encounter(of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An Encounter of a patient of the same bundle."""
    return {
        "resourceType": "Encounter",
        "id": ids.uuid7(),
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": urn(of),
        "period": {"start": "2024-03-01"},
        **fields,
    }


def urn(resource: dict[str, Any]) -> dict[str, str]:
    """A reference to a resource of the same bundle."""
    return {"reference": f"urn:uuid:{resource['id']}"}


class Imports:
    """FhirService as one hospital's user sees it."""

    def __init__(self, servicer: FhirServicer, tenant: Tenant, owner: psycopg.Connection[Any]) -> None:
        self.servicer = servicer
        self.tenant = tenant
        self._owner = owner

    def send(self, text: bytes, source: str = "") -> pb.ImportBundleResponse:
        """Imports a bundle, in pieces."""
        half = len(text) // 2
        pieces = [text[:half], text[half:]]
        requests = [
            pb.ImportBundleRequest(source="" if i else source, bundle=httpbody_pb2.HttpBody(data=piece))
            for i, piece in enumerate(pieces)
        ]
        return self.servicer.ImportBundle(iter(requests), self.tenant.call("FhirService/ImportBundle"))

    def counts(self, text: bytes, source: str = "") -> dict[str, tuple[int, int, int]]:
        """(created, updated, unchanged) of each type."""
        answer = self.send(text, source)
        return {c.type: (c.created, c.updated, c.unchanged) for c in answer.counts}

    def refused(self, text: bytes) -> list[tuple[str, str]]:
        """(field, description) of what a bundle is rejected for."""
        with pytest.raises(errors.InvalidArgument) as caught:
            self.send(text)
        assert caught.value.reason == "BUNDLE_REJECTED"
        return [(v.field, v.description) for v in caught.value.violations]

    def sizes(self) -> dict[str, int]:
        """How many rows of the hospital's stand in each table."""
        return {table: len(self.rows(f"SELECT 1 FROM {table} WHERE tenant_id = %s")) for table in TABLES}

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """What the owner sees; the first %s is the tenant."""
        return self._owner.execute(sql, [self.tenant.id, *values]).fetchall()

    def documents(self, table: str) -> list[dict[str, Any]]:
        """The hospital's documents of a table."""
        return [row[0] for row in self.rows(f"SELECT document FROM {table} WHERE tenant_id = %s ORDER BY id")]

    def events(self) -> list[dict[str, Any]]:
        """The audit records of the hospital, in order."""
        found = self.rows(
            "SELECT record, patient_ids::text[], outcome FROM audit_outbox WHERE tenant_id = %s"
            " ORDER BY position"
        )
        return [{**record, "patient_ids": of, "outcome": outcome} for record, of, outcome in found]


@pytest.fixture
def fhir_servicer(app_database: Database) -> FhirServicer:
    """FhirService of one server process."""
    return FhirServicer(app_database)


@pytest.fixture
def imports(fhir_servicer: FhirServicer, new_tenant: Any, owner: psycopg.Connection[Any]) -> Imports:
    """A hospital that holds nothing yet."""
    return Imports(fhir_servicer, new_tenant(), owner)


@pytest.fixture
def other_imports(fhir_servicer: FhirServicer, new_tenant: Any, owner: psycopg.Connection[Any]) -> Imports:
    """Another hospital."""
    return Imports(fhir_servicer, new_tenant(), owner)
