"""JSON Schema of the messages, as the transcoder reads and writes them, with the rules of buf.validate."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from buf.validate import validate_pb2

Json = dict[str, Any]

INTEGER_64 = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}

WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {
        "type": "string",
        "description": "Field names, parted by commas.",
    },
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "additionalProperties": True,
    },
    "google.api.HttpBody": {"type": "object"},
    "google.protobuf.StringValue": {"type": "string"},
    "google.protobuf.BoolValue": {"type": "boolean"},
    "google.protobuf.Int32Value": {"type": "integer", "format": "int32"},
    "google.protobuf.Int64Value": {"type": "string", "format": "int64"},
    "google.protobuf.DoubleValue": {"type": "number", "format": "double"},
}

# Set by the server on every record (AIP-148).
STANDARD_OUTPUT_FIELDS = {"create_time", "update_time", "delete_time"}

# The rule messages of numbers that this API uses, by name in FieldRules.
NUMBER_RULES = ("int32", "int64", "uint32", "uint64", "float", "double")
BOUNDS = {
    "gt": "exclusiveMinimum",
    "gte": "minimum",
    "lt": "exclusiveMaximum",
    "lte": "maximum",
}


class Schemas:
    """Collects the schema of each message that is asked for, and of those it holds."""

    def __init__(self, comments: dict[str, str]) -> None:
        self._comments = comments
        self.components: dict[str, Json] = {}

    def reference(self, message: Descriptor | EnumDescriptor) -> Json:
        """A `$ref` to the schema, which is made at the first question."""
        name = message.full_name.removeprefix("hms.")
        if name not in self.components:
            self.components[name] = {}  # holds the place: messages may hold themselves
            if isinstance(message, EnumDescriptor):
                self.components[name] = self._enum(message)
            else:
                self.components[name] = self.message(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, message: Descriptor, leave_out: frozenset[str] = frozenset()) -> Json:
        """The schema of a message as an object, perhaps without some of its fields."""
        schema: Json = {"type": "object"}
        if description := self._comments.get(message.full_name):
            schema["description"] = description
        fields = [f for f in message.fields if f.name not in leave_out]
        if fields:
            schema["properties"] = {field.name: self.field(field) for field in fields}
        required = [field.name for field in fields if is_required(field)]
        if required:
            schema["required"] = required
        return schema

    def field(self, field: FieldDescriptor) -> Json:
        """The schema of a field with its rules and its comment."""
        rules = field.GetOptions().Extensions[validate_pb2.field]
        schema = self._value(field)
        if is_map(field):
            schema = {"type": "object", "additionalProperties": schema}
        elif field.is_repeated:
            schema = {"type": "array", "items": {**schema, **_constraints(rules.repeated.items)}}
        schema.update(_constraints(rules))
        comment = self._comments.get(field.full_name, "")
        if comment:
            schema["description"] = comment
        if "Output only" in comment or field.name in STANDARD_OUTPUT_FIELDS:
            schema["readOnly"] = True
        if "never read back" in comment:
            schema["writeOnly"] = True
        return schema

    def _value(self, field: FieldDescriptor) -> Json:
        if field.message_type is not None and is_map(field):
            return self._value(field.message_type.fields_by_name["value"])
        if field.message_type is not None:
            known = WELL_KNOWN.get(field.message_type.full_name)
            return dict(known) if known is not None else self.reference(field.message_type)
        if field.enum_type is not None:
            return self.reference(field.enum_type)
        return _scalar(field.type)

    def _enum(self, enum: EnumDescriptor) -> Json:
        texts = {v.name: self._comments.get(f"{enum.full_name}.{v.name}", "") for v in enum.values}
        lines = [
            self._comments.get(enum.full_name, ""),
            *(f"{name}: {text}" for name, text in texts.items() if text),
        ]
        schema: Json = {"type": "string", "enum": [value.name for value in enum.values]}
        if description := "\n".join(line for line in lines if line):
            schema["description"] = description
        return schema


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map, which protobuf spells as repeated entries."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def is_required(field: FieldDescriptor) -> bool:
    """Whether the rules refuse a message in which the field is not set."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if rules.required:
        return True
    if field.has_presence or rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        return False
    text = rules.string
    return bool(
        text.min_len > 0
        or text.uuid
        or text.email
        or (text.pattern and not re.search(text.pattern, ""))
        or rules.repeated.min_items > 0
        or rules.int32.gte > 0
        or rules.int64.gte > 0
        or 0 in rules.enum.not_in
    )


def _scalar(kind: int) -> Json:
    if kind in INTEGER_64:
        # JavaScript has no 64-bit integers, so JSON carries them as text.
        return {"type": "string", "format": "int64"}
    return {
        FieldDescriptor.TYPE_STRING: {"type": "string"},
        FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
        FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
        FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
        FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    }.get(kind, {"type": "integer", "format": "int32"})


def _constraints(rules: validate_pb2.FieldRules) -> Json:
    schema: Json = {}
    if rules.HasField("string"):
        schema.update(_string_constraints(rules.string))
    if rules.HasField("repeated"):
        schema.update(_present(rules.repeated, {"min_items": "minItems", "max_items": "maxItems"}))
        if rules.repeated.unique:
            schema["uniqueItems"] = True
    for name in NUMBER_RULES:
        if rules.WhichOneof("type") == name:
            schema.update(_present(getattr(rules, name), BOUNDS))
    return schema


def _string_constraints(rules: validate_pb2.StringRules) -> Json:
    names = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern"}
    schema = _present(rules, names)
    if rules.uuid:
        schema["format"] = "uuid"
    if rules.email:
        schema["format"] = "email"
    if values := list(getattr(rules, "in")):
        schema["enum"] = values
    return schema


def _present(rules: Any, names: dict[str, str]) -> Json:
    return {keyword: getattr(rules, name) for name, keyword in names.items() if rules.HasField(name)}
