"""The comments of the protos, by full name: the texts of the API's description."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf import descriptor_pb2

# Field numbers in descriptor.proto, of which source locations are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM = 2, 3, 4
ENUM_VALUE = 2
SERVICE_METHOD = 2

Path = tuple[int, ...]


def read_comments(descriptors: descriptor_pb2.FileDescriptorSet) -> dict[str, str]:
    """Comments by full name; the set must have been made with --include_source_info."""
    comments: dict[str, str] = {}
    for file in descriptors.file:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            text = location.leading_comments.strip()
            name = names.get(tuple(location.path))
            if name and text:
                comments[name] = "\n".join(line.strip() for line in text.splitlines())
    return comments


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    for i, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (FILE_SERVICE, i), name
        for j, method in enumerate(service.method):
            yield (FILE_SERVICE, i, SERVICE_METHOD, j), f"{name}.{method.name}"
    for i, enum in enumerate(file.enum_type):
        yield from _enum_names((FILE_ENUM, i), file.package, enum)
    for i, message in enumerate(file.message_type):
        yield from _message_names((FILE_MESSAGE, i), file.package, message)


def _message_names(
    path: Path, scope: str, message: descriptor_pb2.DescriptorProto
) -> Iterator[tuple[Path, str]]:
    name = f"{scope}.{message.name}"
    yield path, name
    for i, field in enumerate(message.field):
        yield (*path, MESSAGE_FIELD, i), f"{name}.{field.name}"
    for i, nested in enumerate(message.nested_type):
        yield from _message_names((*path, MESSAGE_NESTED, i), name, nested)
    for i, enum in enumerate(message.enum_type):
        yield from _enum_names((*path, MESSAGE_ENUM, i), name, enum)


def _enum_names(
    path: Path, scope: str, enum: descriptor_pb2.EnumDescriptorProto
) -> Iterator[tuple[Path, str]]:
    name = f"{scope}.{enum.name}"
    yield path, name
    for i, value in enumerate(enum.value):
        # protobuf scopes values beside their enum; here they go under it, to be told apart.
        yield (*path, ENUM_VALUE, i), f"{name}.{value.name}"
