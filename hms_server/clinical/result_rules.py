"""What recording results amounts to: which observations are made or corrected, and states. Pure: no I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hms.clinical.v1 import diagnostic_report_pb2, observation_pb2, order_pb2, result_pb2
from hms.common.v1 import datatypes_pb2
from hms_server import errors
from hms_server.clinical import result_flags
from hms_server.clinical.result_flags import Person
from hms_server.clinical.result_ranges import CRITICAL

FINAL = frozenset({"FINAL", "AMENDED", "CORRECTED"})
_OPEN = frozenset({"ACTIVE", "IN_PROGRESS", "COMPLETED"})


@dataclasses.dataclass
class Recorded:
    """What is to be written: `made` and `changed` are observations, those of `stood` are left as they are."""

    made: list[observation_pb2.Observation] = dataclasses.field(default_factory=list)
    changed: list[observation_pb2.Observation] = dataclasses.field(default_factory=list)
    stood: list[observation_pb2.Observation] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    corrects: bool = False  # whether a final result was changed
    newly_critical: bool = False

    @property
    def every(self) -> list[observation_pb2.Observation]:
        """All observations of the report, in the order of the items."""
        return sorted([*self.stood, *self.changed, *self.made], key=lambda o: o.order_item)


def require_open(order: order_pb2.Order, etag: str, state: str) -> None:
    """Raises FailedPrecondition where the order takes no results, InvalidArgument where it takes none without
    an etag."""
    if order.state not in _OPEN:
        raise errors.FailedPrecondition(
            f"An order that is {order.state} takes no results.", reason="ORDER_NOT_OPEN"
        )
    if order.state == "COMPLETED":
        if state == "PRELIMINARY":
            raise errors.FailedPrecondition(
                "The results are final: correct them with state FINAL.", reason="RESULTS_ARE_FINAL"
            )
        if not etag:
            raise errors.invalid_field("etag", "is required to correct results that are complete")


def record(
    request: result_pb2.RecordResultsRequest,
    order: order_pb2.Order,
    stood: Iterable[observation_pb2.Observation],
    person: Person,
    now: str,
) -> Recorded:
    """The observations that a request makes or changes. Raises InvalidArgument for an item that is not there,
    FailedPrecondition (RESULTS_ARE_FINAL) for a preliminary result in the place of a final one."""
    present = {_key(each): each for each in stood}
    out = Recorded()
    seen: set[tuple[int, str]] = set()
    for number, result in enumerate(request.results):
        path = f"results[{number}]"
        item = _item(path, result, order)
        new = _observation(path, result, item, order, person, now, out.warnings)
        new.state = request.state or "FINAL"
        key = _key(new)
        if key in seen:
            raise errors.invalid_field(path, "is the same measurement of the same item as one before it")
        seen.add(key)
        old = present.pop(key, None)
        if old is None:
            out.made.append(new)
        elif not _replace(path, old, new):
            out.stood.append(old)
            continue
        else:
            out.changed.append(new)
            out.corrects = out.corrects or new.state == "CORRECTED"
        out.newly_critical = out.newly_critical or is_critical(new)
    out.stood.extend(present.values())
    return out


def _key(observation: observation_pb2.Observation) -> tuple[int, str]:
    """Which measurement it is: the item, and the code or text within it."""
    codings = observation.code.codings
    what = f"{codings[0].system}|{codings[0].code}" if codings else observation.code.text
    return observation.order_item, what


def _item(path: str, result: result_pb2.OrderResult, order: order_pb2.Order) -> int:
    if result.HasField("item"):
        if result.item >= len(order.items):
            raise errors.invalid_field(f"{path}.item", f"is none of the order's {len(order.items)} items")
        return int(result.item)
    found = [
        i for i, item in enumerate(order.items) if result.HasField("code") and _meets(item.code, result.code)
    ]
    if not found and len(order.items) == 1:
        return 0
    if len(found) != 1:
        raise errors.invalid_field(f"{path}.item", "is required: the code does not say which item it is")
    return found[0]


def _meets(ordered: datatypes_pb2.CodeableConcept, measured: datatypes_pb2.CodeableConcept) -> bool:
    wanted = {(coding.system, coding.code) for coding in ordered.codings}
    if any((coding.system, coding.code) in wanted for coding in measured.codings):
        return True
    return not measured.codings and bool(measured.text) and measured.text == ordered.text


def _observation(
    path: str,
    result: result_pb2.OrderResult,
    item: int,
    order: order_pb2.Order,
    person: Person,
    now: str,
    warnings: list[str],
) -> observation_pb2.Observation:
    made = observation_pb2.Observation(
        code=result.code if result.HasField("code") else order.items[item].code,
        encounter_id=order.encounter_id,
        practitioner_id=result.practitioner_id,
        categories=[order.category],
        effective_time=result.effective_time or order.collect_time or now,
        note=result.note,
        order_id=order.id,
        order_item=item,
    )
    if result.HasField("quantity"):
        made.quantity.CopyFrom(result.quantity)
    elif result.HasField("concept"):
        made.concept.CopyFrom(result.concept)
    else:
        made.text = result.text
    site = result.body_site if result.HasField("body_site") else order.items[item].body_site
    if result.HasField("body_site") or order.items[item].HasField("body_site"):
        made.body_site.CopyFrom(site)
    if result.HasField("reference_range"):
        made.reference_ranges.append(result.reference_range)
    flag = result_flags.flag(path, result, made, person, warnings)
    if flag:
        made.interpretations.append(flag)
    return made


def _replace(path: str, old: observation_pb2.Observation, new: observation_pb2.Observation) -> bool:
    """Makes `new` the next version of `old`; False where nothing differs."""
    was_final = old.state in FINAL
    if was_final and new.state == "PRELIMINARY":
        raise errors.FailedPrecondition(
            f"{path}: the result is final, a preliminary one cannot take its place.",
            reason="RESULTS_ARE_FINAL",
        )
    for name in ("id", "patient_id", "organization_id"):
        setattr(new, name, getattr(old, name))
    new.create_time.CopyFrom(old.create_time)
    new.update_time.CopyFrom(old.update_time)
    new.etag = old.etag
    wanted = new.state
    new.state = old.state
    if new == old and (was_final or wanted == old.state):
        return False
    if was_final:
        new.state = "CORRECTED"
    else:
        new.state = wanted
    return True


def is_critical(observation: observation_pb2.Observation) -> bool:
    """Whether somebody must be told now."""
    return bool(CRITICAL.intersection(observation.interpretations))


def final_items(observations: Iterable[observation_pb2.Observation]) -> list[int]:
    """Items all of whose results are final."""
    by_item: dict[int, bool] = {}
    for each in observations:
        by_item[each.order_item] = by_item.get(each.order_item, True) and each.state in FINAL
    return sorted(item for item, is_final in by_item.items() if is_final)


def settle_order(order: order_pb2.Order, recorded: Recorded, report_id: str) -> None:
    """The order once its results are recorded."""
    order.report_id = report_id
    done = final_items(recorded.every)
    order.ClearField("final_items")
    order.final_items.extend(done)
    if order.state != "COMPLETED":
        order.state = "COMPLETED" if len(done) == len(order.items) else "IN_PROGRESS"


def settle_report(
    report: diagnostic_report_pb2.DiagnosticReport,
    request: result_pb2.RecordResultsRequest,
    order: order_pb2.Order,
    recorded: Recorded,
    was_complete: bool,
    now: str,
) -> None:
    """The report of an order's results. `order` is settled already."""
    if not report.HasField("code"):
        report.code.CopyFrom(order.items[0].code if len(order.items) == 1 else _panel(order))
        report.categories.append(_CATEGORIES.get(order.category, order.category))
        report.effective_time = order.collect_time or now
    report.order_id = order.id
    report.encounter_id = order.encounter_id
    for name in ("practitioner_id", "organization_id", "conclusion"):
        if value := getattr(request, name):
            setattr(report, name, value)
    every = recorded.every
    report.ClearField("result_ids")
    report.result_ids.extend(each.id for each in every)
    if was_complete:
        report.state = "CORRECTED" if recorded.corrects else "AMENDED"
    elif order.state == "COMPLETED":
        report.state = "FINAL"
    else:
        report.state = "PRELIMINARY" if not order.final_items else "PARTIAL"
    report.issued_time = now
    report.critical = any(map(is_critical, every))
    if recorded.newly_critical or not report.critical:
        report.acknowledge_user_id = report.acknowledge_time = report.acknowledge_note = ""


# HL7 v2 table 0074
_CATEGORIES: Mapping[str, str] = {"laboratory": "LAB", "imaging": "RAD", "procedure": "OTH"}


def _panel(order: order_pb2.Order) -> datatypes_pb2.CodeableConcept:
    names = [
        item.code.text or next((c.display or c.code for c in item.code.codings), "") for item in order.items
    ]
    text = ", ".join(name for name in names if name)
    return datatypes_pb2.CodeableConcept(text=text[:2048] or order.category)


def critical_ids(observations: Sequence[Any]) -> list[str]:
    """Ids of the critical ones."""
    return [each.id for each in observations if is_critical(each)]
