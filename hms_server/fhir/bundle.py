"""The text of a FHIR bundle as its entries, each with the place it stands at. Pure.

Bundles of type transaction, batch, collection and searchset, and a single resource, which counts as a
bundle of one. What makes the bundle as a whole impossible to take over is found here: text that is no
JSON, entries that mean no record, two entries for one record, references that lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import orjson

from hms_server import errors
from hms_server.errors import FieldViolation

_BOM = b"\xef\xbb\xbf"
_TYPES = ("transaction", "batch", "collection", "searchset")
_METHODS = ("POST", "PUT")
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_ENDING = re.compile(r"[/:]")
_URN = re.compile(rb'"reference"\s*:\s*"(urn:uuid:[^"\\]*)"')
# Of the faults of one bundle; the message says how many there are.
MOST_VIOLATIONS = 100
# More than a bundle of the largest size holds, unless it was made to be a burden.
_MOST_ENTRIES = 200_000


class Entry:
    """One resource of a bundle. `path` is where it stands: "entry[12].resource", or "" for a single one."""

    __slots__ = ("full_url", "path", "resource", "source_id", "type")

    def __init__(self, path: str, type_: str, full_url: str, resource: dict[str, Any]) -> None:
        self.path = path
        self.type = type_
        self.full_url = full_url
        # What the source knows the record by; "" where it does not say
        self.source_id = ""
        self.resource: dict[str, Any] | None = resource

    def at(self, path: str) -> str:
        """The place of an element of the resource."""
        return f"{self.path}.{path}" if self.path and path else self.path or path or "resource"


def rejected(faults: Collection[FieldViolation]) -> errors.InvalidArgument:
    """The refusal of a bundle, with its first faults."""
    first = next(iter(faults))
    number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return errors.InvalidArgument(
        f"The bundle is rejected and nothing of it was taken over: {number}; "
        f"{first.field}: {first.description}",
        reason="BUNDLE_REJECTED",
        violations=tuple(faults)[:MOST_VIOLATIONS],
    )


def parse(text: bytes, modelled: Collection[str]) -> list[Entry]:
    """The entries of a bundle. Those of types that are `modelled` need a source id.

    Raises InvalidArgument (BUNDLE_REJECTED) with every fault.
    """
    content = _json(text)
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(kind, str) or _TYPE_NAME.fullmatch(kind) is None:
        raise _rejected("bundle", "no FHIR: it has no resourceType")
    faults: list[FieldViolation] = []
    if kind != "Bundle":
        entries = [Entry("", kind, "", content)]
    else:
        entries = list(_entries(content, faults))
    _identify(entries, modelled, faults)
    if faults:
        raise rejected(faults)
    return entries


def dangling(text: bytes, entries: list[Entry]) -> Iterator[FieldViolation]:
    """References by `urn:uuid:` that are the fullUrl of no entry, wherever they stand.

    Such a name means something inside its bundle alone. The text is searched first, which is quick; only
    where one leads nowhere are the resources looked through for the place.
    """
    known = {entry.full_url.lower() for entry in entries}
    if all(name.decode("utf-8", "replace").lower() in known for name in set(_URN.findall(text))):
        return
    for entry in entries:
        for path, reference in _references(entry.resource):
            if reference.startswith("urn:uuid:") and reference.lower() not in known:
                yield FieldViolation(entry.at(path), "refers to an entry that the bundle does not hold")


def _json(text: bytes) -> Any:
    text = text.removeprefix(_BOM)
    if not text.strip():
        raise _rejected("bundle", "is empty")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        what = "ends too early or is no JSON" if error.pos >= len(error.doc) - 1 else "is no JSON"
        raise _rejected(
            "bundle", f"{what}: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None


def _rejected(place: str, reason: str) -> errors.InvalidArgument:
    return rejected([FieldViolation(place, reason)])


def _entries(bundle: dict[str, Any], faults: list[FieldViolation]) -> Iterator[Entry]:
    kind = bundle.get("type")
    if kind not in _TYPES:
        raise _rejected("type", f"must be one of {', '.join(_TYPES)}: other bundles do not say what is to be")
    listed = bundle.get("entry")
    if listed is None:
        listed = []
    if not isinstance(listed, list):
        raise _rejected("entry", "is no list")
    if len(listed) > _MOST_ENTRIES:
        raise _rejected("entry", f"has more than {_MOST_ENTRIES} entries: send them in parts")
    for i, entry in enumerate(listed):
        place = f"entry[{i}]"
        found = _entry(place, entry)
        if isinstance(found, Entry):
            yield found
        else:
            faults.append(found)


def _entry(place: str, entry: Any) -> Entry | FieldViolation:
    if not isinstance(entry, dict):
        return FieldViolation(place, "is no object")
    request = entry.get("request")
    if request is not None:
        method = request.get("method") if isinstance(request, dict) else None
        if method not in _METHODS:
            return FieldViolation(f"{place}.request.method", "must be POST or PUT: an import only takes over")
    resource = entry.get("resource")
    if not isinstance(resource, dict):
        return FieldViolation(f"{place}.resource", "is missing" if resource is None else "is no object")
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or _TYPE_NAME.fullmatch(kind) is None:
        return FieldViolation(f"{place}.resource.resourceType", "is missing or names no type")
    if kind == "Bundle":
        return FieldViolation(f"{place}.resource", "is a bundle in a bundle: send it by itself")
    full_url = entry.get("fullUrl")
    if full_url is not None and not isinstance(full_url, str):
        return FieldViolation(f"{place}.fullUrl", "is no string")
    return Entry(f"{place}.resource", kind, full_url or "", resource)


def _identify(entries: list[Entry], modelled: Collection[str], faults: list[FieldViolation]) -> None:
    """Sets the source ids; two entries of one record are a fault."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        resource = entry.resource or {}
        given = resource.get("id")
        if given is None:
            given = _ENDING.split(entry.full_url)[-1]
        if isinstance(given, str) and _ID.fullmatch(given):
            entry.source_id = given
        elif entry.type in modelled:
            told = "neither an id nor a fullUrl" if given == "" else "no FHIR id"
            faults.append(FieldViolation(entry.at("id"), f"{told}: it could not be found again"))
        names = [entry.full_url.lower()] if entry.full_url else []
        if entry.source_id:
            names.append(f"{entry.type}/{entry.source_id}")
        for name in names:
            first = seen.setdefault(name, entry)
            if first is not entry:
                faults.append(FieldViolation(entry.path, f"is the same record as {first.path}"))
                break


def _references(resource: Any) -> Iterator[tuple[str, str]]:
    """Every Reference.reference of a resource, with its path."""
    # A stack of its own: JSON may be nested deeper than Python's calls.
    waiting: list[tuple[str, Any]] = [("", resource)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                inside = f"{path}.{name}" if path else name
                if name == "reference" and isinstance(inner, str):
                    yield inside, inner
                elif isinstance(inner, dict | list):
                    waiting.append((inside, inner))
        else:
            waiting.extend(
                (f"{path}[{i}]", inner) for i, inner in enumerate(value) if isinstance(inner, dict | list)
            )
