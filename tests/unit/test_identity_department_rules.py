"""Roles that are held in some departments only: what they amount to, who may give them, what a token says."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from hms.identity.v1 import identity_pb2 as pb
from hms_server import clock, errors, ids
from hms_server.context import Call, MethodPolicy, Principal
from hms_server.edge.bound import BoundMethod
from hms_server.edge.interceptors.authorization import AuthorizationInterceptor
from hms_server.identity import rules, wanted_roles
from hms_server.identity.permissions import Catalogue, Grants
from hms_server.identity.store import HeldRole
from hms_server.identity.tokens import TokenIssuer, TokenVerifier
from hms_server.keyring import Keyring, SigningKey
from hms_server.policy import load_policies

HOSPITAL, WARD, ICU = (ids.uuid7() for _ in range(3))
PLACES = [ids.uuid7() for _ in range(3)]


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(load_policies())


def role(code, *permissions, departments=None, everything=False):
    return HeldRole(code, False, everything, list(permissions), departments)


# What roles amount to


def test_what_is_held_in_departments_adds_up_and_gives_way_to_the_whole_hospital(catalogue):
    grants = catalogue.grants(
        HOSPITAL,
        [
            role("A", "patient.read", "user.read"),
            role("B", "patient.read", "encounter.read", departments=[WARD]),
            role("C", "encounter.read", "clinical.read", departments=[ICU]),
        ],
    )
    assert grants.permissions == {"patient.read", "user.read"}
    assert grants.limited == {"encounter.read": {WARD, ICU}, "clinical.read": {ICU}}
    assert not grants.administrator


def test_a_role_of_every_permission_makes_no_administrator_where_it_is_limited(catalogue):
    grants = catalogue.grants(HOSPITAL, [role("ADMIN", everything=True, departments=[WARD])])
    assert not grants.administrator
    assert grants.permissions == frozenset()
    assert grants.for_token == frozenset()
    assert set(grants.limited) == catalogue.of_tenant(HOSPITAL)


def test_a_role_in_no_department_gives_nothing(catalogue):
    assert catalogue.grants(HOSPITAL, [role("A", "patient.read", departments=[])]) == Grants(
        False, frozenset()
    )


def test_the_catalogue_tells_which_methods_a_limited_permission_opens(catalogue):
    opened = catalogue.department_methods("patient.read")
    assert "hms.patient.v1.PatientService/GetPatient" in opened
    assert "hms.patient.v1.PatientService/ListMerges" in set(catalogue.methods("patient.read")) - {*opened}
    assert catalogue.department_methods("user.write") == ()


# Who may give them


def flat(grants):
    """What somebody holds as pairs of a permission and a place; None stands for the whole hospital."""
    return {
        *((p, place) for p in grants.permissions for place in (None, *PLACES)),
        *((p, place) for p, places in grants.limited.items() for place in places),
    }


@st.composite
def held(draw):
    permissions = draw(st.frozensets(st.sampled_from("abc")))
    limited = draw(
        st.dictionaries(st.sampled_from("abc"), st.frozensets(st.sampled_from(PLACES), min_size=1))
    )
    return Grants(False, permissions, {p: d for p, d in limited.items() if p not in permissions})


@given(held(), held())
def test_somebody_lacks_what_he_does_not_hold_everywhere_the_other_holds_it(one, other):
    assert one.lacks(other) == {permission for permission, _ in flat(other) - flat(one)}


@given(held(), held())
def test_nobody_gives_or_changes_beyond_the_own_departments(caller, other):
    for rule in (rules.require_grantable, rules.require_not_above):
        if flat(other) <= flat(caller):
            rule(caller, other)
        else:
            with pytest.raises(errors.PermissionDenied):
                rule(caller, other)


def test_a_limited_administrator_gives_no_unlimited_role():
    caller = Grants(False, frozenset({"user.write"}), {"patient.read": frozenset({WARD})})
    rules.require_grantable(caller, Grants(False, frozenset(), {"patient.read": frozenset({WARD})}))
    for beyond in (
        Grants(False, frozenset({"patient.read"})),
        Grants(False, frozenset(), {"patient.read": frozenset({WARD, ICU})}),
        Grants(False, frozenset(), {"patient.write": frozenset({WARD})}),
    ):
        with pytest.raises(errors.PermissionDenied):
            rules.require_grantable(caller, beyond)


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [
        ([], [role("A", departments=[WARD])], [("A", [WARD])]),
        ([role("A", departments=[WARD])], [role("A", departments=[ICU, WARD])], [("A", [ICU])]),
        ([role("A", departments=[WARD])], [role("A")], [("A", None)]),
        ([role("A")], [role("A", departments=[WARD])], []),
        ([role("A"), role("B")], [role("A")], []),
        ([role("A", departments=[WARD])], [role("B", departments=[WARD])], [("B", [WARD])]),
    ],
)
def test_what_a_change_gives(before, after, gained):
    assert [(each.code, each.departments) for each in wanted_roles.gained(before, after)] == gained
    assert not wanted_roles.same(before, after)
    assert wanted_roles.same(after, list(reversed(after)))


@pytest.mark.parametrize(
    ("code", "departments", "held_already", "field"),
    [
        ("NURSE", [WARD], [], ""),
        ("NURSE", [WARD.upper()], [], ""),
        ("NURSE", [ICU], [ICU], ""),
        ("NURSE", [ICU], [], "user.limited_roles[0].department_ids[0]"),
        ("NURSE", [WARD, HOSPITAL], [], "user.limited_roles[0].department_ids[1]"),
        ("NONE", [WARD], [], "user.limited_roles[0].role_code"),
        ("ADMIN", [WARD], [], "user.limited_roles[0].role_code"),
    ],
)
def test_roles_and_departments_must_stand(code, departments, held_already, field):
    asked = [pb.LimitedRole(role_code=code, department_ids=departments)]
    stand = {"NURSE": False, "ADMIN": True}, {WARD: True, ICU: False}
    if not field:
        rules.check_limited_roles(asked, *stand, held_already)
        return
    with pytest.raises(errors.InvalidArgument) as caught:
        rules.check_limited_roles(asked, *stand, held_already)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_a_role_stands_in_the_list_once():
    asked = [pb.LimitedRole(role_code="NURSE", department_ids=[WARD]) for _ in range(2)]
    with pytest.raises(errors.InvalidArgument) as caught:
        rules.check_limited_roles(asked, {"NURSE": False}, {WARD: True})
    assert [v.field for v in caught.value.violations] == ["user.limited_roles[1].role_code"]


# What a token says


@pytest.fixture
def keys():
    signing = (SigningKey("one", ed25519.Ed25519PrivateKey.generate()),)
    return Keyring(signing=signing, audit=(), page_token=b"", request_hash=b"")


def issue(keys, permissions, limited, **changes):
    token = TokenIssuer(keys, 900).issue(
        tenant_id=HOSPITAL,
        user_id=ids.uuid7(),
        session_id=ids.uuid7(),
        username="asha",
        permission_version=7,
        permissions=permissions,
        limited=limited,
        latest=clock.unix_seconds() + 1000,
        **changes,
    )
    return token.text, jwt.decode(token.text, options={"verify_signature": False})


def test_a_token_carries_each_set_of_departments_once(keys):
    limited = {
        "patient.read": frozenset({WARD, ICU}),
        "encounter.read": frozenset({WARD, ICU}),
        "clinical.read": frozenset({ICU}),
    }
    text, claims = issue(keys, frozenset({"user.read"}), limited)
    assert sorted(claims["dep"]) == sorted(
        [[sorted({WARD, ICU}), ["encounter.read", "patient.read"]], [[ICU], ["clinical.read"]]]
    )
    principal = TokenVerifier(keys).verify(text)
    assert principal.permissions == {"user.read"}
    assert principal.limited == limited


def test_a_token_without_limits_has_no_claim_of_them(keys):
    text, claims = issue(keys, frozenset({"user.read"}), {})
    assert "dep" not in claims
    assert TokenVerifier(keys).verify(text).limited == {}
    _, claims = issue(keys, None, {})
    assert "dep" not in claims


def test_what_would_make_a_token_long_is_looked_up_instead(keys):
    limited = {"patient.read": frozenset(ids.uuid7() for _ in range(51))}
    text, claims = issue(keys, frozenset({"user.read"}), limited)
    assert not {"perm", "dep"} & claims.keys()
    assert TokenVerifier(keys).verify(text).permissions is None


def test_who_must_change_the_password_first_holds_nothing_in_departments_either(keys):
    _, claims = issue(keys, frozenset(), {"patient.read": frozenset({WARD})}, must_change_password=True)
    assert "dep" not in claims


@pytest.mark.parametrize(
    "claim", [1, [1], [[[], ["a"]]], [[["no id"], ["a"]]], [[[WARD], [1]]], [[[1], ["a"]]]]
)
def test_a_claim_of_another_shape_is_refused(keys, claim):
    _, claims = issue(keys, frozenset(), {})
    text = jwt.encode(
        {**claims, "dep": claim}, keys.signing[0].private, algorithm="EdDSA", headers={"kid": "one"}
    )
    with pytest.raises(errors.Unauthenticated):
        TokenVerifier(keys).verify(text)


# What it opens


def policy(**changes):
    values = {
        "full_name": "hms.patient.v1.PatientService/GetPatient", "access": "PERMISSION",
        "permission": "patient.read", "rate_tier": "DEFAULT", "audit_action": "READ", "replica_ok": False,
        "entity_type": "patient", "platform_only": False, "department_scoped": True,
    }  # fmt: skip
    return MethodPolicy(**{**values, **changes})


def served(policy, permissions, limited, tenant_id=HOSPITAL, directory=None):
    """The departments that a call is limited to."""
    call = Call(policy, {})
    call.principal = Principal(
        tenant_id, ids.uuid7(), "asha", ids.uuid7(), 1, permissions, 4e9, limited=limited
    )
    bound = BoundMethod(policy, pb.GetUserRequest, 100)
    assert AuthorizationInterceptor(directory).bind(bound, lambda made: "served")(call) == "served"
    return call.departments


IN_WARD = {"patient.read": frozenset({WARD})}


def test_a_limited_permission_opens_what_honours_departments():
    assert served(policy(), frozenset(), IN_WARD) == {WARD}


def test_who_holds_it_in_the_whole_hospital_is_not_limited():
    assert served(policy(), frozenset({"patient.read"}), {}) is None
    assert served(policy(department_scoped=False), frozenset({"patient.read"}), {}) is None


@pytest.mark.parametrize(
    ("changes", "limited", "reason"),
    [
        ({"department_scoped": False}, IN_WARD, "DEPARTMENT_LIMITED"),
        ({"permission": "patient.write"}, IN_WARD, "PERMISSION_DENIED"),
        ({}, {}, "PERMISSION_DENIED"),
        ({}, {"patient.read": frozenset()}, "PERMISSION_DENIED"),
        ({"department_scoped": False, "platform_only": True}, IN_WARD, "PERMISSION_DENIED"),
    ],
)
def test_everything_else_is_closed(changes, limited, reason):
    with pytest.raises(errors.PermissionDenied) as caught:
        served(policy(**changes), frozenset(), limited)
    assert caught.value.reason == reason


def test_where_the_token_has_no_list_the_directory_says_it():
    directory = SimpleNamespace(permissions=lambda *_: frozenset({"user.read"}), limited=lambda *_: IN_WARD)
    assert served(policy(), None, {}, directory=directory) == {WARD}
    assert served(policy(permission="user.read"), None, {}, directory=directory) is None
    with pytest.raises(errors.PermissionDenied):
        served(policy(permission="role.read"), None, {}, directory=directory)


def test_a_method_is_closed_to_limited_callers_unless_its_own_policy_opens_it():
    fields = {field.name: field for field in dataclasses.fields(MethodPolicy)}
    assert fields["department_scoped"].default is False
    scoped = [p for p in load_policies().values() if p.department_scoped]
    assert scoped
    assert not [p for p in scoped if p.access != "PERMISSION" or p.platform_only]
