"""Makes patients: documents as the registry stores them, FHIR-shaped, with the habits of real ones.

Deterministic: the patients of one piece of one hospital are made from the seed and the numbers of
hospital and piece alone, whoever makes them and in whatever order.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from typing import Any

from bench import names
from bench.names import Chance

Document = dict[str, Any]

# Registrations begin here; a fixed day, so that ids and times come out the same on any day.
FIRST_DAY = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
DAYS = 2000
_OLDEST_YEARS = 95

_CITIES = (
    ("Mumbai", "Maharashtra", "400"),
    ("Delhi", "Delhi", "110"),
    ("Bengaluru", "Karnataka", "560"),
    ("Hyderabad", "Telangana", "500"),
    ("Chennai", "Tamil Nadu", "600"),
    ("Kolkata", "West Bengal", "700"),
    ("Pune", "Maharashtra", "411"),
    ("Jaipur", "Rajasthan", "302"),
    ("Lucknow", "Uttar Pradesh", "226"),
    ("Patna", "Bihar", "800"),
    ("Kochi", "Kerala", "682"),
    ("Nashik", "Maharashtra", "422"),
)
_STREETS = (
    "MG Road",
    "Station Road",
    "Gandhi Nagar",
    "Civil Lines",
    "Nehru Street",
    "Market Lane",
    "Ring Road",
)
_HEALTH_ID = "https://healthid.abdm.gov.in"


@dataclasses.dataclass(frozen=True, slots=True)
class Registration:
    """A patient as registered: the running number that the UHID is made of, and when."""

    number: int
    id: str
    time: datetime.datetime
    document: Document


def piece(seed: int, hospital: int, number: int, of: int, size: int) -> list[Registration]:
    """Piece `number` (from 0) of the `of` pieces that a hospital's `size` patients are made in, by time."""
    first, end = size * number // of, size * (number + 1) // of
    chance = random.Random(f"{seed}/{hospital}/{number}/{of}/{size}").random
    span = DAYS * 86400 / of
    moments = sorted(chance() for _ in range(end - first))
    made = []
    for offset, moment in enumerate(moments):
        time = FIRST_DAY + datetime.timedelta(seconds=span * (number + moment))
        made.append(Registration(first + offset + 1, _id(time, chance), time, _document(chance, time)))
    return made


def _id(time: datetime.datetime, chance: Chance) -> str:
    """A UUIDv7 of that time, as hms_server.ids makes them, but from the given source of chance."""
    noise = int(chance() * 2**40) << 40 | int(chance() * 2**40)
    value = int(time.timestamp() * 1000) << 80 | noise
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _document(chance: Chance, registered: datetime.datetime) -> Document:
    gender = "female" if chance() < 0.53 else "male"
    group = names.community(chance)
    family = group.family(chance)
    given = group.given(gender, chance)
    birth_date = _birth_date(chance, registered)
    document: Document = {
        "names": _names(chance, group, gender, given, family),
        "telecoms": _telecoms(chance, given, family),
        "gender": gender if chance() < 0.995 else "other",
        "birth_date": birth_date,
        "active": chance() < 0.98,
    }
    if chance() < 0.95:
        document["addresses"] = [_address(chance)]
    if chance() < 0.4:
        number = f"{int(chance() * 10**14):014d}"
        document["identifiers"] = [{"use": "official", "type": "HC", "system": _HEALTH_ID, "value": number}]
    if chance() < 0.3:
        relative = group.given("male" if gender == "female" else "female", chance)
        document["contacts"] = [
            {
                "relationships": ["N"],
                "name": {"family_name": family.latin, "given_names": [relative.latin]},
                "telecoms": [{"system": "phone", "value": _phone(chance), "use": "mobile"}],
            }
        ]
    if chance() < 0.5:
        document["communications"] = [{"language": group.language, "preferred": True}]
    if chance() < 0.6:
        document["marital_status"] = "M" if chance() < 0.7 else "S"
    if chance() < 0.01:
        document["deceased"] = True
    return document


def _names(
    chance: Chance, group: names.Community, gender: str, given: names.Name, family: names.Name
) -> list[Document]:
    given_names = [given.latin]
    if chance() < 0.2:
        second = group.given(gender, chance).latin
        if second != given.latin:
            given_names.append(second)
    name: Document = {"use": "official", "family_name": family.latin, "given_names": given_names}
    if chance() < 0.05:
        name["prefixes"] = ["Dr"]
    made = [name]
    if names.has_devanagari(given, family, chance):
        made.append({"use": "usual", "family_name": family.devanagari, "given_names": [given.devanagari]})
    return made


def _telecoms(chance: Chance, given: names.Name, family: names.Name) -> list[Document]:
    telecoms: list[Document] = []
    if chance() < 0.93:
        telecoms.append({"system": "phone", "value": _phone(chance), "use": "mobile"})
    if chance() < 0.15:
        mailbox = f"{given.latin}.{family.latin}{int(chance() * 1000)}".lower()
        if mailbox.isascii():
            telecoms.append({"system": "email", "value": f"{mailbox.replace(chr(39), '')}@example.org"})
    return telecoms


def _phone(chance: Chance) -> str:
    """A mobile number of India, as it is written there: with or without code and blanks."""
    digits = str(int((6 + 4 * chance()) * 10**9))
    form = chance()
    if form < 0.6:
        return f"+91 {digits[:5]} {digits[5:]}"
    return digits if form < 0.9 else f"0{digits}"


def _birth_date(chance: Chance, registered: datetime.datetime) -> str:
    """Infants and the old are seen more often than their share; some know no more than the year."""
    age = chance() * 2 if chance() < 0.08 else (chance() + chance()) / 2 * _OLDEST_YEARS
    day = registered - datetime.timedelta(days=age * 365.25)
    precision = chance()
    if precision < 0.04:
        return f"{day.year:04d}"
    if precision < 0.05:
        return f"{day.year:04d}-{day.month:02d}"
    # Who does not know the day says the first of January: the commonest birthday of all.
    if precision < 0.12:
        return f"{day.year:04d}-01-01"
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


def _address(chance: Chance) -> Document:
    # The first are the largest: a product of two chances is nearer to 0 than to 1.
    city, state, postal = _CITIES[int(chance() * chance() * len(_CITIES))]
    return {
        "use": "home",
        "lines": [f"{int(chance() * 400) + 1}, {_STREETS[int(chance() * len(_STREETS))]}"],
        "city": city,
        "state": state,
        "postal_code": f"{postal}{int(chance() * 1000):03d}",
        "country": "IN",
    }
