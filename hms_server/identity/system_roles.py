"""The roles that every tenant has from its first day. A release brings their permissions along.

They stand in code, not in rows: a permission that a new release adds is in force for every tenant
with the release, and nobody has to change rows of each tenant for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hms_server import ids


class SystemRole(NamedTuple):
    """A role kept by the platform. `all_permissions`: whatever the tenant may hold."""

    code: str
    display_name: str
    permissions: frozenset[str] = frozenset()
    all_permissions: bool = False


_STAFF = {"settings.read", "directory.read"}
_READERS = _STAFF | {"patient.read", "encounter.read", "appointment.read"}
_WRITERS = _READERS | {"patient.write", "encounter.write", "appointment.write"}
_CLINICIANS = _WRITERS | {"clinical.read", "clinical.write", "observation.write"}
# Those who treat in an emergency.
_RESCUERS = _CLINICIANS | {"patient.break_glass"}

_AUDITORS = {"audit.read", "audit.hold", "user.read", "role.read"}

ADMINISTRATOR = SystemRole("ADMIN", "Administrator", all_permissions=True)
PLATFORM_ADMINISTRATOR = SystemRole("PLATFORM_ADMIN", "Platform administrator", all_permissions=True)

HOSPITAL: Mapping[str, SystemRole] = {
    role.code: role
    for role in (
        ADMINISTRATOR,
        SystemRole("DOCTOR", "Doctor", frozenset(_RESCUERS | {"prescription.write", "appointment.overbook"})),
        SystemRole("NURSE", "Nurse", frozenset(_RESCUERS)),
        SystemRole("RECEPTIONIST", "Receptionist", frozenset(_WRITERS)),
        SystemRole("LAB", "Laboratory", frozenset(_READERS | {"clinical.read", "observation.write"})),
        SystemRole("PHARMACIST", "Pharmacist", frozenset(_READERS | {"clinical.read"})),
        # Sees who did what, not the patients' records themselves.
        SystemRole("AUDITOR", "Auditor", frozenset(_STAFF | _AUDITORS)),
    )
}

PLATFORM: Mapping[str, SystemRole] = {PLATFORM_ADMINISTRATOR.code: PLATFORM_ADMINISTRATOR}


def holding(permission: str) -> list[str]:
    """Codes of the system roles of a hospital that hold a permission."""
    return [role.code for role in HOSPITAL.values() if role.all_permissions or permission in role.permissions]


def of_tenant(tenant_id: str) -> Mapping[str, SystemRole]:
    """The system roles of a tenant by code."""
    return PLATFORM if tenant_id == ids.PLATFORM_TENANT else HOSPITAL
