"""What makes a directory entry valid, and what a change amounts to. Pure: no I/O.

The proto's own rules hold already; here is what they cannot say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from hms.common.v1 import datatypes_pb2
from hms_server import errors, ids
from hms_server.admin.kinds import Kind
from hms_server.errors import FieldViolation
from hms_server.patient import keys, normalise
from hms_server.patient import rules as patient_rules

# A B-tree takes 2,704 bytes a row. Words of a name beyond it are not found by a list's query.
_LONGEST_KEY = 512


class Reference(NamedTuple):
    """A field that names another entry."""

    path: str  # "practitioner.roles[0].department_id"
    kind: str  # what it names: a key of KINDS
    id: str


def new_document(kind: Kind, entry: Any) -> dict[str, Any]:
    """The document of a new entry; raises InvalidArgument with every violation."""
    made = kind.new()
    made.CopyFrom(entry)
    for name in kind.output_only:
        made.ClearField(name)
    return _checked(kind, made)


def changed_document(
    kind: Kind, document: dict[str, Any], entry: Any, selected: Collection[str]
) -> dict[str, Any]:
    """The document after an update of the fields `selected`; raises InvalidArgument."""
    made, given = kind.new(**document), kind.new()
    given.CopyFrom(entry)
    for name in kind.message.DESCRIPTOR.fields_by_name:
        (made if name in selected else given).ClearField(name)
    made.MergeFrom(given)
    return _checked(kind, made)


def derive(kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
    """The columns that stand beside a document."""
    if "names" in document:
        name_key = keys.derive({"names": document["names"][:1]}, "").name_key
    else:
        name_key = " ".join(normalise.words(document["display_name"]))[:_LONGEST_KEY]
    return {
        "code": document.get(kind.code, ""),
        "name_key": name_key,
        "parent_id": document.get(kind.parent),
        "active": document["active"],
        "document": document,
    }


def at_place(kind: Kind, place: int, path: str) -> str:
    """The path of a field of one of many: "departments[2].code" of "department.code"."""
    return f"{kind.plural}[{place}]{path.removeprefix(kind.table)}"


def references(kind: Kind, entry: Any, selected: Collection[str]) -> list[Reference]:
    """The entries that the fields `selected` name."""
    found = []
    for path, message, field, above in _reference_fields(kind, entry):
        if path.partition(".")[2].partition("[")[0] not in selected:
            continue
        value = getattr(message, field)
        if isinstance(value, str):
            found += [Reference(path, above, value.lower())] if value else []
        else:
            found += [Reference(f"{path}[{i}]", above, each.lower()) for i, each in enumerate(value)]
    return found


def require_existing(asked: Iterable[Reference], existing: Collection[tuple[str, str]]) -> None:
    """Raises InvalidArgument for references to what is not among the (kind, id) that exist."""
    refuse(
        [
            FieldViolation(reference.path, f"no such {reference.kind.lower()}")
            for reference in asked
            if (reference.kind, reference.id) not in existing
        ]
    )


def patterns(query: str) -> list[str]:
    """What a blank and the name's key must be like for every word of `query` to begin a word of it.

    Raises InvalidArgument for a query without any letter or digit.
    """
    words = list(dict.fromkeys(normalise.words(query)))
    if query.strip() and not words:
        raise errors.invalid_field("query", "holds no letter and no digit to search for")
    return [f"% {word}%" for word in words]


def _reference_fields(kind: Kind, entry: Any) -> Iterator[tuple[str, Any, str, str]]:
    for name, above in ((kind.parent, kind.above), *kind.links):
        yield f"{kind.table}.{name}", entry, name, above
    for i, role in enumerate(getattr(entry, "roles", ())):
        for field in ("organization_id", "department_id"):
            yield f"{kind.table}.roles[{i}].{field}", role, field, field.removesuffix("_id").upper()


def _checked(kind: Kind, entry: Any) -> dict[str, Any]:
    """The document of an entry, in the form in which ids and codes compare."""
    if not entry.HasField("active"):
        entry.active = True
    setattr(entry, kind.code, getattr(entry, kind.code).strip())
    for _, message, field, _ in _reference_fields(kind, entry):
        value = getattr(message, field)
        if isinstance(value, str):
            setattr(message, field, value.lower())
        else:
            value[:] = list(dict.fromkeys(each.lower() for each in value))
    for role in getattr(entry, "roles", ()):
        role.id = role.id or ids.uuid7()
    refuse(list(violations(kind, entry)))
    return MessageToDict(entry, preserving_proto_field_name=True)


def violations(kind: Kind, entry: Any) -> Iterator[FieldViolation]:
    """Everything that is wrong with an entry."""
    if "names" in kind.fields:
        yield from _of_names(entry)
        yield from _of_roles(entry)
    elif not entry.display_name.strip():
        yield FieldViolation(f"{kind.table}.display_name", "is required")
    if "latitude" in kind.fields and entry.HasField("latitude") != entry.HasField("longitude"):
        yield FieldViolation("location.longitude", "latitude and longitude are set together")
    yield from patient_rules.of_telecoms(entry.telecoms, f"{kind.table}.telecoms")
    yield from _of_concepts(entry, kind.table)
    yield from patient_rules.of_texts_and_periods(entry, kind.table)


def _of_names(practitioner: Any) -> Iterator[FieldViolation]:
    if not practitioner.names:
        yield FieldViolation("practitioner.names", "a practitioner needs a name")
    for i, name in enumerate(practitioner.names):
        if not any(part.strip() for part in (name.text, name.family_name, *name.given_names)):
            yield FieldViolation(f"practitioner.names[{i}]", "needs a text, a family name or a given name")


def _of_roles(practitioner: Any) -> Iterator[FieldViolation]:
    seen = set()
    for i, role in enumerate(practitioner.roles):
        if role.id in seen:
            yield FieldViolation(f"practitioner.roles[{i}].id", "stands twice")
        seen.add(role.id)


def _of_concepts(message: Message, path: str) -> Iterator[FieldViolation]:
    """Concepts that say nothing."""
    if isinstance(message, datatypes_pb2.CodeableConcept):
        if not message.codings and not message.text.strip():
            yield FieldViolation(path, "needs a coding or a text")
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for i, one in enumerate(value if field.is_repeated else [value]):
                name = f"{path}.{field.name}[{i}]" if field.is_repeated else f"{path}.{field.name}"
                yield from _of_concepts(one, name)


def refuse(found: list[FieldViolation]) -> None:
    """Raises InvalidArgument where there are violations."""
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=tuple(found)
        )


def taken(kind: Kind) -> str:
    """What is said of a code that another entry has. One that is deleted keeps its own."""
    return (
        f"another {kind.table} has it. Choose another one; or, if that {kind.table} is deleted (show_deleted"
        " lists it), undelete it."
    )
