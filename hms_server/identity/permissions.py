"""What may be held, and what somebody holds.

The catalogue is read from the protos: a permission exists because a method asks for it. Permissions
of platform methods can be held in the platform tenant only, and there nothing of patients can.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from hms_server import errors, ids
from hms_server.cache.levels import Cache, Client, Entry
from hms_server.context import MethodPolicy
from hms_server.database.transaction import Database
from hms_server.identity import store, system_roles

# Services of which the platform's own staff may use everything that every tenant has.
_PLATFORM_SERVICES = ("hms.identity.", "hms.admin.", "hms.audit.")
# What only a hospital has: the platform has no departments.
_HOSPITAL_PERMISSIONS = frozenset({"directory.read", "directory.write"})

# Roles change the version that is part of the key, so 60 seconds bound the memory, not staleness.
CACHE_ENTRY = Entry("held_roles", local_seconds=60, shared_seconds=60)


@dataclasses.dataclass(frozen=True, slots=True)
class Grants:
    """What a user's roles give together."""

    administrator: bool
    # held in the whole hospital
    permissions: frozenset[str]
    # held in some departments only: permission, ids of the departments; none of `permissions`
    limited: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    @property
    def for_token(self) -> frozenset[str] | None:
        """What the token lists: nothing for an administrator, whose list would be long."""
        return None if self.administrator else self.permissions

    def lacks(self, other: Grants) -> frozenset[str]:
        """Permissions that `other` holds where these do not: in the whole hospital, or in a department."""
        return (other.permissions - self.permissions) | {
            permission
            for permission, departments in other.limited.items()
            if permission not in self.permissions
            and not departments <= self.limited.get(permission, frozenset())
        }


class Catalogue:
    """Every permission that a method asks for."""

    def __init__(self, policies: Mapping[str, MethodPolicy]) -> None:
        """Raises ConfigError for a permission that is of the platform for one method alone."""
        methods: dict[str, list[MethodPolicy]] = {}
        for policy in policies.values():
            if policy.access == "PERMISSION":
                methods.setdefault(policy.permission, []).append(policy)
        for permission, asking in methods.items():
            if len({policy.platform_only for policy in asking}) > 1:
                raise errors.ConfigError(f"{permission}: all of its methods are platform_only, or none")
        self._methods = {
            permission: tuple(sorted(policy.full_name for policy in asking))
            for permission, asking in methods.items()
        }
        self._department_scoped = frozenset(
            policy.full_name for policy in policies.values() if policy.department_scoped
        )
        self._hospital = frozenset(
            permission for permission, asking in methods.items() if not asking[0].platform_only
        )
        self._platform = frozenset(
            permission
            for permission, asking in methods.items()
            if permission not in _HOSPITAL_PERMISSIONS
            and all(policy.full_name.startswith(_PLATFORM_SERVICES) for policy in asking)
        )
        for role in system_roles.HOSPITAL.values():
            if not role.permissions <= self._hospital:
                raise errors.ConfigError(f"role {role.code} holds a permission that no method asks for")

    def of_tenant(self, tenant_id: str) -> frozenset[str]:
        """Every permission that a role of this tenant may hold."""
        return self._platform if tenant_id == ids.PLATFORM_TENANT else self._hospital

    def methods(self, permission: str) -> tuple[str, ...]:
        """Full names of the methods that a permission opens."""
        return self._methods[permission]

    def department_methods(self, permission: str) -> tuple[str, ...]:
        """Those of them that it also opens where it is held in some departments only."""
        return tuple(name for name in self._methods[permission] if name in self._department_scoped)

    def of_role(self, tenant_id: str, role: store.HeldRole) -> frozenset[str]:
        """What a role gives."""
        most = self.of_tenant(tenant_id)
        if role.all_permissions:
            return most
        if role.system:
            known = system_roles.of_tenant(tenant_id).get(role.code)
            return frozenset() if known is None else known.permissions & most
        return most.intersection(role.permissions)

    def grants(self, tenant_id: str, roles: Iterable[store.HeldRole]) -> Grants:
        """What roles give together. What is held in the whole hospital is not limited by another role."""
        held = list(roles)
        unlimited = [role for role in held if role.departments is None]
        permissions = frozenset[str]().union(*(self.of_role(tenant_id, role) for role in unlimited))
        limited: dict[str, frozenset[str]] = {}
        for role in held:
            if role.departments:
                for permission in self.of_role(tenant_id, role) - permissions:
                    limited[permission] = limited.get(permission, frozenset()).union(role.departments)
        return Grants(any(role.all_permissions for role in unlimited), permissions, limited)


class PermissionDirectory:
    """Permissions of callers whose token carries no list."""

    def __init__(self, database: Database, client: Client, catalogue: Catalogue) -> None:
        self._database = database

        def decode(tenant_id: str, roles: list[list[Any]]) -> Grants:
            # Roles are shared, not what they amount to: that is the running release's to say.
            return catalogue.grants(tenant_id, [store.HeldRole(*role) for role in roles])

        self._cache = Cache(CACHE_ENTRY, client, decode)

    def permissions(self, tenant_id: str, user_id: str, permission_version: int) -> frozenset[str]:
        """The permissions held in the whole hospital at that version. Raises Unavailable where nothing can
        tell."""
        return self._grants(tenant_id, user_id, permission_version).permissions

    def limited(self, tenant_id: str, user_id: str, permission_version: int) -> Mapping[str, frozenset[str]]:
        """Those held in some departments only, with these. Raises Unavailable where nothing can tell."""
        return self._grants(tenant_id, user_id, permission_version).limited

    def _grants(self, tenant_id: str, user_id: str, permission_version: int) -> Grants:
        return self._cache.get(
            tenant_id, f"{user_id}:{permission_version}", lambda: self._load(tenant_id, user_id)
        )

    def _load(self, tenant_id: str, user_id: str) -> list[list[Any]]:
        with self._database.tenant_transaction(tenant_id) as transaction:
            pending = store.load_roles_of(transaction, user_id)
        return [list(role) for role in store.held_roles(pending.first)]
