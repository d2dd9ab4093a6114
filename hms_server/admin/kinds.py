"""The four kinds of directory entries: what sets them apart is here, and nowhere else."""

from __future__ import annotations

import dataclasses
from typing import Any

from google.protobuf.message import Message

from hms.admin.v1 import directory_pb2 as pb


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One type of the directory. Tables, requests and answers are alike but for these names."""

    message: type[Message]
    table: str  # also the field of requests, and the entity type of audit records
    plural: str  # the field of a list's answer
    code: str  # the field that is unique in the hospital, where it is set
    parent: str  # the field of the column parent_id
    above: str  # what that points to: a key of KINDS
    # Other fields that name entries, one or several, and what they name: a key of KINDS
    links: tuple[tuple[str, str], ...] = ()
    nests: str = ""  # the field by which entries are parts of each other, where they are
    columns: str = ""  # what the table has beside what all have, and the API shows

    @property
    def name(self) -> str:
        """As messages have it: "Department"."""
        return self.message.DESCRIPTOR.name

    @property
    def output_only(self) -> frozenset[str]:
        """Fields that are the server's to set, and not of the document."""
        own = {"id", "create_time", "update_time", "etag", "delete_time", "user_id"}
        return frozenset(own.intersection(self.message.DESCRIPTOR.fields_by_name))

    @property
    def fields(self) -> frozenset[str]:
        """What the document holds, by field name."""
        return frozenset(self.message.DESCRIPTOR.fields_by_name) - self.output_only

    def new(self, **fields: Any) -> Any:
        """A message."""
        return self.message(**fields)


KINDS = {
    "DEPARTMENT": Kind(
        pb.Department,
        "department",
        "departments",
        "code",
        "parent_id",
        "DEPARTMENT",
        links=(("location_ids", "LOCATION"),),
        nests="parent_id",
    ),
    "PRACTITIONER": Kind(
        pb.Practitioner,
        "practitioner",
        "practitioners",
        "registration_number",
        "department_id",
        "DEPARTMENT",
        columns=", user_id",
    ),
    "ORGANIZATION": Kind(
        pb.Organization,
        "organization",
        "organizations",
        "code",
        "parent_id",
        "ORGANIZATION",
        nests="parent_id",
    ),
    "LOCATION": Kind(
        pb.Location,
        "location",
        "locations",
        "code",
        "organization_id",
        "ORGANIZATION",
        links=(("part_of_id", "LOCATION"), ("department_id", "DEPARTMENT")),
        nests="part_of_id",
    ),
}
