"""The summary of a visit: what a patient takes home and the next doctor reads. One statement."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from typing import Any

from hms.clinical.v1 import visit_summary_pb2 as pb
from hms_server import errors
from hms_server.clinical import mapping, rules, store, summary_text
from hms_server.clinical.booked import booked
from hms_server.clinical.kinds import REFUTED
from hms_server.clinical.whole import moment, part
from hms_server.context import Call
from hms_server.database.transaction import Database
from hms_server.patient.mapping import display_name

_TYPES = ("OBSERVATION", "CONDITION", "PRESCRIPTION", "ORDER", "REFERRAL", "NOTE")
_RESULTS = frozenset({"laboratory", "imaging"})
# States of what is no part of the visit any more.
_LEFT_OUT = {
    "OBSERVATION": frozenset({"CANCELLED", "REGISTERED"}),
    "CONDITION": frozenset({REFUTED}),
    "PRESCRIPTION": frozenset({"DRAFT", "STOPPED", "CANCELLED"}),
    "ORDER": frozenset({"DRAFT", "REVOKED"}),
    "REFERRAL": frozenset({"DRAFT", "REVOKED", "DECLINED"}),
}
_FIELDS = {
    "CONDITION": "diagnoses",
    "PRESCRIPTION": "prescriptions",
    "ORDER": "orders",
    "REFERRAL": "referrals",
}


class VisitSummaries:
    """Makes summaries of visits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, request: pb.GetVisitSummaryRequest, call: Call) -> pb.VisitSummary:
        """An encounter's summary. Raises NotFound, FailedPrecondition for one that was entered in error."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_visit_summary(transaction, request.id, _TYPES)
        if not pending.rows:
            raise errors.NotFound("No such encounter.")
        rows: dict[str, list[Any]] = {}
        for row in pending.rows:
            rows.setdefault(row.type if row.section == "RECORD" else row.section, []).append(row)
        (encounter,) = rows["ENCOUNTER"]
        if encounter.state == "ENTERED_IN_ERROR":
            raise errors.FailedPrecondition("The encounter was entered in error: it has no summary.")
        made = pb.VisitSummary(
            encounter=mapping.record(encounter), hospital_name=encounter.extra["hospital_name"]
        )
        for name in ("patient", "practitioner", "department"):
            for row in rows.get(name.upper(), ()):
                getattr(made, name).CopyFrom(part(row))
        _add_records(made, rows)
        began = made.encounter.start_time
        made.age = summary_text.age(made.patient.birth_date, began) if began else ""
        # The text is read by people there: in the hospital's time.
        zone = zoneinfo.ZoneInfo(encounter.extra["zone"] or "UTC")
        made.text = summary_text.text(_head(made, zone), _sections(made, rows, zone))
        return made


def _add_records(made: pb.VisitSummary, rows: dict[str, list[Any]]) -> None:
    vital_signs: dict[str, Any] = {}
    for type_ in _TYPES:
        of_type = rows.get(type_, [])
        if len(of_type) > store.MOST_OF_TYPE:
            made.truncated_types.append(type_)
            del of_type[store.MOST_OF_TYPE :]
        for row in of_type:
            if type_ == "NOTE":
                plan = str(row.document.get("plan") or "").strip()
                if row.state == "SIGNED" and plan:
                    made.plans.append(plan)
            elif row.state not in _LEFT_OUT[type_]:
                message = mapping.record(row)
                if type_ != "OBSERVATION":
                    getattr(made, _FIELDS[type_]).append(message)
                elif _RESULTS.intersection(message.categories):
                    made.results.append(message)
                elif "vital-signs" in message.categories:
                    # In order of time: the last of each code stays.
                    vital_signs[_code(message)] = message
    made.vital_signs.extend(vital_signs.values())
    for row in rows.get("ALLERGY", ()):
        made.allergies.append(mapping.record(row))
    for row in sorted(rows.get("FOLLOW_UP", ()), key=lambda each: each.clinical_micros):
        made.follow_ups.append(booked(row.type, _appointment(row)))
    for prescription in made.prescriptions:
        made.prescription_lines.extend(map(summary_text.prescription_line, prescription.items))


def _code(observation: Any) -> str:
    codings = observation.code.codings
    return f"{codings[0].system}|{codings[0].code}" if codings else str(observation.code.text)


def _appointment(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.extra.items() if name != "practitioner"}


def _head(made: pb.VisitSummary, zone: datetime.tzinfo) -> Iterator[str]:
    yield made.hospital_name
    yield "Visit summary"
    yield ""
    patient = made.patient
    name = " ".join(part for part in (patient.given_name, patient.family_name) if part)
    names = patient.names[0] if patient.names else None
    known = [names.text if names is not None and names.text else name, f"UHID {patient.uhid}", made.age]
    yield f"Patient: {', '.join(each for each in (*known, patient.gender) if each)}"
    began = made.encounter.start_time
    yield f"Visit: {summary_text.when(rules.moment(began).astimezone(zone)) if 'T' in began else began}"
    if made.HasField("practitioner"):
        yield f"Seen by: {_named(made.practitioner)}"
    if made.HasField("department"):
        yield f"Department: {made.department.display_name}"
    reasons = "; ".join(summary_text.concept(reason) for reason in made.encounter.reasons)
    if reasons:
        yield f"Reason: {reasons}"


def _named(practitioner: Any) -> str:
    if not practitioner.names:
        return ""
    first = practitioner.names[0]
    return display_name(
        [{"text": first.text, "given_names": list(first.given_names), "family_name": first.family_name}]
    )


def _sections(
    made: pb.VisitSummary, rows: dict[str, list[Any]], zone: datetime.tzinfo
) -> dict[str, Iterator[str]]:
    return {
        "Known allergies": map(summary_text.allergy_line, made.allergies),
        "Vital signs": map(summary_text.observation_line, made.vital_signs),
        "Diagnoses": (summary_text.concept(each.code) for each in made.diagnoses),
        "Results": map(summary_text.observation_line, made.results),
        "Ordered": map(summary_text.order_line, made.orders),
        "Medicines": iter(made.prescription_lines),
        "Plan": iter(made.plans),
        "Referrals": map(summary_text.referral_line, made.referrals),
        "Next appointments": (_follow_up(row, zone) for row in rows.get("FOLLOW_UP", ())),
    }


def _follow_up(row: Any, zone: datetime.tzinfo) -> str:
    start: datetime.datetime = moment(row.clinical_micros).astimezone(zone)
    names = (row.extra["practitioner"] or {}).get("names")
    return summary_text.when(start) + (f" with {display_name(names)}" if names else "")
