"""One JSON object of a resource, read value by value.

What is wrong is noted, not raised, so that a record's every fault is told at once, and without its value,
which may be patient data. An empty value counts as absent: FHIR forbids it, and real exports have it. An
object knows its parent and works out its path only when there is something to tell: an import reads
thousands of resources a second.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from hms_server.patient import dates

_MOST_QUOTED = 60
# FHIR's strings hold neither these nor halves of surrogate pairs, which no encoding can store.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
# Every element may have them, and nobody needs to know them. Those of primitives begin with "_".
_ANYWHERE = frozenset({"id", "extension", "modifierExtension"})
_MOST_POSITIVE = 2**31 - 1

_T = TypeVar("_T")

# As many as the distinct times of a few large bundles.
_is_date_time = functools.lru_cache(maxsize=16384)(dates.is_date_time)
_is_date = functools.lru_cache(maxsize=4096)(dates.is_date)


class Fault(NamedTuple):
    """A value that cannot be taken over: its path and what is wrong with it."""

    path: str
    text: str


class MappingError(Exception):
    """A resource that cannot be taken over."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.text}" for fault in faults))
        self.faults = faults


class Slot(NamedTuple):
    """A reference that is to be put into the fields once it is resolved."""

    # Where in the fields: ("patient_id",), ("result_ids", 3). Lists hold "" there until then.
    path: tuple[str | int, ...]
    # What it may point to: ("PATIENT",)
    kinds: tuple[str, ...]
    # As the resource has it: "urn:uuid:...", "Patient/123", "https://x/fhir/Patient/123"
    reference: str
    # Such as "result[3]"
    fhir_path: str
    # Whether the record cannot be without it. One that is not required is left out where it points to
    # something that HMS does not keep, or that is none of `kinds`.
    required: bool


@dataclasses.dataclass(slots=True)
class Findings:
    """What was noticed in one resource."""

    faults: list[Fault] = dataclasses.field(default_factory=list)
    # Paths, without indexes, of what HMS has no place for
    left_out: list[str] = dataclasses.field(default_factory=list)
    slots: list[Slot] = dataclasses.field(default_factory=list)
    # By the path of a list of which elements were left out: the places of those that were kept
    kept: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)


def known(*names: str) -> frozenset[str]:
    """The elements that HMS has a place for, with those that it may pass over."""
    return _ANYWHERE.union(names)


def quoted(value: Any) -> str:
    """A value as a message shows it: short, on one line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # a thousand lists in each other
        text = "…"
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: _MOST_QUOTED + 1])
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


class Element:
    """An object. `name` arguments are FHIR's element names; "" is what an absent one gives."""

    __slots__ = ("_index", "_name", "_parent", "content", "findings")

    def __init__(
        self,
        content: dict[str, Any],
        findings: Findings,
        parent: Element | None = None,
        name: str = "",
        index: int | None = None,
    ) -> None:
        self.content = content
        self.findings = findings
        self._parent = parent
        self._name = name
        self._index = index
        if "modifierExtension" in content:
            self._refuse_modifiers()

    def path(self, name: str = "") -> str:
        """Where an element of this object stands in its resource."""
        own = self._name if self._index is None else f"{self._name}[{self._index}]"
        if self._parent is not None:
            own = self._parent.path(own)
        return f"{own}.{name}" if own and name else own or name

    def fault(self, name: str, text: str) -> None:
        """Notes that an element cannot be taken over."""
        fault = Fault(self.path(name), text)
        if fault not in self.findings.faults:  # some elements are read twice
            self.findings.faults.append(fault)

    def leave_out(self, name: str = "") -> None:
        """Notes that HMS has no place for an element."""
        path = self._path_without_indexes(name)
        if path not in self.findings.left_out:
            self.findings.left_out.append(path)

    def only(self, names: frozenset[str]) -> None:
        """Notes every element but those `names`, which come of known()."""
        if self.content.keys() <= names:
            return
        for name in sorted(self.content.keys() - names):
            if not name.startswith("_") and self.content[name] not in (None, "", [], {}):
                self.leave_out(name if name.isidentifier() else quoted(name))

    def required(self, name: str, found: object) -> None:
        """Notes that an element is missing, unless it was told already what is wrong with it."""
        if not found and not self.has_fault(name):
            self.fault(name, "is missing, and required")

    def has_fault(self, name: str) -> bool:
        """Whether something is wrong with an element."""
        if not self.findings.faults:
            return False
        path = self.path(name)
        inside = (f"{path}.", f"{path}[")
        return any(f.path == path or f.path.startswith(inside) for f in self.findings.faults)

    def text(self, name: str) -> str:
        """A string."""
        value = self.content.get(name)
        if type(value) is str and value.isprintable():
            return value
        return self._clean(name, value) if (value := self._take(name, str)) else ""

    def copy_texts(self, fields: dict[str, Any], names: Mapping[str, str]) -> None:
        """Puts the strings that are there into `fields`; `names` tells the field of each element."""
        content = self.content
        for name, field in names.items():
            value = content.get(name)
            if value is not None and (value := self.text(name)):
                fields[field] = value

    def texts(self, name: str) -> list[str]:
        """The strings of a list; FHIR puts null where only an extension stands."""
        if name not in self.content:
            return []
        found = []
        for i, value in enumerate(self._take(name, list) or ()):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                if text := self._clean(f"{name}[{i}]", value):
                    found.append(text)
            else:
                self.fault(f"{name}[{i}]", "is no string")
        return found

    def code(self, name: str, allowed: Collection[str]) -> str:
        """A code of a required value set: FHIR knows no other."""
        value = self.text(name)
        if value and value not in allowed:
            self.fault(name, f"is none of {', '.join(c for c in allowed if c)}")
            return ""
        return value

    def state(self, name: str, states: Mapping[str, str]) -> str:
        """HMS's state for a required status, which `states` tells."""
        value = self.text(name)
        if value in states:
            return states[value]
        if value:
            self.fault(name, f"is none of {', '.join(states)}")
        self.required(name, value)
        return ""

    def boolean(self, name: str) -> bool | None:
        """True, false or absent."""
        value: bool | None = self._take(name, bool)
        return value

    def integer(self, name: str, least: int = 1, most: int = _MOST_POSITIVE) -> int | None:
        """A whole number."""
        value: int | None = self._take(name, int)
        if value is not None and not least <= value <= most:
            wanted = "positive number" if least == 1 else f"number from {least} to {most}"
            self.fault(name, f"is no {wanted}")
            return None
        return value

    def number(self, name: str) -> float | None:
        """A decimal."""
        value = self.content.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        except OverflowError:  # a whole number of more than 300 digits
            pass
        self.fault(name, "is no number")
        return None

    def date(self, name: str) -> str:
        """A date, which may be partial."""
        return self._checked(name, _is_date, "is no date")

    def date_time(self, name: str) -> str:
        """A date, which may be partial, or a time with its zone."""
        return self._checked(name, _is_date_time, "is no date or time with a zone")

    def child(self, name: str) -> Element | None:
        """An object."""
        value = self.content.get(name)
        if type(value) is dict and value:
            return Element(value, self.findings, self, name)
        self._take(name, dict)
        return None

    def children(self, name: str) -> list[Element]:
        """The objects of a list."""
        values = self.content.get(name)
        if type(values) is not list:
            self._take(name, list)
            return []
        found = []
        for i, value in enumerate(values):
            if type(value) is dict:
                if value:
                    found.append(Element(value, self.findings, self, name, i))
            elif value is not None:
                self.fault(f"{name}[{i}]", "is no object")
        return found

    def several(self, name: str, make: Callable[[Element], _T | None]) -> list[_T]:
        """What `make` makes of a list of elements, without those that say nothing (None)."""
        if name not in self.content:
            return []
        found, places = [], []
        for element in self.children(name):
            made = make(element)
            if made is not None:
                found.append(made)
                places.append(element._index or 0)
        if places and places[-1] != len(places) - 1:
            self.findings.kept[self.path(name)] = tuple(places)
        return found

    def one_of(self, names: Iterable[str]) -> str:
        """Which of the forms of a choice of types ("value[x]") is there; more than one is a fault."""
        first = ""
        for name in names:
            if name in self.content and self.content[name] not in (None, "", [], {}):
                if first:
                    self.fault(name, f"stands beside {first}: FHIR allows one of them")
                else:
                    first = name
        return first

    def _path_without_indexes(self, name: str) -> str:
        own = self._parent._path_without_indexes(self._name) if self._parent else self._name
        return f"{own}.{name}" if own and name else own or name

    def _refuse_modifiers(self) -> None:
        for i, extension in enumerate(self._take("modifierExtension", list) or ()):
            if not extension:
                continue
            self.fault(f"modifierExtension[{i}]", "may not be ignored, and HMS does not know it")

    def _take(self, name: str, kind: type[Any]) -> Any:
        value = self.content.get(name)
        if value is None:
            return None
        # In Python, and not in JSON, true is a number.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(name, f"is no {_NAMES[kind]}")
            return None
        return value

    def _clean(self, name: str, value: str) -> str:
        if not value.isprintable() and _FORBIDDEN.search(value):
            self.fault(name, "has a control character")
            return ""
        return value

    def _checked(self, name: str, holds: Callable[[str], bool], complaint: str) -> str:
        value = self.text(name)
        if value and not holds(value):
            self.fault(name, complaint)
            return ""
        return value


_NAMES = {str: "string", list: "list", dict: "object", bool: "true or false", int: "whole number"}
