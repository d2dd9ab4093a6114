"""An active allergy and "no known allergy" cannot stand together."""

from __future__ import annotations

from typing import Any

from hms.clinical.v1 import allergy_pb2
from hms_server import errors
from hms_server.clinical import prescribing_store as store
from hms_server.clinical.medicines import lexicon
from hms_server.clinical.terminology import SNOMED
from hms_server.context import Call
from hms_server.database.transaction import Pending, Transaction

# SNOMED CT: what "no known allergy" is about. All of them, medicines, food, environment.
_NONE_KNOWN = {
    "716186003": frozenset(("food", "medication", "environment", "biologic", "")),
    "409137002": frozenset(("medication",)),
    "428607008": frozenset(("environment",)),
    "429625007": frozenset(("food",)),
}


class AllergyGuard:
    """Refuses a contradiction of what stands. Changes for one patient wait for each other, prescriptions
    too."""

    locks_patient = True

    def load(
        self, transaction: Transaction, message: Any, *, patient_id: str, encounter_id: str, record_id: str
    ) -> tuple[Pending | None, Pending]:
        """Queues the lock of an amended record's patient, and the patient's active allergies."""
        patient = store.lock_patient_of_record(transaction, record_id) if record_id else None
        standing = store.medication(
            transaction,
            patient_id=patient_id,
            encounter_id=encounter_id,
            record_id=record_id,
            types=("ALLERGY",),
        )
        return patient, standing

    def check(
        self,
        loaded: tuple[Pending | None, Pending],
        before: Any | None,
        message: Any,
        sent: Any,
        call: Call,
        patient_id: str,
    ) -> dict[str, Any]:
        """Raises FailedPrecondition (ALLERGY_CONTRADICTED) where the record is, or becomes, active beside
        what
        contradicts it."""
        patient, standing = loaded
        if patient is not None and (patient.first is None or patient.first.id != patient_id):
            raise errors.ConcurrentChange("The patient was merged meanwhile: try again.")
        if not _counts(message) or (before is not None and _counts(before) and before.code == message.code):
            return {}
        for row in standing.rows:
            if row.type == "ALLERGY" and _contradict(message, allergy_pb2.Allergy(**row.document)):
                raise errors.FailedPrecondition(
                    "An active allergy and one that says that none is known cannot stand together: make the"
                    " one that does not hold INACTIVE, or mark it as entered in error.",
                    reason="ALLERGY_CONTRADICTED",
                    metadata={"record_id": row.id},
                )
        return {}


def _counts(allergy: Any) -> bool:
    return bool(allergy.clinical_state == "ACTIVE" and allergy.verification_state != "REFUTED")


def _contradict(one: Any, other: Any) -> bool:
    none_of_one, none_of_other = _none_known(one), _none_known(other)
    if bool(none_of_one) == bool(none_of_other):
        return False
    denied, allergy = (none_of_one, other) if none_of_one else (none_of_other, one)
    return bool(denied.intersection(allergy.categories or (_category(allergy),)))


def _category(allergy: Any) -> str:
    """Of an allergy that names none: a medicine where it names one that is known."""
    texts = [allergy.code.text, *(coding.display for coding in allergy.code.codings)]
    known = lexicon()
    return "medication" if known.ingredients(texts) or known.named_classes(texts) else ""


def _none_known(allergy: Any) -> frozenset[str]:
    """Categories that a record says there is no known allergy in; empty where it names an allergy."""
    return frozenset().union(
        *(_NONE_KNOWN.get(c.code, frozenset()) for c in allergy.code.codings if c.system == SNOMED)
    )
