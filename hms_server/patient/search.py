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
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.errors import FieldViolation
from hms_server.patient import dates, keys, mapping, normalise

_QUERIES = load_queries("hms_server.patient", "search.sql")
_OF_DEPARTMENTS = load_queries("hms_server.patient", "department_search.sql")
_CRITERIA = ("query", "uhid", "phone", "identifier", "birth_date")
DEFAULT_SIZE = 20
MAX_SIZE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Criteria:
    """What must all hold. Empty text: not asked for."""

    words: tuple[str, ...] = ()
    whole: str = ""  # the query as one word
    uhid: str = ""
    phone: str = ""
    identifier_from: str = ""
    identifier_before: str = ""
    birth_from: str = ""
    birth_before: str = ""

    @property
    def patterns(self) -> list[str]:
        """What search_text must be like for words and phone to hold."""
        phones = [f"% {self.phone} %"] if self.phone else []
        return [*(f"% {word}%" for word in self.words), *phones]

    @property
    def parts(self) -> list[str]:
        """The same where words may stand inside a word, as they may where no phone is asked for; those of one
        or two letters begin one all the same."""
        if self.phone:
            return self.patterns
        return [f"% {word}%" if len(word) < 3 else f"%{word}%" for word in self.words]


def criteria(request: pb.SearchPatientsRequest) -> Criteria:
    """The request's criteria; raises InvalidArgument where there is none, or one that cannot match."""
    given = [field for field in _CRITERIA if getattr(request, field).strip()]
    if not given:
        raise errors.invalid_field("query", f"say whom to search for: one of {', '.join(_CRITERIA)}")
    violations: list[FieldViolation] = []
    words = tuple(normalise.query_tokens(request.query))
    uhid = normalise.uhid(request.uhid)
    phone = normalise.phone_digits(request.phone)
    for field, value in (("query", words), ("uhid", uhid), ("phone", phone)):
        if field in given and not value:
            violations.append(FieldViolation(field, "holds no letter and no digit to search for"))
    identifier_from = identifier_before = birth_from = birth_before = ""
    if "identifier" in given:
        system, _, value = (part.strip() for part in request.identifier.rpartition("|"))
        if not value or any(character < " " for character in request.identifier):
            violations.append(FieldViolation("identifier", 'must be "system|value" or a value'))
        else:
            identifier_from, identifier_before = keys.identifier_range(value, system)
    if "birth_date" in given:
        if dates.is_date(request.birth_date):
            # Digits and "-" sort below ":": every date of that year, month or day.
            birth_from, birth_before = request.birth_date, f"{request.birth_date}:"
        else:
            violations.append(FieldViolation("birth_date", "must be a date: 1975, 1975-04 or 1975-04-21"))
    if violations:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in violations), violations=tuple(violations)
        )
    return Criteria(
        words=words,
        whole=normalise.uhid(request.query).lower(),
        uhid=uhid,
        phone=phone,
        identifier_from=identifier_from,
        identifier_before=identifier_before,
        birth_from=birth_from,
        birth_before=birth_before,
    )


class PatientSearch:
    """One audited round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, request: pb.SearchPatientsRequest, call: Call) -> pb.SearchPatientsResponse:
        """Raises InvalidArgument where nothing is asked for."""
        asked = criteria(request)
        size = min(request.page_size or DEFAULT_SIZE, MAX_SIZE)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = _find(transaction, asked, size, call)
        rows = pending.rows
        return pb.SearchPatientsResponse(
            patients=[mapping.patient(row) for row in rows],
            truncated=bool(rows) and rows[0].matches > len(rows),
        )


def _find(transaction: Transaction, asked: Criteria, size: int, call: Call) -> Pending:
    ranges = {
        "identifier_from": asked.identifier_from,
        "identifier_before": asked.identifier_before,
        "birth_from": asked.birth_from,
        "birth_before": asked.birth_before,
    }
    if asked.uhid:
        return transaction.queue(
            _QUERIES["search_by_uhid"], uhid=asked.uhid, patterns=asked.patterns, **ranges
        )
    if call.departments is not None:
        return transaction.queue(
            _OF_DEPARTMENTS["search_of_departments"],
            words=list(asked.words),
            whole=asked.whole,
            patterns=asked.patterns,
            parts=asked.parts,
            size=size,
            **ranges,
        )
    return transaction.queue(
        _QUERIES["search"],
        words=list(asked.words),
        whole=asked.whole,
        phone=asked.phone,
        size=size,
        **ranges,
    )
