"""What a password may not be."""

from __future__ import annotations

import pytest

from hms_server.identity.password_rules import faults


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password2026!", "P@ssw0rd12345", "passwordpassword",
        "Welcome@Hospital1", "qwertyuiop12",
        "qwertyuiopasdf", "123456789012", "098765432109", "abcdefghijklm", "aaaaaaaaaaaa", "asha.asha.asha",
        "abcabcabcabc", "1q2w3e4r5t6y", "letmein-letmein", "Changeme!2026", "!!!!!!!!!!!!!", "Iloveyou123456",
        "adminadmin123", "thisismypassword",
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_refused(password):
    assert faults(password) == ["is one that is tried first: choose something less common"]


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "correct-horse-battery", "a long enough password",
     "Tr0ub4dor&3-xkcd", "मेरा लंबा गुप्त शब्द",
     "password of the green whale", "x9!kQz27$Lm0"],
)  # fmt: skip
def test_what_nobody_would_guess_is_taken(password):
    assert faults(password, names=("asha", "City Care")) == []


def test_the_length_is_counted_as_people_count():
    assert faults("x9!kQz27$Lm", least=12) == ["needs at least 12 characters"]
    assert faults("x9!kQz27$Lm0", least=13) == ["needs at least 13 characters"]
    # One letter with its accent, whichever way the keyboard sends it.
    decomposed = "e\N{COMBINING ACUTE ACCENT}x9!kQz27$Lm"
    assert faults(decomposed, least=12) == []
    assert faults(decomposed, least=13) != []


@pytest.mark.parametrize(
    "password", ["my-ASHA.rao-is-long", "citycare for ever", "City  Care and me", "x-asha-rao-x9"]
)
def test_names_are_found_however_they_are_written(password):
    names = ("asha.rao", "City Care")
    assert faults(password, names=names) == ["must not hold the name of the user or of the hospital"]


def test_a_name_of_two_letters_is_found_everywhere_and_so_nowhere():
    assert faults("correct horse battery", names=("or", "a", "")) == []


def test_every_fault_is_told_and_none_quotes_the_password():
    found = faults("asha1", names=("asha",))
    assert len(found) == 3
    assert "asha1" not in str(found)


def test_the_longest_password_of_common_pieces_is_judged():
    assert faults("passpassword" * 21 + "x#") == []
    assert faults("passpassword" * 21) != []
