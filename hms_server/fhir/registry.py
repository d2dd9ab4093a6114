"""Brings one patient into HMS: registers it, changes it, or finds it as it should be.

A record is known again by the source's id, which is kept as one more identifier. Two imports at once
make one record: the request_id of a registration follows from the source's id alone, so that the
second gets the first's record, or learns that there is one and looks it up.
"""

from __future__ import annotations

import enum
import hashlib
import uuid
from typing import Any

from google.protobuf import field_mask_pb2

from hms.patient.v1 import patient_pb2 as pb
from hms_server import clock, ids
from hms_server.fhir.calls import Calls, Refusal

SYSTEM = "urn:hms:fhir:patient"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, SYSTEM)
# What a source decides about; the rest (UHID, times) is HMS's own.
_FIELDS = (
    "names",
    "identifiers",
    "telecoms",
    "addresses",
    "gender",
    "birth_date",
    "deceased",
    "deceased_time",
    "contacts",
    "communications",
    "marital_status",
    "active",
)
_MOST_MEETINGS = 5
# Request ids are remembered for 24 h: an import that has run for longer looks up again.
_TRUST_EMPTINESS_SECONDS = 12 * 3600


class Outcome(enum.Enum):
    """What became of a patient."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Registry:
    """The patients of the hospital that is signed in to."""

    def __init__(self, stub: Any, calls: Calls, source: str = "") -> None:
        """`source` keeps the ids of several sources apart. Raises Refusal, Stopped."""
        self._stub = stub
        self._calls = calls
        self._source = source
        # In an empty hospital there is nothing to look up: the first import is not held up by the
        # limit on searches.
        present = self._call(
            "DEFAULT", "ListPatients", pb.ListPatientsRequest(page_size=1, show_deleted=True)
        )
        self._empty_until = 0.0 if present.patients else clock.monotonic() + _TRUST_EMPTINESS_SECONDS

    def bring(self, source_id: str, patient: pb.Patient) -> Outcome:
        """Sees to it that HMS holds `patient`. Raises Refusal, Stopped."""
        mark = pb.Identifier(
            use="secondary",
            system=SYSTEM,
            value=f"{self._source}:{source_id}" if self._source else source_id,
        )
        wanted = pb.Patient()
        wanted.CopyFrom(patient)
        wanted.identifiers.append(mark)
        if not wanted.HasField("active"):
            wanted.active = True
        present = None if clock.monotonic() < self._empty_until else self._find(mark)
        return self._register(mark, wanted) if present is None else self._change(present, wanted)

    def _register(self, mark: pb.Identifier, wanted: pb.Patient) -> Outcome:
        content = hashlib.sha256(wanted.SerializeToString(deterministic=True)).hexdigest()
        # The second id is for a record that was registered today and deleted since.
        for name in (mark.value, f"{mark.value} {content}"):
            request = pb.CreatePatientRequest(patient=wanted, request_id=str(uuid.uuid5(_NAMESPACE, name)))
            try:
                made = self._call("DEFAULT", "CreatePatient", request)
            except Refusal as refusal:
                if refusal.reason != "REQUEST_ID_REUSED":
                    raise
                found = self._find(mark)
                if found is not None:
                    return self._change(found, wanted)
            else:
                if made.HasField("delete_time"):
                    continue
                if _differing(made, wanted):
                    return self._change(made, wanted)
                return Outcome.CREATED
        raise Refusal(
            "FAILED_PRECONDITION", "", "HMS deleted this record lately: undelete it, or import tomorrow", []
        )

    def _change(self, present: pb.Patient, wanted: pb.Patient) -> Outcome:
        for _ in range(_MOST_MEETINGS):
            merged = _merged(present, wanted)
            fields = _differing(present, merged)
            if not fields:
                return Outcome.UNCHANGED
            merged.id, merged.etag = present.id, present.etag
            request = pb.UpdatePatientRequest(
                patient=merged,
                update_mask=field_mask_pb2.FieldMask(paths=fields),
                request_id=ids.uuid7(),
            )
            try:
                self._call("DEFAULT", "UpdatePatient", request)
            except Refusal as refusal:
                if refusal.reason != "ETAG_MISMATCH":
                    raise
                present = self._call("DEFAULT", "GetPatient", pb.GetPatientRequest(id=present.id))
            else:
                return Outcome.UPDATED
        raise Refusal("ABORTED", "", "others kept changing this record: import it again", [])

    def _find(self, mark: pb.Identifier) -> pb.Patient | None:
        request = pb.SearchPatientsRequest(identifier=f"{mark.system}|{mark.value}", page_size=10)
        answer = self._call("SEARCH", "SearchPatients", request)
        found = [
            patient
            for patient in answer.patients
            if any((i.system, i.value) == (mark.system, mark.value) for i in patient.identifiers)
        ]
        if len(found) > 1:
            numbers = ", ".join(patient.uhid for patient in found)
            raise Refusal("FAILED_PRECONDITION", "", f"several records have this source id: {numbers}", [])
        return found[0] if found else None

    def _call(self, tier: str, method: str, request: Any) -> Any:
        return self._calls.make(tier, getattr(self._stub, method), request)


def _differing(present: pb.Patient, wanted: pb.Patient) -> list[str]:
    return [field for field in _FIELDS if getattr(present, field) != getattr(wanted, field)]


def _merged(present: pb.Patient, wanted: pb.Patient) -> pb.Patient:
    """`wanted` with the identifiers that HMS's own staff added: those of systems the source has not."""
    merged = pb.Patient()
    merged.CopyFrom(wanted)
    known = {identifier.system for identifier in wanted.identifiers}
    kept = [identifier for identifier in present.identifiers if identifier.system not in known]
    if kept:
        # In the order that the record has, so that nothing differs where nothing was changed
        places = {i.SerializeToString(deterministic=True): n for n, i in enumerate(present.identifiers)}
        everything = sorted(
            [*wanted.identifiers, *kept],
            key=lambda i: places.get(i.SerializeToString(deterministic=True), len(places)),
        )
        del merged.identifiers[:]
        merged.identifiers.extend(everything)
    return merged
