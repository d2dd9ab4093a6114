"""The types of the clinical record: what one has that another has not. Everything else is shared.

A type is its message, the fields that say when it was so and in which state it is, and what it points to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hms.clinical.v1 import (
    allergy_pb2,
    condition_pb2,
    diagnostic_report_pb2,
    document_pb2,
    encounter_pb2,
    immunization_pb2,
    note_pb2,
    observation_pb2,
    order_pb2,
    prescription_pb2,
    procedure_pb2,
    referral_pb2,
)

ENTERED_IN_ERROR = "ENTERED_IN_ERROR"
REFUTED = "REFUTED"

# Fields that have a column of their own in the row, and so none in the document.
COLUMNS = ("patient_id", "encounter_id", "practitioner_id", "department_id", "organization_id", "location_id")
# What an encounter was started from: never changes, so it stands in the document beside its columns.
ORIGINS = ("appointment_id", "queue_token_id")
# What only the server sets.
OUTPUT_ONLY = frozenset({"id", "patient_id", "create_time", "update_time", "etag", "error_reason"})


@dataclasses.dataclass(frozen=True)
class Kind:
    """One type of record."""

    type: str  # "OBSERVATION"; as the timeline calls it
    name: str  # "Observation"; as methods are called
    message: Any
    listed: Mapping[str, Any]  # response class of each list method: its repeated field is `plural`
    plural: str
    state: str  # the field that says in which state it is
    first_state: str
    # The fields that tell when it was so: the first that is set counts, the last is now when none is.
    times: tuple[str, ...]
    end_time: str = ""
    # Of conditions and allergies: how sure it is. The state is empty once it was entered in error.
    verification: str = ""
    required: tuple[str, ...] = ("code",)
    # Fields with ids of records of the same patient, and the type they must have
    points_to: Mapping[str, str] = dataclasses.field(default_factory=dict)
    amended_state: str = ""  # what a FINAL one becomes when it is amended
    # Fields that GetEncounter alone sets
    embedded: frozenset[str] = frozenset()
    # Fields that methods of their own set
    server_set: frozenset[str] = frozenset()
    # Fields that the server works out and keeps
    computed: frozenset[str] = frozenset()

    @property
    def field(self) -> str:
        """Name of the field that holds it in requests."""
        return self.type.lower()

    @property
    def is_encounter(self) -> bool:
        """Whether it stands in the table of encounters."""
        return self.type == "ENCOUNTER"

    @property
    def mutable(self) -> frozenset[str]:
        """Fields that may be amended."""
        names = {field.name for field in self.message.DESCRIPTOR.fields}
        return frozenset(names) - OUTPUT_ONLY - self.embedded - self.server_set - self.computed


def _kind(type_: str, name: str, module: Any, plural: str, response: str, **parts: Any) -> Kind:
    listed = {f"List{response}": getattr(module, f"List{response}Response")}
    return Kind(type=type_, name=name, message=getattr(module, name), listed=listed, plural=plural, **parts)


def _fields(message: Any, first: int, last: int) -> frozenset[str]:
    """Names of the fields with these numbers."""
    return frozenset(f.name for f in message.DESCRIPTOR.fields if first <= f.number <= last)


_STATE = {"state": "state"}
_CLINICAL = {"state": "clinical_state", "first_state": "ACTIVE", "verification": "verification_state"}
_EMBEDDED = frozenset(field.name for field in encounter_pb2.Encounter.DESCRIPTOR.fields if field.number >= 50)

ENCOUNTER = _kind(
    "ENCOUNTER",
    "Encounter",
    encounter_pb2,
    "encounters",
    "Encounters",
    first_state="PLANNED",
    times=("start_time",),
    end_time="end_time",
    required=(),
    embedded=_EMBEDDED,
    server_set=frozenset(ORIGINS),
    **_STATE,
)
OBSERVATION = _kind(
    "OBSERVATION",
    "Observation",
    observation_pb2,
    "observations",
    "Observations",
    first_state="FINAL",
    times=("effective_time",),
    end_time="effective_end_time",
    points_to={"derived_from_ids": "OBSERVATION", "order_id": "ORDER"},
    amended_state="AMENDED",
    server_set=frozenset({"vital_set_id", "order_item"}),
    **_STATE,
)
CONDITION = _kind(
    "CONDITION",
    "Condition",
    condition_pb2,
    "conditions",
    "Conditions",
    times=("onset_time", "recorded_time"),
    end_time="abatement_time",
    **_CLINICAL,
)
ALLERGY = _kind(
    "ALLERGY",
    "Allergy",
    allergy_pb2,
    "allergies",
    "Allergies",
    times=("onset_time", "recorded_time"),
    **_CLINICAL,
)
PRESCRIPTION = _kind(
    "PRESCRIPTION",
    "Prescription",
    prescription_pb2,
    "prescriptions",
    "Prescriptions",
    first_state="ACTIVE",
    times=("authored_time",),
    required=("items",),
    computed=frozenset({"warnings"}),
    points_to={"reason_condition_ids": "CONDITION"},
    **_STATE,
)
PROCEDURE = _kind(
    "PROCEDURE",
    "Procedure",
    procedure_pb2,
    "procedures",
    "Procedures",
    first_state="COMPLETED",
    times=("performed_time",),
    end_time="performed_end_time",
    points_to={"reason_condition_ids": "CONDITION"},
    **_STATE,
)
IMMUNIZATION = _kind(
    "IMMUNIZATION",
    "Immunization",
    immunization_pb2,
    "immunizations",
    "Immunizations",
    first_state="COMPLETED",
    times=("occurrence_time",),
    **_STATE,
)
DIAGNOSTIC_REPORT = _kind(
    "DIAGNOSTIC_REPORT",
    "DiagnosticReport",
    diagnostic_report_pb2,
    "diagnostic_reports",
    "DiagnosticReports",
    first_state="FINAL",
    times=("effective_time",),
    end_time="effective_end_time",
    points_to={"result_ids": "OBSERVATION", "order_id": "ORDER"},
    amended_state="AMENDED",
    server_set=_fields(diagnostic_report_pb2.DiagnosticReport, 19, 24),
    **_STATE,
)
DOCUMENT = _kind(
    "DOCUMENT",
    "Document",
    document_pb2,
    "documents",
    "Documents",
    first_state="CURRENT",
    times=("document_time",),
    required=("code", "attachments"),
    **_STATE,
)
ORDER = _kind(
    "ORDER",
    "Order",
    order_pb2,
    "orders",
    "Orders",
    first_state="ACTIVE",
    times=("occurrence_time", "authored_time"),
    required=("category", "items"),
    points_to={
        "reason_condition_ids": "CONDITION",
        "performing_department_id": "DEPARTMENT",
        "collected_by_id": "PRACTITIONER",
    },
    server_set=_fields(order_pb2.Order, 19, 24),
    **_STATE,
)
REFERRAL = _kind(
    "REFERRAL",
    "Referral",
    referral_pb2,
    "referrals",
    "Referrals",
    first_state="ACTIVE",
    times=("authored_time",),
    required=(),
    points_to={
        "reason_condition_ids": "CONDITION",
        "to_practitioner_id": "PRACTITIONER",
        "to_department_id": "DEPARTMENT",
        "to_organization_id": "ORGANIZATION",
    },
    server_set=_fields(referral_pb2.Referral, 16, 18),
    **_STATE,
)

# Written and signed by methods of its own (notes.py).
NOTE = Kind(
    type="NOTE",
    name="Note",
    message=note_pb2.ConsultationNote,
    listed={"ListNotes": note_pb2.ListNotesResponse},
    plural="notes",
    first_state="DRAFT",
    times=("note_time",),
    server_set=frozenset({"state", "author_user_id", "signatures", "amendment_reason"}),
    state="state",
)

KINDS: Mapping[str, Kind] = {
    kind.type: kind
    for kind in (
        ENCOUNTER,
        OBSERVATION,
        CONDITION,
        ALLERGY,
        PRESCRIPTION,
        PROCEDURE,
        IMMUNIZATION,
        DIAGNOSTIC_REPORT,
        DOCUMENT,
        NOTE,
        ORDER,
        REFERRAL,
    )
}
RECORD_TYPES = tuple(type_ for type_ in KINDS if type_ != "ENCOUNTER")
