"""Reads beside prescribing: a prescription tried before it is written, and codes by words."""

from __future__ import annotations

from hms.clinical.v1 import code_search_pb2, prescribing_pb2
from hms_server import errors
from hms_server.clinical import icd10, prescribing_guard, records, rules
from hms_server.clinical import prescribing_store as store
from hms_server.clinical.kinds import PRESCRIPTION
from hms_server.context import Call
from hms_server.database.transaction import Database
from hms_server.patient import normalise

_USUAL_CODES = 20


class PrescribingReads:
    """The part of the clinical service that tries and looks up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(
        self, request: prescribing_pb2.CheckPrescriptionRequest, call: Call
    ) -> prescribing_pb2.CheckPrescriptionResponse:
        """The warnings of a prescription that is not written. Raises NotFound for its patient,
        InvalidArgument
        for what it holds. What it points to beside is not looked for."""
        message = request.prescription
        if not (message.patient_id or message.encounter_id or message.id):
            raise errors.invalid_field("prescription.patient_id", "is required, or encounter_id, or id")
        rules.with_defaults(PRESCRIPTION, message, records.now())
        rules.require_valid(PRESCRIPTION, message)
        prescribing_guard.prepare(message)
        owner = {"patient_id": message.patient_id, "encounter_id": message.encounter_id}
        if message.id:
            owner = {"patient_id": "", "encounter_id": ""}
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.medication(
                transaction,
                record_id=message.id,
                codings=prescribing_guard.codings(message.items),
                audited=True,
                **owner,
            )
        patient = next((row for row in pending.rows if row.type == "PATIENT"), None)
        if patient is None:
            raise errors.NotFound("No such patient, encounter or prescription.")
        message.patient_id = patient.patient_id
        found = prescribing_guard.warnings(message, pending.rows)
        del message.warnings[:]
        message.warnings.extend(found)
        prescribing_guard.grade(message)
        return prescribing_pb2.CheckPrescriptionResponse(
            warnings=found, unresolved_keys=prescribing_guard.unresolved(message), prescription=message
        )

    def search_codes(
        self, request: code_search_pb2.SearchCodesRequest, call: Call
    ) -> code_search_pb2.SearchCodesResponse:
        """Codes by beginnings of words, or by the beginning of a code."""
        words = list(dict.fromkeys(normalise.words(request.query)))
        if not words:
            raise errors.invalid_field("query", "holds no letter and no digit to search for")
        size = request.page_size or _USUAL_CODES
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.search_codes(
                transaction,
                system=request.system,
                patterns=[f"% {word}%" for word in words],
                prefix=request.query.strip(),
                limit=size + 1,
            )
        found = {row.code: row.display for row in pending.rows}
        if request.system in icd10.SYSTEMS:
            library = icd10.code_list(request.system).search(request.query, size + 1)
            found = {**found, **{code: display for code, display in library if code not in found}}
        codes = [
            code_search_pb2.FoundCode(system=request.system, code=code, display=display)
            for code, display in list(found.items())[:size]
        ]
        return code_search_pb2.SearchCodesResponse(codes=codes, more=len(found) > size)
