"""From the API's field paths back to FHIR's element paths, for whoever reads what was refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What the API calls differently from FHIR, wherever it stands. What one type alone calls differently is
# told by its module in resources/.
_NAMES = {
    "names": "name",
    "family_name": "family",
    "given_names": "given",
    "prefixes": "prefix",
    "suffixes": "suffix",
    "identifiers": "identifier",
    "telecoms": "telecom",
    "addresses": "address",
    "lines": "line",
    "postal_code": "postalCode",
    "birth_date": "birthDate",
    "deceased": "deceasedBoolean",
    "deceased_time": "deceasedDateTime",
    "contacts": "contact",
    "relationships": "relationship",
    "communications": "communication",
    "marital_status": "maritalStatus",
    "codings": "coding",
    "categories": "category",
    "types": "type",
    "state": "status",
    "patient_id": "subject",
    "encounter_id": "encounter",
}
_STEP = re.compile(r"(\w+)(\[\d+\])?")


def fhir_path(names: Mapping[str, str], path: str, kept: Mapping[str, tuple[int, ...]] | None = None) -> str:
    """The FHIR path of an API path: "patient.names[0].family_name" is name[0].family.

    `names` maps API paths without message and indexes ("components.quantity") to FHIR's names, where they
    are not those of _NAMES. A name that begins with "/" is a path from the resource itself, in which "*"
    is the place of the index, if it has one. `kept` is a Draft's: with it, indexes are right where
    elements of a list were left out.
    """
    ours, found = "", ""
    for step in _STEP.finditer(path.partition(".")[2]):
        name, index = step.groups(default="")
        ours = f"{ours}.{name}" if ours else name
        theirs = names.get(ours) or _NAMES.get(name, name)
        if theirs.startswith("/"):
            head, star, tail = theirs[1:].partition("*")
            found = head + (_place(kept, head, index) if star else "") + tail
        else:
            found = f"{found}.{theirs}" if found else theirs
            found += _place(kept, found, index)
    return found


def _place(kept: Mapping[str, tuple[int, ...]] | None, path: str, index: str) -> str:
    places = kept.get(path, ()) if kept and index else ()
    at = int(index[1:-1]) if places else 0
    return f"[{places[at]}]" if at < len(places) else index
