"""Passwords: one form for each, and the same work for those that do not stand."""

from __future__ import annotations

import argon2

from hms_server.identity.passwords import Passwords

CHEAP = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def test_a_password_is_verified():
    stored = CHEAP.hash("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert CHEAP.verify(stored, "correct horse battery")
    assert not CHEAP.verify(stored, "correct horse batterz")


def test_every_hash_has_its_own_salt():
    assert CHEAP.hash("a") != CHEAP.hash("a")


def test_accents_may_be_typed_either_way():
    assert CHEAP.verify(CHEAP.hash("Zo\u0065\u0308 Zo\u0065\u0308 Zoe"), "Zo\u00eb Zo\u00eb Zoe")


def test_nobody_has_a_password_without_a_hash(monkeypatch):
    # Not even one who could guess what absent users are compared with.
    monkeypatch.setattr(CHEAP, "_dummy", CHEAP.hash("guessed"))
    for stored in (None, "", "-", "$argon2id$damaged"):
        for password in ("guessed", "", "-"):
            assert not CHEAP.verify(stored, password)


def test_a_user_who_does_not_stand_costs_the_same_work(monkeypatch):
    seen = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(argon2.PasswordHasher, "verify", lambda *a: seen.append(a[1]) or verify(*a))
    CHEAP.verify(None, "x")
    CHEAP.verify(CHEAP.hash("y"), "x")
    absent, present = map(argon2.extract_parameters, seen)
    assert absent == present


def test_other_parameters_are_outdated():
    other = argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    assert CHEAP.is_outdated(other.hash("a"))
    assert not CHEAP.is_outdated(CHEAP.hash("a"))


def test_the_parameters_in_use_are_at_least_owasps():
    parameters = argon2.extract_parameters(Passwords().hash("a"))
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
