"""Patients as lines of PostgreSQL's COPY.

The index columns and keys come from the registry's own code (hms_server/patient/keys.py): what is
generated here is found by the very searches that find what was registered through the API.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import orjson

from bench.people import Registration
from hms_server.patient import keys
from hms_server.patient.uhid import format_uhid

PATIENT_COLUMNS = (
    "tenant_id, id, uhid, document, name_key, birth_date, search_text, actor_id, create_time, update_time"
)
KEY_COLUMNS = "tenant_id, kind, value, patient_id"
# A new hospital's settings (migrations/0001).
_UHID_PREFIX, _UHID_DIGITS = "H", 8


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """Whose patients they are, and which user registered them."""

    tenant_id: str
    actor_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """What to copy into each table."""

    patients: bytes
    keys: bytes


def uhid(number: int) -> str:
    """The UHID of a running number."""
    return format_uhid(_UHID_PREFIX, _UHID_DIGITS, number)


def lines(registrations: Iterable[tuple[Owner, str, Registration]]) -> Lines:
    """The lines of patients, given each with its UHID."""
    patients: list[str] = []
    pairs: list[str] = []
    for owner, uhid, registration in registrations:
        derived = keys.derive(registration.document, uhid)
        document = orjson.dumps(registration.document).decode()
        time = registration.time.isoformat()
        tenant_id, patient_id = owner.tenant_id, registration.id
        patients.append(
            f"{tenant_id}\t{patient_id}\t{uhid}\t{escape(document)}\t{derived.name_key}\t"
            f"{derived.birth_date}\t{derived.search_text}\t{owner.actor_id}\t{time}\t{time}\n"
        )
        pairs += [f"{tenant_id}\t{kind}\t{escape(value)}\t{patient_id}\n" for kind, value in derived.pairs]
    return Lines("".join(patients).encode(), "".join(pairs).encode())


def escape(text: str) -> str:
    """Text of any kind as a field of COPY's text format."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
