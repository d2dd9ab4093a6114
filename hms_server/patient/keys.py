"""What a patient is found by: the columns and keys that stand beside the document for indexes.

Everything here is made from the document and the UHID, and can be made anew from them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from hms_server.patient import normalise
from hms_server.patient.phonetic import sound

WORD = "WORD"  # each word of search_text
PHONE = "PHONE"  # last ten digits
IDENTIFIER = "IDENTIFIER"  # value, separator, system
NAME_BIRTH = "NAME_BIRTH"  # how first and last word of a name sound, in any order, and the birth date

# Between value and system: no text that people write holds it (rules.py refuses control characters).
SEPARATOR = "\x1f"

_PHONE_SYSTEMS = ("phone", "sms")
_FULL_DATE = 10
# A B-tree takes 2,704 bytes a row; nobody types more of a word than this to find it.
_LONGEST_KEY = 512
# More words are those of a record that was made to be a burden.
_MOST_WORDS = 150


@dataclasses.dataclass(frozen=True, slots=True)
class Keys:
    """Index columns of one patient."""

    name_key: str
    birth_date: str
    search_text: str
    pairs: tuple[tuple[str, str], ...]  # (kind, value), sorted
    sounds: tuple[str, ...] = ()  # how first and last word of each name sound

    @property
    def kinds(self) -> list[str]:
        """The first halves of `pairs`."""
        return [kind for kind, _ in self.pairs]

    @property
    def values(self) -> list[str]:
        """The second halves of `pairs`."""
        return [value for _, value in self.pairs]


def derive(document: dict[str, Any], uhid: str, merged_uhids: Iterable[str] = ()) -> Keys:
    """Index columns of a patient with this document and UHID, and those of records merged into it."""
    birth_date: str = document.get("birth_date", "")
    names = [_NameWords(name) for name in document.get("names", ())]
    found = _number_words(uhid)
    pairs: set[tuple[str, str]] = set()
    for telecom in document.get("telecoms", ()):
        if telecom.get("system") in _PHONE_SYSTEMS:
            digits = normalise.phone_digits(telecom["value"])
            if digits:
                found.append(digits)
                pairs.add((PHONE, digits))
    found.extend(word[:_LONGEST_KEY] for name in names for word in name.all)
    found.extend(word for merged in merged_uhids for word in _number_words(merged))
    distinct = list(dict.fromkeys(found))[:_MOST_WORDS]
    pairs.update((WORD, word) for word in distinct)
    pairs.update(
        (IDENTIFIER, identifier_key(i["value"], i.get("system", ""))) for i in document.get("identifiers", ())
    )
    if len(birth_date) == _FULL_DATE:
        pairs.update((NAME_BIRTH, f"{name.sounds} {birth_date}") for name in names if name.sounds)
    return Keys(
        name_key=names[0].sort_key[:_LONGEST_KEY] if names else "",
        birth_date=birth_date,
        # A blank at both ends: "% word%" finds a word's beginning, "% word %" a whole word.
        search_text=f" {' '.join(distinct)} ",
        pairs=tuple(sorted(pairs)),
        sounds=tuple(name.sounds for name in names if name.sounds),
    )


def _number_words(uhid: str) -> list[str]:
    """Whoever types a long number may mean a phone with its country code: its end finds a UHID, too."""
    number = normalise.uhid(uhid).lower()
    return [number, *normalise.query_tokens(number)]


def identifier_key(value: str, system: str) -> str:
    """How an identifier is kept: its value first, so that the value alone finds it by prefix."""
    return f"{_short(value)}{SEPARATOR}{_short(system)}"


def duplicate_keys(pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """Those of `pairs` that point to the same person when two patients share them."""
    return (pair for pair in pairs if pair[0] != WORD)


def identifier_range(value: str, system: str) -> tuple[str, str]:
    """The half-open range of keys of one identifier; without a system, of this value in any."""
    if system:
        key = identifier_key(value, system)
        return key, f"{key}\x01"
    # What a key goes on with after SEPARATOR is less than the character that follows it.
    prefix = f"{_short(value)}{SEPARATOR}"
    return prefix, f"{_short(value)}{chr(ord(SEPARATOR) + 1)}"


def _short(text: str) -> str:
    """`text` without blanks around it, or a digest in its place where it is too long for an index."""
    text = text.strip()
    encoded = text.encode()
    return text if len(encoded) <= _LONGEST_KEY else hashlib.sha256(encoded).hexdigest()


class _NameWords:
    """The words of one name."""

    __slots__ = ("all", "sort_key", "sounds")

    def __init__(self, name: dict[str, Any]) -> None:
        family = normalise.words(name.get("family_name", ""))
        given = [w for part in name.get("given_names", ()) for w in normalise.words(part)]
        text = normalise.words(name.get("text", ""))
        self.all = [*given, *family, *text]
        parts = [*family, *given]
        self.sort_key = " ".join(parts or text)
        ends = [*given, *family] or text
        # A person's first name and last name, whichever way round they were filled in.
        pair = sorted(sound(w) for w in dict.fromkeys(ends[:1] + ends[-1:]))
        self.sounds = " ".join(s for s in pair if s)
