"""SearchPatients: the best matches of every criterion together, best first.

What a search may cost is bounded in the database (migrations/0004_patient_search.sql); here the
request becomes its arguments.
"""

from __future__ import annotations

import dataclasses

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.context import Call
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.patient import dates, keys, mapping, normalise

_QUERIES = load_queries("hms_server.patient", "search.sql")
DEFAULT_SIZE = 20
MAX_SIZE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Criteria:
    """What must all hold. Empty text: not asked for."""

    words: tuple[str, ...]
    uhid: str
    phone: str
    identifier_from: str
    identifier_before: str
    birth_from: str
    birth_before: str


def criteria(request: pb.SearchPatientsRequest) -> Criteria:
    """The request's criteria; raises InvalidArgument where there is none, or one that cannot match."""
    given = [f for f in ("query", "uhid", "phone", "identifier", "birth_date") if getattr(request, f).strip()]
    if not given:
        raise errors.invalid_field("query", "say whom to search for: query, uhid, phone, identifier or birth_date")
    words = tuple(normalise.query_tokens(request.query))
    phone = normalise.phone_digits(request.phone)
    found = Criteria(
        words=words,
        uhid=normalise.uhid(request.uhid),
        phone=phone,
        identifier_from="",
        identifier_before="",
        birth_from="",
        birth_before="",
    )
    for field, value in (("query", words), ("uhid", found.uhid), ("phone", phone)):
        if field in given and not value:
            raise errors.invalid_field(field, "holds no letter and no digit to search for")
    if "identifier" in given:
        system, bar, value = request.identifier.rpartition("|")
        low = keys.identifier_key(value, system) if bar and system else keys.identifier_prefix(value)
        high = low + "\0" if bar and system else low[:-1] + keys.AFTER_SEPARATOR
        # A NUL cannot be sent: the next text after an exact key is that key with the lowest character.
        found = dataclasses.replace(found, identifier_from=low, identifier_before=high.replace("\0", "\x01"))
    if "birth_date" in given:
        if not dates.is_date(request.birth_date):
            raise errors.invalid_field("birth_date", "must be a date: 1975, 1975-04 or 1975-04-21")
        # Digits and "-" sort below ":": every date of that year, month or day.
        found = dataclasses.replace(
            found, birth_from=request.birth_date, birth_before=request.birth_date + ":"
        )
    return found


class PatientSearch:
    """One audited round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, request: pb.SearchPatientsRequest, call: Call) -> pb.SearchPatientsResponse:
        """Raises InvalidArgument where nothing is asked for."""
        asked = criteria(request)
        size = min(request.page_size or DEFAULT_SIZE, MAX_SIZE)
        shared = {
            "identifier_from": asked.identifier_from,
            "identifier_before": asked.identifier_before,
            "birth_from": asked.birth_from,
            "birth_before": asked.birth_before,
        }
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            if asked.uhid:
                patterns = [f"% {word}%" for word in asked.words]
                if asked.phone:
                    patterns.append(f"% {asked.phone} %")
                pending = transaction.queue(
                    _QUERIES["search_by_uhid"], uhid=asked.uhid, patterns=patterns, **shared
                )
            else:
                pending = transaction.queue(
                    _QUERIES["search"],
                    words=list(asked.words),
                    phone=asked.phone,
                    wanted=size,
                    limit=size,
                    **shared,
                )
        rows = pending.rows
        return pb.SearchPatientsResponse(
            patients=[mapping.patient(row) for row in rows],
            truncated=bool(rows) and rows[0].matches > len(rows),
        )
