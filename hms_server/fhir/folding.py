"""What a source says of an organization, place or practitioner, together with what HMS holds of it. Pure.

A source decides about its own fields. What the hospital itself noted stays: codes, the home department,
identifiers of systems that the source does not have, roles that it did not bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Fields = dict[str, Any]

# Fields that no source fills (translate leaves such numbers among the identifiers).
_OWN = ("code", "registration_number", "department_id")


def folded(fields: Fields, present: Mapping[str, Any] | None) -> Fields:
    """The fields of an entry that a source brings (again), over the document that stands."""
    if present is None:
        return fields
    made = {**{name: present[name] for name in _OWN if present.get(name)}, **fields}
    told = fields.get("identifiers", [])
    systems = {identifier.get("system", "") for identifier in told}
    own = [i for i in present.get("identifiers", ()) if i.get("system", "") not in systems]
    if told or own:
        made["identifiers"] = [*told, *own]
    for name in ("roles", "specialities"):
        if present.get(name):
            made[name] = present[name]
    return made


def with_roles(fields: Fields, brought: Iterable[Fields], gone: Iterable[str] = ()) -> Fields:
    """A practitioner's fields with roles, by their id in the place of those that stand.

    The specialities are those of the roles, and those that the hospital noted beside them.
    """
    roles: dict[str, Fields] = {role.get("id", ""): role for role in fields.get("roles", ())}
    before = _specialities(roles.values())
    for known_as in gone:
        roles.pop(known_as, None)
    roles.update({role["id"]: role for role in brought})
    kept = [one for one in fields.get("specialities", ()) if one not in before]
    made = {**fields, "roles": list(roles.values())}
    specialities = _specialities(roles.values())
    specialities.extend(one for one in kept if one not in specialities)
    made.pop("specialities", None)
    if specialities:
        made["specialities"] = specialities
    return made


def _specialities(roles: Iterable[Fields]) -> list[Any]:
    found: list[Any] = []
    for role in roles:
        found.extend(one for one in role.get("specialities", ()) if one not in found)
    return found
