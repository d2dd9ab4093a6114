"""Decisions of the identity room, without a database."""

from __future__ import annotations

import pytest

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors
from hms_server.identity import rules
from hms_server.identity.permissions import Grants
from hms_server.identity.rules import RefreshUse

ADMIN = Grants(True, frozenset({"a", "b", "c"}))
SOME = Grants(False, frozenset({"a", "b"}))
NONE = Grants(False, frozenset())


@pytest.mark.parametrize(
    ("username", "key"),
    [
        ("Asha.Rao", "asha.rao"), ("a", "a"), ("a@b.c+d-e_f", "a@b.c+d-e_f"), ("x" * 128, "x" * 128),
        ("", ""), (".a", ""), ("a b", ""), ("a\0", ""), ("a\n", ""), ("उषा", ""), ("x" * 129, ""), ("İ", ""),
    ],
)  # fmt: skip
def test_user_names_have_one_key(username, key):
    assert rules.username_key(username) == key


@pytest.mark.parametrize(
    ("text", "is_code"),
    [("demo", True), ("a-1", True), ("Demo", False), ("a", False), ("", False), ("a\0b", False)],
)
def test_tenant_codes(text, is_code):
    assert rules.is_tenant_code(text) is is_code


def test_a_name_is_audited_short_and_without_nul():
    assert rules.audited_name("a\0b") == "ab"
    assert rules.audited_name("x" * 500) == "x" * 64


@pytest.mark.parametrize(
    ("tenant", "user", "reason"),
    [
        ("ACTIVE", "ACTIVE", None),
        ("SUSPENDED", "ACTIVE", "TENANT_SUSPENDED"),
        ("ACTIVE", "DISABLED", "USER_DISABLED"),
        ("SUSPENDED", "DISABLED", "TENANT_SUSPENDED"),
    ],
)
def test_who_is_barred(tenant, user, reason):
    refusal = rules.barred(tenant, user)
    assert (refusal.reason if refusal else None) == reason


@pytest.mark.parametrize(
    ("digest", "previous", "in_grace", "use"),
    [
        (b"new", None, False, RefreshUse.PRESENT),
        (b"new", b"old", False, RefreshUse.PRESENT),
        (b"old", b"old", True, RefreshUse.JUST_REPLACED),
        (b"old", b"old", False, RefreshUse.REUSED),
        (b"older", b"old", True, RefreshUse.REUSED),
        (b"older", None, True, RefreshUse.REUSED),
    ],
)
def test_what_a_refresh_token_is(digest, previous, in_grace, use):
    assert rules.refresh_use(digest, b"new", previous, in_grace) is use


def test_nobody_gives_more_than_he_holds():
    rules.require_grantable(ADMIN, ADMIN)
    rules.require_grantable(SOME, Grants(False, frozenset({"a"})))
    rules.require_grantable(NONE, NONE)
    for caller, gained in ((SOME, ADMIN), (SOME, Grants(False, frozenset({"c"}))), (NONE, SOME)):
        with pytest.raises(errors.PermissionDenied):
            rules.require_grantable(caller, gained)
    everything = Grants(False, ADMIN.permissions)
    with pytest.raises(errors.PermissionDenied):
        rules.require_grantable(everything, ADMIN)


def test_nobody_changes_who_may_do_more():
    rules.require_not_above(ADMIN, ADMIN)
    rules.require_not_above(SOME, SOME)
    rules.require_not_above(SOME, NONE)
    for caller, target in ((NONE, SOME), (SOME, ADMIN), (Grants(False, ADMIN.permissions), ADMIN)):
        with pytest.raises(errors.PermissionDenied):
            rules.require_not_above(caller, target)


@pytest.mark.parametrize(
    ("was", "is_still", "others", "stays"),
    [
        (True, False, False, False),
        (True, False, True, True),
        (True, True, False, True),
        (False, False, False, True),
    ],
)
def test_an_administrator_stays(was, is_still, others, stays):
    def judge():
        rules.require_administrator_stays(was_administrator=was, is_administrator=is_still, others=others)

    if stays:
        judge()
    else:
        with pytest.raises(errors.FailedPrecondition):
            judge()


def test_every_violation_is_told_at_once():
    with pytest.raises(errors.InvalidArgument) as caught:
        rules.check_user_changes(pb.User(username="new"), {"state", "password"}, "old")
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["user.username", "user.state", "user.password"]
