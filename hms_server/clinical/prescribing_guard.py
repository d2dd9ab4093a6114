"""A prescription is checked against the patient's allergies and other prescriptions before it is written."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from hms.clinical.v1 import allergy_pb2, prescription_pb2
from hms.clinical.v1 import prescription_warning_pb2 as pb
from hms_server import clock, errors
from hms_server.clinical import prescribing_store as store
from hms_server.clinical import quantities, rules
from hms_server.clinical.medicines import lexicon
from hms_server.clinical.prescribing import SEVERITIES, STOPPING, Formulary, Taken
from hms_server.context import Call
from hms_server.database.transaction import Pending, Transaction

# Of these nothing is taken, or no more.
_ENDED = frozenset(("STOPPED", "COMPLETED", "CANCELLED", "ENTERED_IN_ERROR"))
_NO_ORDER = frozenset(("proposal", "plan", "option"))
# A course that ended so long ago is no duplicate, though nobody marked it COMPLETED.
_AFTER_THE_END = datetime.timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class _Loaded:
    patient: Pending | None
    medication: Pending


class PrescribingGuard:
    """Computes quantities, finds warnings, and refuses what is not overridden."""

    locks_patient = True

    def load(
        self, transaction: Transaction, message: Any, *, patient_id: str, encounter_id: str, record_id: str
    ) -> _Loaded:
        """Queues the lock of an amended record's patient, and what stands of the patient's medication."""
        patient = store.lock_patient_of_record(transaction, record_id) if record_id else None
        medication = store.medication(
            transaction,
            patient_id=patient_id,
            encounter_id=encounter_id,
            record_id=record_id,
            codings=codings(message.items),
        )
        return _Loaded(patient, medication)

    def check(
        self, loaded: _Loaded, before: Any | None, message: Any, sent: Any, call: Call, patient_id: str
    ) -> dict[str, Any]:
        """Raises InvalidArgument for what contradicts itself, FailedPrecondition (PRESCRIPTION_WARNINGS) for
        warnings without override."""
        if loaded.patient is not None and (
            loaded.patient.first is None or loaded.patient.first.id != patient_id
        ):
            raise errors.ConcurrentChange("The patient was merged meanwhile: try again.")
        kept = _copies(before.overrides) if before is not None else []
        given = _copies(sent.overrides)
        if before is None or list(before.items) != list(message.items):
            prepare(message)
        elif before.state == message.state or message.state != "ACTIVE":
            # Nothing that the check is about has changed.
            del message.overrides[:]
            message.overrides.extend(kept)
            return _overridden(message, given, call, message.warnings)
        else:
            require_consistent(message)
        del message.overrides[:]
        message.overrides.extend(kept)
        del message.warnings[:]
        if message.state in _ENDED:
            return {}
        found = warnings(message, loaded.medication.rows)
        message.warnings.extend(found)
        noted = _overridden(message, given, call, found)
        if stops(message) and (open_ := unresolved(message)):
            raise errors.FailedPrecondition(
                f"{len(open_)} of {len(found)} warnings stop the prescription: change it, or name each with a"
                " reason in prescription.overrides. The details say which.",
                reason="PRESCRIPTION_WARNINGS",
                details=(pb.PrescriptionWarnings(warnings=found),),
            )
        return noted


def prepare(message: Any) -> None:
    """Fills quantities; raises InvalidArgument for what contradicts itself."""
    require_consistent(message)
    for item in message.items:
        quantities.fill(item)


def require_consistent(message: Any) -> None:
    """Raises InvalidArgument with every contradiction of a prescription in force."""
    if message.state != "ACTIVE":
        return
    found = tuple(
        violation
        for i, item in enumerate(message.items)
        for violation in quantities.contradictions(item, f"prescription.items[{i}]")
    )
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
        )


def warnings(message: Any, rows: Iterable[Any]) -> list[pb.PrescriptionWarning]:
    """The warnings of a prescription, given the rows of store.medication."""
    of: dict[str, list[Any]] = {}
    for row in rows:
        of.setdefault(row.type, []).append(row)
    formulary = Formulary(lexicon(), [row.document for row in of.get("RULE", ())])
    displays = {
        (row.document["system"], row.document["code"]): row.document["display"] for row in of.get("CODE", ())
    }
    items = [formulary.medicine(item.medication, displays) for item in message.items]
    allergens = [
        formulary.allergen(row.id, allergy_pb2.Allergy(**row.document)) for row in of.get("ALLERGY", ())
    ]
    now = clock.now()
    taken = [
        Taken(row.id, formulary.medicine(item.medication))
        for row in of.get("PRESCRIPTION", ())
        if (other := prescription_pb2.Prescription(**row.document)).intent not in _NO_ORDER
        for item in other.items
        if not _is_over(other, item, now)
    ]
    return formulary.warnings(items, allergens, taken)


def codings(items: Iterable[Any]) -> list[tuple[str, str]]:
    """The codes of medicines, each once."""
    return sorted({(c.system, c.code) for item in items for c in item.medication.codings})


def stops(message: Any) -> bool:
    """Whether a prescription is one that warnings stop: in force, and an order."""
    return message.state == "ACTIVE" and message.intent not in _NO_ORDER


def unresolved(message: Any) -> list[str]:
    """Keys of warnings that stop a prescription and are not overridden."""
    overridden = {override.warning_key: override.severity for override in message.overrides}
    return [
        warning.key
        for warning in message.warnings
        if warning.severity in STOPPING and not _covers(overridden.get(warning.key), warning.severity)
    ]


def grade(message: Any) -> None:
    """Gives the overrides of a prescription that is tried the severity that they would be given for."""
    severities = {warning.key: warning.severity for warning in message.warnings}
    kept = [each for each in _copies(message.overrides) if each.warning_key in severities]
    for each in kept:
        each.severity = severities[each.warning_key]
    del message.overrides[:]
    message.overrides.extend(kept)


def _covers(overridden: str | None, severity: str) -> bool:
    """Whether an override given for one severity holds for another: not for a graver one."""
    return overridden is not None and SEVERITIES.index(overridden) <= SEVERITIES.index(severity)


def _overridden(message: Any, given: Iterable[Any], call: Call, found: Iterable[Any]) -> dict[str, Any]:
    """Puts the overrides that name a warning beside those that stand; says so to the audit, without names."""
    severities = {warning.key: warning for warning in found}
    present = {each.warning_key: each for each in _copies(message.overrides)}
    accepted = []
    for each in given:
        warning = severities.get(each.warning_key)
        held = present.get(each.warning_key)
        if warning is None or (
            held is not None and held.reason == each.reason and _covers(held.severity, warning.severity)
        ):
            continue
        made = pb.WarningOverride(
            warning_key=each.warning_key,
            reason=each.reason,
            user_id=call.caller.user_id,
            override_time=clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            severity=warning.severity,
        )
        present[each.warning_key] = made
        accepted.append(f"{warning.type} {warning.severity}")
    del message.overrides[:]
    message.overrides.extend(present.values())
    return {"reason": f"warnings overridden: {', '.join(sorted(accepted))}"} if accepted else {}


def _copies(overrides: Iterable[Any]) -> list[Any]:
    """Overrides that stay as they are when the list that they stand in changes."""
    return [pb.WarningOverride.FromString(each.SerializeToString()) for each in overrides]


def _is_over(prescription: Any, item: Any, now: datetime.datetime) -> bool:
    days = quantities.days_of_supply(item)
    if days is None or days > 36500 or not prescription.authored_time:
        return False
    end = rules.moment(prescription.authored_time) + datetime.timedelta(days=float(days)) + _AFTER_THE_END
    return end < now
