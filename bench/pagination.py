"""Whether the last page of a long list costs more than the first: it must not, with keyset pages.

ListPatients through the API, in both orders, page 1 and the last full page in turns. The token of the
last page is made from the key of the row before it, as the server would have on the way there: nobody
has to walk 40,000 pages. That the page is the right one is checked row by row.
"""

from __future__ import annotations

import datetime
import time
from typing import NamedTuple

import psycopg

from bench import hospitals
from bench.errors import BenchError
from bench.figures import median, shown
from bench.hospitals import Hospital, Metadata
from bench.system import System
from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from hms_server import keyring
from hms_server.database.pages import Pages

METHOD = "hms.patient.v1.PatientService/ListPatients"
PAGE_SIZE = 25
# The column that each order goes by, before the id.
ORDERS = {"create_time": "create_time", "name": "name_key"}
_ROWS = """
SELECT {column}, id::text FROM patient
WHERE tenant_id = %s AND delete_time IS NULL
ORDER BY {column}, id OFFSET %s LIMIT %s
"""


class _Timed(NamedTuple):
    """Medians in milliseconds."""

    page1: float
    deep: float

    @property
    def ratio(self) -> float:
        return self.deep / self.page1


def run(system: System) -> dict[str, float]:
    """Measures; raises BenchError where a page does not hold the rows it should."""
    hospital = system.hospital(system.sizes.rows)
    timed = {order: _measure(system, hospital, order) for order in ORDERS}
    worst = max(timed.values(), key=lambda each: each.ratio)
    figures = {
        "rows": hospital.size,
        "page1_ms": worst.page1,
        "deep_ms": worst.deep,
        "ratio": worst.ratio,
    }
    for order, each in timed.items():
        figures[f"{order}_page1_ms"] = each.page1
        figures[f"{order}_deep_ms"] = each.deep
        figures[f"{order}_ratio"] = each.ratio
    return {name: value if name == "rows" else shown(value) for name, value in figures.items()}


def _measure(system: System, hospital: Hospital, order: str) -> _Timed:
    signed_in = hospitals.reception(system.channel, hospital)
    stub = patient_pb2_grpc.PatientServiceStub(system.channel)
    deep_token, deep_ids = _last_page(system, hospital, order)
    first = patient_pb2.ListPatientsRequest(page_size=PAGE_SIZE, order_by=order)
    deep = patient_pb2.ListPatientsRequest(page_size=PAGE_SIZE, order_by=order, page_token=deep_token)
    _, shown_first = _ask(stub, first, signed_in.metadata)
    _, shown_deep = _ask(stub, deep, signed_in.metadata)
    if shown_deep != deep_ids or len(shown_first) != PAGE_SIZE:
        raise BenchError(f"pagination by {order}: the last page does not hold the last rows")
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(system.sizes.pages * 2):
        which = number % 2
        times[which].append(_ask(stub, deep if which else first, signed_in.metadata)[0])
    return _Timed(median(times[0]), median(times[1]))


def _last_page(system: System, hospital: Hospital, order: str) -> tuple[str, list[str]]:
    """The token of the last full page, and the ids of the patients who should be on it."""
    column = ORDERS[order]
    before = hospital.size - PAGE_SIZE - 1
    with psycopg.connect(system.owner_url) as connection:
        rows = connection.execute(
            _ROWS.format(column=column).encode(), [hospital.tenant_id, before, PAGE_SIZE + 1]
        ).fetchall()
    key, patient_id = rows[0]
    if order == "create_time":
        key = key.astimezone(datetime.UTC).isoformat()
    pages = Pages(keyring.load(system.keys_file).page_token)
    # A page of one row, of which there is another after it, ends with the token that is wanted.
    page = pages.open(
        tenant_id=hospital.tenant_id, method=METHOD, scope=(order, True, False), size=1, token=""
    )
    _, token, _ = pages.close(page, [(key, patient_id)] * page.limit, lambda row: row)
    return token, [row[1] for row in rows[1:]]


def _ask(
    stub: patient_pb2_grpc.PatientServiceStub,
    request: patient_pb2.ListPatientsRequest,
    metadata: Metadata,
) -> tuple[float, list[str]]:
    """One call: its milliseconds, and the ids of the patients."""
    started = time.perf_counter()
    answer = stub.ListPatients(request, metadata=metadata, timeout=hospitals.DEADLINE_SECONDS)
    return (time.perf_counter() - started) * 1000, [patient.id for patient in answer.patients]
