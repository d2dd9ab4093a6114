"""Which codes a condition may have. Pure: no I/O but for the lists that icd10.py reads once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from hms_server import errors
from hms_server.clinical import icd10
from hms_server.errors import FieldViolation

SNOMED = "http://snomed.info/sct"

# Verhoeff's tables: the dihedral group D5, and the permutation of its digits.
_MULTIPLIED = (
    *((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6)),
    *((3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1)),
    *((6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4)),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTED = (
    *((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2)),
    *((8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1)),
    *((2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8)),
)


class Listed(NamedTuple):
    """What the hospital's lists say of a coding."""

    is_listed: bool  # whether there is a list of its system
    active: bool | None  # None where the code is not in it
    display: str | None


def is_snomed_concept(code: str) -> bool:
    """Whether this is the identifier of a SNOMED CT concept: 6 to 18 digits, the partition of a concept (00
    or 10), and Verhoeff's check digit (SNOMED CT Technical Implementation Guide, SCTID)."""
    if not (code.isascii() and code.isdigit() and 6 <= len(code) <= 18) or code[0] == "0":
        return False
    if code[-3:-1] not in ("00", "10"):
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _MULTIPLIED[check][_PERMUTED[place % 8][int(digit)]]
    return check == 0


def check(concept: Any, path: str, listed: Mapping[tuple[str, str], Listed]) -> None:
    """Raises InvalidArgument for codes that their systems do not have; fills displays that are empty."""
    found = tuple(_violations(concept, path, listed))
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
        )


def _violations(
    concept: Any, path: str, listed: Mapping[tuple[str, str], Listed]
) -> Iterator[FieldViolation]:
    for i, coding in enumerate(concept.codings):
        field = f"{path}.codings[{i}].code"
        own = listed.get((coding.system, coding.code), Listed(False, None, None))
        if coding.system in icd10.SYSTEMS:
            codes = icd10.code_list(coding.system)
            if coding.code not in codes.members:
                name = "ICD-10" if coding.system == icd10.WHO else "ICD-10-CM"
                near = codes.nearest(coding.code)
                hint = f"the nearest is {near} ({codes.display(near)})" if near else "search for it by words"
                yield FieldViolation(field, f"is no code of {name}: {hint}")
            elif not coding.display:
                coding.display = codes.display(coding.code)[:1024]
            continue
        if coding.system == SNOMED and not is_snomed_concept(coding.code):
            yield FieldViolation(field, "is no identifier of a SNOMED CT concept: form or check digit")
        elif own.is_listed and not own.active:
            yield FieldViolation(field, "is not an active code of the hospital's list of this system")
        elif not coding.display and own.display:
            coding.display = own.display


def codings(concepts: Iterable[Any]) -> list[tuple[str, str]]:
    """The codings of concepts, each once."""
    return sorted({(coding.system, coding.code) for concept in concepts for coding in concept.codings})
