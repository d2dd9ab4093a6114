"""What a module tells about a FHIR type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hms_server.fhir.datatypes import Fields
from hms_server.fhir.element import Element, Findings, known

_PASSED_OVER = ("resourceType", "meta", "text", "language", "implicitRules")


class Mapper(NamedTuple):
    """How a FHIR type is taken over."""

    # HMS's kind: "OBSERVATION"
    kind: str
    # The fields of a resource; notes faults, slots and what is left out in the element's findings
    make: Callable[[Element], Fields]
    # The resource's elements that `make` looks at
    known: frozenset[str]
    # API paths and FHIR's names for them, where they differ (see paths.fhir_path)
    names: Mapping[str, str]

    def fields_of(self, resource: dict[str, Any], findings: Findings) -> Fields:
        """The fields of a resource, and in `findings` what was noticed.

        Extensions are passed over. Modifier extensions and implicit rules change what a resource means, so
        that FHIR allows nobody to pass over them: they are faults.
        """
        root = Element(resource, findings)
        fields = self.make(root)
        root.only(self.known)
        if resource.get("implicitRules"):
            root.fault("implicitRules", "HMS knows no such rules, which may not be ignored")
        return fields


def elements(*names: str) -> frozenset[str]:
    """The elements of a resource that have a place, with those that may be passed over."""
    return known(*_PASSED_OVER, *names)
