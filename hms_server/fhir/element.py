"""One JSON object of a resource and its path, read value by value.

What is wrong is noted, not raised, so that a record's every fault is told at once. An empty value
counts as absent: FHIR forbids it, and real exports have it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from hms_server.patient import dates

_MOST_QUOTED = 60
_INDEX = re.compile(r"\[[0-9]+\]")


class Fault(NamedTuple):
    """A value that cannot be taken over: its path and what is wrong with it."""

    path: str
    text: str


@dataclasses.dataclass
class Findings:
    """What was noticed in one resource."""

    faults: list[Fault] = dataclasses.field(default_factory=list)
    # Paths, without indexes, of what HMS has no place for
    left_out: list[str] = dataclasses.field(default_factory=list)


def quoted(value: Any) -> str:
    """A value as a message shows it: short, on one line."""
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


class Element:
    """An object. `name` arguments are FHIR's element names; "" is what an absent one gives."""

    def __init__(self, content: dict[str, Any], path: str, findings: Findings) -> None:
        self.content = content
        self._path = path
        self._findings = findings

    def path(self, name: str = "") -> str:
        """Where an element of this object stands in its resource."""
        return f"{self._path}.{name}" if self._path and name else self._path or name

    def fault(self, name: str, text: str) -> None:
        """Notes that an element cannot be taken over."""
        self._findings.faults.append(Fault(self.path(name), text))

    def leave_out(self, name: str = "") -> None:
        """Notes that HMS has no place for an element."""
        self._findings.left_out.append(_INDEX.sub("", self.path(name)))

    def text(self, name: str) -> str:
        """A string."""
        value = self._take(name, str)
        return self._clean(name, value) if value else ""

    def texts(self, name: str) -> list[str]:
        """The strings of a list; FHIR puts null where only an extension stands."""
        found = []
        for i, value in enumerate(self._take(name, list) or ()):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                found.append(self._clean(f"{name}[{i}]", value))
            else:
                self.fault(f"{name}[{i}]", f"{quoted(value)} is no string")
        return found

    def code(self, name: str, allowed: Collection[str]) -> str:
        """A code of a required value set: FHIR knows no other."""
        value = self.text(name)
        if value and value not in allowed:
            self.fault(name, f"{quoted(value)} is none of {', '.join(c for c in allowed if c)}")
            return ""
        return value

    def boolean(self, name: str) -> bool | None:
        """True, false or absent."""
        value: bool | None = self._take(name, bool)
        return value

    def positive(self, name: str) -> int:
        """A number from 1; 0 where absent."""
        value: int | None = self._take(name, int)
        if value is None:
            return 0
        if not 1 <= value < 2**31:
            self.fault(name, f"{quoted(value)} is no positive number")
            return 0
        return value

    def date(self, name: str) -> str:
        """A date, which may be partial."""
        return self._checked(name, dates.is_date, "is no date")

    def date_time(self, name: str) -> str:
        """A date, which may be partial, or a time with its zone."""
        return self._checked(name, dates.is_date_time, "is no date or time with a zone")

    def child(self, name: str) -> Element | None:
        """An object."""
        value = self._take(name, dict)
        return Element(value, self.path(name), self._findings) if value else None

    def children(self, name: str) -> list[Element]:
        """The objects of a list."""
        found = []
        for i, value in enumerate(self._take(name, list) or ()):
            if isinstance(value, dict):
                found.append(Element(value, self.path(f"{name}[{i}]"), self._findings))
            elif value is not None:
                self.fault(f"{name}[{i}]", f"{quoted(value)} is no object")
        return found

    def concept_code(self, name: str = "") -> str:
        """The first code of a CodeableConcept: of the element `name`, or of this one."""
        concept = self.child(name) if name else self
        codes = (coding.text("code") for coding in concept.children("coding")) if concept else ()
        return next(filter(None, codes), "")

    def concept(self, name: str = "") -> str:
        """The same; the text where there is no code."""
        concept = self.child(name) if name else self
        return (concept.concept_code() or concept.text("text")) if concept else ""

    def _take(self, name: str, kind: type[Any]) -> Any:
        value = self.content.get(name)
        if value is None:
            return None
        # In Python, and not in JSON, true is a number.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(name, f"{quoted(value)} is no {_NAMES[kind]}")
            return None
        return value

    def _clean(self, name: str, value: str) -> str:
        if any(c < " " and c not in "\t\r\n" for c in value):
            self.fault(name, f"{quoted(value)} has a control character")
            return ""
        return value

    def _checked(self, name: str, holds: Callable[[str], bool], complaint: str) -> str:
        value = self.text(name)
        if value and not holds(value):
            self.fault(name, f"{quoted(value)} {complaint}")
            return ""
        return value


_NAMES = {str: "string", list: "list", dict: "object", bool: "true or false", int: "whole number"}
