"""RecordVitalSigns: a set of vital signs, all of it or nothing."""

from __future__ import annotations

import datetime
from typing import Any

import orjson

from hms.clinical.v1 import vital_signs_pb2
from hms_server import clock, errors, ids
from hms_server.clinical import mapping, records, rules, store, vital_entries
from hms_server.clinical.kinds import OBSERVATION
from hms_server.clinical.vital_sets import Context, VitalSet
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.errors import FieldViolation
from hms_server.patient import dates
from hms_server.texts import has_control_characters

# A clock of a ward may be fast by so much.
_FAST = datetime.timedelta(minutes=5)
# A pregnancy status tells for so long.
_PREGNANCY = datetime.timedelta(days=300)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Vitals:
    """Sets of vital signs."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def record(self, request: Any, call: Call) -> Any:
        """Raises InvalidArgument for values that cannot be, NotFound for the encounter, FailedPrecondition
        where the patient's record cannot grow."""
        readings, wrong = vital_entries.read(request)
        effective = request.effective_time or records.now()
        wrong += _of_texts(request, effective)
        if wrong:
            text = "; ".join(f"{v.field}: {v.description}" for v in wrong[:5])
            raise errors.InvalidArgument(text, violations=tuple(wrong))
        set_id = ids.uuid7()
        references = [("encounter_id", "ENCOUNTER", request.encounter_id)]
        if request.practitioner_id:
            references.append(("practitioner_id", "PRACTITIONER", request.practitioner_id))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient = store.lock_patient(transaction, "", request.encounter_id)
            missing = store.missing_references(transaction, references, encounter_id=request.encounter_id)
            context = store.vital_context(transaction, request.encounter_id)
            transaction.flush()
            earlier = probe.repeat()
            patient_id = records.open_patient(patient.first, request.encounter_id)
            made = VitalSet(
                request,
                readings,
                _context(context.first, rules.moment(effective)),
            )
            if earlier is not None:
                return self._repeated(transaction, request, earlier, patient_id, made)
            records.require_found(missing)
            observations = [*made.observations, *([made.score] if made.score is not None else [])]
            rows = [
                _row(each, request, effective=effective, patient_id=patient_id, set_id=set_id)
                for each in observations
            ]
            pending = store.insert_set(transaction, orjson.dumps(rows).decode(), call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, set_id, 1)
            transaction.audit(
                entity_id=rows[0]["id"],
                new_version=1,
                patient_ids=(patient_id,),
                entities=(AuditedEntities("observation", "CREATE", [row["id"] for row in rows]),),
            )
        return _response(pending, made)

    def _repeated(
        self, transaction: Transaction, request: Any, set_id: str, patient_id: str, made: VitalSet
    ) -> Any:
        pending = store.get_set(transaction, request.encounter_id, set_id)
        transaction.flush()
        transaction.audit(action="READ", patient_ids=(patient_id,))
        transaction.commit()
        return _response(pending, made)


def _of_texts(request: Any, effective: str) -> list[FieldViolation]:
    wrong = []
    if not dates.is_date_time(effective):
        wrong.append(FieldViolation("effective_time", rules.DATE_TIME))
    elif rules.moment(effective) > clock.now() + _FAST:
        wrong.append(FieldViolation("effective_time", "must not be later than now"))
    if has_control_characters(request.note):
        wrong.append(FieldViolation("note", "must not hold control characters"))
    return wrong


def _context(row: Any, moment: datetime.datetime) -> Context:
    """What the record says, of what a set is judged by."""
    if row is None:
        return Context(day=moment.date())
    height, height_day = 0.0, moment.date()
    if row.height_id is not None and row.height:
        height = _centimetres(row.height)
        height_day = _moment(row.height_micros).date()
    pregnant = False
    if row.pregnancy and moment - _moment(row.pregnancy_micros) < _PREGNANCY:
        codes = {coding.get("code") for coding in row.pregnancy.get("codings", ())}
        pregnant = vital_entries.PREGNANT in codes
    return Context(
        birth_date=row.birth_date or "",
        day=moment.date(),
        pregnant=pregnant,
        height_id=row.height_id if height else "",
        height=height,
        height_day=height_day,
    )


def _centimetres(quantity: dict[str, Any]) -> float:
    """A height of the record, 0 where its unit is not one that we know."""
    sign = vital_entries.SIGNS["height"]
    value, unit = float(quantity.get("value", 0)), quantity.get("code") or quantity.get("unit", "")
    if unit != sign.unit:
        convert = sign.units.get(unit)
        value = 0.0 if convert is None else round(convert(value), sign.decimals)
    return value if sign.least <= value <= sign.most else 0.0


def _moment(micros: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(microseconds=micros)


def _row(observation: Any, request: Any, *, effective: str, patient_id: str, set_id: str) -> dict[str, Any]:
    message = observation
    message.patient_id = patient_id
    message.encounter_id = request.encounter_id
    message.practitioner_id = request.practitioner_id
    message.state = OBSERVATION.first_state
    message.effective_time = effective
    message.note = request.note
    message.vital_set_id = set_id
    return rules.row_of(OBSERVATION, message, message.id, rules.document_of(message))


def _response(pending: Pending, made: VitalSet) -> Any:
    """The answer of rows that were made together: what is no score is a sign."""
    response = vital_signs_pb2.RecordVitalSignsResponse(warnings=made.warnings)
    for row in sorted(pending.rows, key=lambda row: row.id):
        message = mapping.record(row)
        if message.code.codings[0].code == vital_entries.NEWS2[0]:
            response.early_warning_score.CopyFrom(message)
        else:
            response.vital_signs.append(message)
    return response
