"""The roles that a request wants a user to hold: in the whole hospital, and in some departments only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from hms.identity.v1 import identity_pb2 as pb
from hms_server.database.transaction import Pending, Transaction
from hms_server.identity import rules, store
from hms_server.identity.store import HeldRole


class WantedRoles:
    """Queues the look for what the request names; the rest is there after the flush."""

    def __init__(self, transaction: Transaction, user: pb.User) -> None:
        self._user = user
        codes = {*user.role_codes, *(limited.role_code for limited in user.limited_roles)}
        departments = {each.lower() for limited in user.limited_roles for each in limited.department_ids}
        self._roles: Pending = store.find_roles(transaction, sorted(codes))
        self._departments: Pending = store.find_departments(transaction, sorted(departments))

    def check(self, fields: Collection[str], departments_held: Collection[str] = ()) -> None:
        """Raises InvalidArgument for roles and departments, of the fields named, that do not stand."""
        rows = self._roles.rows
        if "role_codes" in fields:
            rules.check_role_codes(self._user.role_codes, [row.code for row in rows])
        if "limited_roles" in fields:
            rules.check_limited_roles(
                self._user.limited_roles,
                {row.code: row.all_permissions for row in rows},
                {row.id: row.active for row in self._departments.rows},
                departments_held,
            )

    @property
    def unlimited(self) -> list[HeldRole]:
        """Those in the whole hospital."""
        return [_held(row) for row in self._roles.rows if row.code in self._user.role_codes]

    @property
    def limited(self) -> list[HeldRole]:
        """Those in some departments only."""
        rows = {row.code: row for row in self._roles.rows}
        return [
            _held(rows[limited.role_code])._replace(
                departments=sorted({each.lower() for each in limited.department_ids})
            )
            for limited in self._user.limited_roles
        ]

    def store_unlimited(self, transaction: Transaction, user_id: str) -> None:
        """Queues that the user holds exactly these in the whole hospital."""
        rows = [row for row in self._roles.rows if row.code in self._user.role_codes]
        store.set_user_roles(transaction, user_id, [row.id for row in rows])

    def store_limited(self, transaction: Transaction, user_id: str) -> None:
        """Queues that the user holds exactly these in departments."""
        role_ids = {row.code: row.id for row in self._roles.rows}
        pairs = [
            (role_ids[role.code], department)
            for role in self.limited
            for department in role.departments or ()
        ]
        store.set_limited_roles(transaction, user_id, pairs)


def gained(before: Sequence[HeldRole], after: Sequence[HeldRole]) -> list[HeldRole]:
    """What of `after` was not held: a role, or a role in a department. Who held a role in the whole hospital
    gains nothing by holding it in a department."""
    everywhere = {role.code for role in before if role.departments is None}
    places = {role.code: frozenset(role.departments) for role in before if role.departments is not None}
    found = []
    for role in after:
        if role.code in everywhere:
            continue
        if role.departments is None:
            found.append(role)
            continue
        new = frozenset(role.departments) - places.get(role.code, frozenset())
        if new:
            found.append(role._replace(departments=sorted(new)))
    return found


def same(before: Sequence[HeldRole], after: Sequence[HeldRole]) -> bool:
    """Whether two lists name the same roles in the same departments."""
    return _named(before) == _named(after)


def _named(roles: Sequence[HeldRole]) -> set[tuple[str, frozenset[str] | None]]:
    return {(role.code, None if role.departments is None else frozenset(role.departments)) for role in roles}


def _held(row: Any) -> HeldRole:
    return HeldRole(row.code, row.system, row.all_permissions, row.permissions)
