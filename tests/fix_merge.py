"""Patients with clinical rows, written as the clinical room writes them, and merges of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from hms.patient.v1 import merge_pb2
from hms_server import ids
from tests.fix_patient import Registry

_ENCOUNTER = (
    "INSERT INTO encounter (tenant_id, id, patient_id, state, encounter_class, clinical_time, document,"
    " actor_id) VALUES (%s, %s, %s, 'COMPLETED', 'AMB', now(), '{}', %s)"
)
_RECORD = (
    "INSERT INTO clinical_record (tenant_id, id, type, patient_id, encounter_id, state, code, category,"
    " clinical_time, document, actor_id)"
    " VALUES (%s, %s, %s, %s, %s, 'FINAL', '', '', now(), '{}', %s)"
)
# Every column of a row that a merge must leave alone, beside those that it changes.
_TABLES = ("encounter", "clinical_record")


class Ward:
    """The rows of one hospital, straight in its database, and merges by its registry."""

    def __init__(self, owner: psycopg.Connection[Any], registry: Registry) -> None:
        self.owner = owner
        self.registry = registry
        self.tenant_id, self.actor_id = registry.tenant.id, registry.tenant.user_id

    def encounter(self, patient_id: str, connection: psycopg.Connection[Any] | None = None) -> str:
        """A visit; its id."""
        made = ids.uuid7()
        values = [self.tenant_id, made, patient_id, self.actor_id]
        (connection or self.owner).execute(_ENCOUNTER, values)
        return made

    def record(self, patient_id: str, kind: str = "OBSERVATION", encounter_id: str | None = None) -> str:
        """A clinical record; its id."""
        made = ids.uuid7()
        self.owner.execute(_RECORD, [self.tenant_id, made, kind, patient_id, encounter_id, self.actor_id])
        return made

    def amend(self, record_id: str) -> None:
        """A new version of a clinical record."""
        self.owner.execute(
            "UPDATE clinical_record SET version = version + 1, update_time = now(),"
            ' document = \'{"note": "amended"}\' WHERE tenant_id = %s AND id = %s',
            [self.tenant_id, record_id],
        )

    def amend_into(self, record_id: str, encounter_id: str) -> None:
        """A clinical record is amended into another visit."""
        self.owner.execute(
            "UPDATE clinical_record SET version = version + 1, encounter_id = %s"
            " WHERE tenant_id = %s AND id = %s",
            [encounter_id, self.tenant_id, record_id],
        )

    def rows_of(self, patient_id: str) -> set[str]:
        """Ids of every row that belongs to a patient."""
        found: set[str] = set()
        for table in _TABLES:
            rows = self.owner.execute(
                f"SELECT id::text FROM {table} WHERE tenant_id = %s AND patient_id = %s",
                [self.tenant_id, patient_id],
            )
            found.update(row[0] for row in rows)
        return found

    def state(self) -> dict[str, list[Any]]:
        """All rows of the hospital, without the versions and times of patients, which move on."""
        queries = {
            "patient": "SELECT id, uhid, document, name_key, birth_date, search_text, delete_time IS NULL,"
            " merged_into, merged_uhids FROM patient WHERE tenant_id = %s ORDER BY id",
            "patient_key": "SELECT kind, value, patient_id FROM patient_key WHERE tenant_id = %s"
            " ORDER BY 1, 2, 3",
            **{t: f"SELECT * FROM {t} WHERE tenant_id = %s ORDER BY id" for t in _TABLES},
        }
        return {name: self.owner.execute(sql, [self.tenant_id]).fetchall() for name, sql in queries.items()}

    def merge(self, survivor: Any, merged: Any, **fields: Any) -> merge_pb2.Merge:
        """Merges `merged` into `survivor` (patients or ids); `decide` says which field keeps whose value."""
        decisions = [
            merge_pb2.MergeDecision(field=field, keep=merge_pb2.MergeKeep.Value(f"MERGE_KEEP_{keep}"))
            for field, keep in fields.pop("decide", {}).items()
        ]
        made: merge_pb2.Merge = self.registry.MergePatients(
            merge_pb2.MergePatientsRequest(
                survivor_id=getattr(survivor, "id", survivor),
                merged_id=getattr(merged, "id", merged),
                decisions=decisions,
                **{"reason": "same person", **fields},
            )
        )
        return made

    def unmerge(self, merge: Any, **fields: Any) -> merge_pb2.UnmergePatientsResponse:
        """Takes a merge back."""
        made: merge_pb2.UnmergePatientsResponse = self.registry.UnmergePatients(
            merge_pb2.UnmergePatientsRequest(
                id=getattr(merge, "id", merge), **{"reason": "two persons", **fields}
            )
        )
        return made


@pytest.fixture
def ward(owner: psycopg.Connection[Any], registry: Registry) -> Ward:
    """A hospital without patients, and its rows."""
    return Ward(owner, registry)
