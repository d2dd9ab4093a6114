"""The catalogue: what may be held where, and what roles amount to."""

from __future__ import annotations

import dataclasses

import pytest

from hms_server import errors, ids
from hms_server.identity import system_roles
from hms_server.identity.permissions import Catalogue
from hms_server.identity.store import HeldRole
from hms_server.policy import load_policies

HOSPITAL = ids.uuid7()
PLATFORM = ids.PLATFORM_TENANT


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_policies())


def test_every_permission_of_the_protos_is_somewhere(catalogue):
    asked = {p.permission for p in load_policies().values() if p.permission}
    assert catalogue.of_tenant(HOSPITAL) | catalogue.of_tenant(PLATFORM) == asked


def test_platform_permissions_are_held_in_the_platform_alone(catalogue):
    only = {p.permission for p in load_policies().values() if p.platform_only}
    assert only
    assert only <= catalogue.of_tenant(PLATFORM)
    assert not only & catalogue.of_tenant(HOSPITAL)


def test_the_platform_holds_nothing_of_patients(catalogue):
    for permission in catalogue.of_tenant(PLATFORM):
        assert not any(".patient." in method for method in catalogue.methods(permission))
    assert {"user.write", "role.write", "audit.read"} < catalogue.of_tenant(PLATFORM)


def test_the_directory_is_a_hospitals_own(catalogue):
    directory = {"directory.read", "directory.write"}
    assert directory < catalogue.of_tenant(HOSPITAL)
    assert not directory & catalogue.of_tenant(PLATFORM)
    row = HeldRole("OWN", False, False, sorted(directory))
    assert catalogue.of_role(PLATFORM, row) == frozenset()


def test_an_administrator_holds_everything_of_his_tenant(catalogue):
    role = HeldRole("ADMIN", True, True, [])
    for tenant in (HOSPITAL, PLATFORM):
        grants = catalogue.grants(tenant, [role])
        assert grants.permissions == catalogue.of_tenant(tenant)
        assert grants.administrator
        assert grants.for_token is None


def test_roles_add_up(catalogue):
    roles = [HeldRole("LAB", True, False, []), HeldRole("OWN", False, False, ["audit.read"])]
    grants = catalogue.grants(HOSPITAL, roles)
    assert grants.permissions == system_roles.HOSPITAL["LAB"].permissions | {"audit.read"}
    assert grants.for_token == grants.permissions
    assert catalogue.grants(HOSPITAL, []).for_token == frozenset()


def test_a_row_cannot_give_what_the_tenant_may_not_hold(catalogue):
    role = HeldRole("OWN", False, False, ["tenant.write", "no.such", "patient.read"])
    assert catalogue.of_role(HOSPITAL, role) == {"patient.read"}
    assert catalogue.of_role(PLATFORM, role) == {"tenant.write"}


def test_a_system_role_that_the_release_does_not_know_gives_nothing(catalogue):
    assert catalogue.of_role(HOSPITAL, HeldRole("GONE", True, False, ["patient.read"])) == frozenset()


def test_a_permission_is_of_the_platform_for_all_of_its_methods_or_none():
    policies = dict(load_policies())
    name = "hms.identity.v1.IdentityService/CreateUser"
    policies[name] = dataclasses.replace(policies[name], platform_only=True)
    with pytest.raises(errors.ConfigError, match=r"user\.write"):
        Catalogue(policies)


def test_a_system_role_with_an_unknown_permission_stops_the_start(monkeypatch):
    wrong = system_roles.SystemRole("WRONG", "Wrong", frozenset({"patient.raed"}))
    monkeypatch.setattr(system_roles, "HOSPITAL", {"WRONG": wrong})
    with pytest.raises(errors.ConfigError, match="WRONG"):
        Catalogue(load_policies())
