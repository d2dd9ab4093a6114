"""Finding records that may be one person: for one record, and over the hospital piece by piece."""

from __future__ import annotations

from typing import Any

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.pages import Page, Pages
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.patient import likeness, mapping, merge_mapping
from hms_server.patient.keys import Keys

_QUERIES = load_queries("hms_server.patient", "duplicates.sql")
# Shown with a new record, and when asked for.
AT_REGISTRATION = 10
MOST_CANDIDATES = 20
# A key that more records share points to nobody: a telephone number that was made up.
MOST_OF_A_KEY = 20
# Keys that one call looks at, and pairs of which it asks whether an earlier key showed them.
SCAN = 20_000
LOOKS = 2_000


class Duplicates:
    """ListDuplicateCandidates and ListDuplicatePairs. `scan`, `looks`: what one call looks at, at most."""

    def __init__(self, database: Database, pages: Pages, scan: int = SCAN, looks: int = LOOKS) -> None:
        self._database = database
        self._pages = pages
        self._scan = scan
        self._looks = looks

    def candidates(
        self, request: pb.ListDuplicateCandidatesRequest, call: Call
    ) -> pb.ListDuplicateCandidatesResponse:
        """The likeliest first; raises NotFound. Only who is shown is audited: a second round trip."""
        patient_id = request.patient_id.lower()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(_QUERIES["list_candidates"], id=patient_id)
            transaction.flush()
            rows = pending.rows
            if not rows or rows[0].id != patient_id:
                raise errors.NotFound("No such patient.")
            found = similar(rows[1:], rows[0].document, None, MOST_CANDIDATES)
            transaction.audit(entity_id=patient_id, patient_ids=(patient_id, *(c.patient_id for c in found)))
        return pb.ListDuplicateCandidatesResponse(candidates=found)

    def pairs(
        self, request: merge_pb2.ListDuplicatePairsRequest, call: Call
    ) -> merge_pb2.ListDuplicatePairsResponse:
        """A page of pairs in the order of the keys that they share."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(),
            size=request.page_size,
            token=request.page_token,
        )
        kind, value, first, second = page.key or ("", "", ids.NIL, ids.NIL)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _QUERIES["list_pairs"],
                kind=kind,
                value=value,
                first=first,
                second=second,
                scan=max(self._scan, MOST_OF_A_KEY + 1),
                most=MOST_OF_A_KEY,
                looks=self._looks,
                limit=page.size,
            )
        rows = [row for row in pending.rows if row.id is not None]
        sides = list(zip(rows[::2], rows[1::2], strict=True))
        following = _following(pending.first, sides, page, kind, value)
        return merge_pb2.ListDuplicatePairsResponse(
            pairs=[_pair(one, other) for one, other in sides],
            next_page_token=self._token(page, following) if following else "",
        )

    def _token(self, page: Page, following: tuple[str, ...]) -> str:
        """A token that begins after `following`, which may be a place where no pair stands."""
        one = Page(1, None, backward=False, scope=page.scope)
        _, token, _ = self._pages.close(one, [following, ()], lambda place: place)
        return token


def similar(
    rows: list[Any], document: dict[str, Any], derived: Keys | None, most: int
) -> list[pb.DuplicateCandidate]:
    """The likeliest of `rows` (id, uhid, document), best first."""
    own = likeness.record(document, derived)
    scored = [(row, likeness.likeness(own, likeness.record(row.document))) for row in rows]
    scored.sort(key=lambda entry: (-entry[1].score, entry[0].id))
    return [mapping.candidate(row, *found) for row, found in scored[:most]]


def _following(
    scanned: Any, sides: list[tuple[Any, Any]], page: Page, kind: str, value: str
) -> tuple[str, str, str, str] | None:
    """Where the next call begins; None where the registry is at its end."""
    if len(sides) == page.size:
        last = sides[-1][0]
        return last.kind, last.value, last.first_id, last.second_id
    if scanned.last_kind is not None:
        return scanned.last_kind, scanned.last_value, scanned.last_first, scanned.last_second
    if scanned.whole:
        return None
    border = scanned.border_value
    if (scanned.border_kind, border) == (kind, value):
        # All that was looked at is one key: it points to nobody. No value holds \x01.
        border += "\x01"
    return scanned.border_kind, border, ids.NIL, ids.NIL


def _pair(one: Any, other: Any) -> merge_pb2.DuplicatePair:
    found = likeness.likeness(likeness.record(one.document), likeness.record(other.document))
    return merge_pb2.DuplicatePair(
        first=merge_mapping.paired(one),
        second=merge_mapping.paired(other),
        reasons=found.reasons,
        score=found.score,
    )
