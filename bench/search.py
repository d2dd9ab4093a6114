"""Whether a search costs more where there are many patients: SearchPatients at 10^4 and at 10^6.

The queries are those of a reception desk, made from patients who are there, in equal parts and mixed
order. Two systems run side by side, one with a database of about 10^4 patients, one with more than 10^6,
and are asked in turns, so that whatever else this machine does slows both alike. A small hospital in the
large database is asked in turns with them, too.
"""

from __future__ import annotations

import collections
import dataclasses
import random
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import hospitals
from bench.errors import BenchError
from bench.figures import percentile, shown
from bench.hospitals import Hospital, Metadata
from bench.people import Document, Registration
from bench.rows import uhid
from bench.system import System, fresh
from hms.patient.v1 import patient_pb2, patient_pb2_grpc

Request = patient_pb2.SearchPatientsRequest

_WARMING = 20
# Enough patients that each kind finds some that fit it.
_SAMPLES_PER_QUERY = 40
_FULL_DATE = 10


class Query(NamedTuple):
    """One search, and who has to be found by it (empty: anybody)."""

    kind: str
    request: Request
    patient_id: str


@dataclasses.dataclass(slots=True)
class Place:
    """A hospital that is searched, and how long each search took, in milliseconds by kind."""

    hospital: Hospital
    stub: patient_pb2_grpc.PatientServiceStub
    metadata: Metadata
    queries: list[Query]
    sought: int = 0
    found: int = 0
    times: dict[str, list[float]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))

    @property
    def p95(self) -> float:
        """Milliseconds that 95 of 100 searches do not exceed."""
        return percentile([each for times in self.times.values() for each in times], 0.95)

    def ask(self, number: int) -> None:
        """One of the queries."""
        query = self.queries[number]
        milliseconds, answer = _ask(self.stub, query, self.metadata)
        self.times[query.kind].append(milliseconds)
        if query.patient_id:
            self.sought += 1
            self.found += is_found(query, answer)


def run(system: System) -> dict[str, float]:
    """Measures; `found` is the share of patients sought by what is theirs who were found."""
    sizes = system.sizes
    with fresh(sizes, system.say) as other:
        small = _place(other, sizes.small_rows)
        large = _place(system, sizes.rows)
        beside = _place(system, sizes.small_rows)
        places = (small, large, beside)
        for place in places:
            for query in place.queries[:_WARMING]:
                _ask(place.stub, query, place.metadata)
        for number in range(max(len(place.queries) for place in places)):
            for place in places:
                if number < len(place.queries):
                    place.ask(number)
    figures = {
        "p95_small_ms": small.p95,
        "p95_large_ms": large.p95,
        "ratio": large.p95 / small.p95,
        "p95_small_beside_large_ms": beside.p95,
        "found": sum(place.found for place in places) / sum(place.sought for place in places),
    }
    for kind in _KINDS:
        figures[f"small_{kind}_ms"] = percentile(small.times[kind], 0.95)
        figures[f"large_{kind}_ms"] = percentile(large.times[kind], 0.95)
    return {name: value if name == "found" else shown(value) for name, value in figures.items()}


def _place(system: System, rows: int) -> Place:
    hospital = system.hospital(rows)
    signed_in = hospitals.reception(system.channel, hospital)
    return Place(
        hospital,
        patient_pb2_grpc.PatientServiceStub(system.channel),
        signed_in.metadata,
        queries(hospital, system.sizes.queries),
    )


def _ask(
    stub: patient_pb2_grpc.PatientServiceStub, query: Query, metadata: Metadata
) -> tuple[float, patient_pb2.SearchPatientsResponse]:
    started = time.perf_counter()
    answer = stub.SearchPatients(query.request, metadata=metadata, timeout=hospitals.DEADLINE_SECONDS)
    return (time.perf_counter() - started) * 1000, answer


def is_found(query: Query, answer: patient_pb2.SearchPatientsResponse) -> bool:
    """Whether the patient sought is there, or is among too many who match equally well."""
    return answer.truncated or query.patient_id in {patient.id for patient in answer.patients}


def queries(hospital: Hospital, count: int) -> list[Query]:
    """`count` queries of each kind, mixed; the same ones each time."""
    chance = random.Random(f"queries/{hospital.seed}/{hospital.number}/{count}")
    patients = hospital.registrations(count * _SAMPLES_PER_QUERY)
    made = []
    for kind, make in _KINDS.items():
        chance.shuffle(patients)
        of_kind = list(_of_kind(kind, make, patients))[:count]
        if not of_kind:
            raise BenchError(f"search: no patient of {len(patients)} fits the kind {kind}")
        made += of_kind
    chance.shuffle(made)
    return made


def _of_kind(
    kind: str, make: Callable[[Registration], Request | None], patients: list[Registration]
) -> Iterator[Query]:
    for patient in patients:
        request = make(patient)
        if request is not None:
            sought = "" if kind in _FIND_ANYBODY else patient.id
            yield Query(kind, request, sought)


def _name(document: Document) -> tuple[str, str]:
    name = document["names"][0]
    return name["given_names"][0], name["family_name"]


def _full_name(patient: Registration) -> Request:
    given, family = _name(patient.document)
    return Request(query=f"{given} {family}")


def _other_order(patient: Registration) -> Request:
    given, family = _name(patient.document)
    return Request(query=f"{family}, {given}")


def _prefixes(patient: Registration) -> Request:
    """What is typed until the list shows the right one."""
    given, family = _name(patient.document)
    return Request(query=f"{given[:4]} {family[:3]}".lower())


def _family_prefix(patient: Registration) -> Request:
    return Request(query=_name(patient.document)[1][:4])


def _family_alone(patient: Registration) -> Request:
    return Request(query=_name(patient.document)[1])


def _phone(patient: Registration) -> Request | None:
    for telecom in patient.document["telecoms"]:
        if telecom["system"] == "phone":
            return Request(phone=telecom["value"])
    return None


def _uhid(patient: Registration) -> Request:
    return Request(query=uhid(patient.number))


def _family_and_birth_date(patient: Registration) -> Request | None:
    date = patient.document["birth_date"]
    if len(date) < _FULL_DATE:
        return None
    return Request(query=_name(patient.document)[1], birth_date=date)


def _devanagari(patient: Registration) -> Request | None:
    if len(patient.document["names"]) < 2:
        return None
    name = patient.document["names"][1]
    return Request(query=f"{name['given_names'][0]} {name['family_name']}")


def _nobody(patient: Registration) -> Request:
    """A name of nobody: the right letters in an order that no name has."""
    given, family = _name(patient.document)
    return Request(query=f"{given[::-1]}q {family[::-1]}x")


_KINDS: dict[str, Callable[[Registration], Request | None]] = {
    "full_name": _full_name,
    "other_order": _other_order,
    "prefixes": _prefixes,
    "family_prefix": _family_prefix,
    "family_alone": _family_alone,
    "phone": _phone,
    "uhid": _uhid,
    "family_and_birth_date": _family_and_birth_date,
    "devanagari": _devanagari,
    "nobody": _nobody,
}
_FIND_ANYBODY = frozenset({"nobody"})
