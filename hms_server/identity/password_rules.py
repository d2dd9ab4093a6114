"""What a password may not be: too short, a name, or what everybody tries first. Pure.

A short list of our own stands in for a dictionary of millions: with twelve characters and more, what people
choose that is easy to guess is made of these words, of repetitions and of runs along the keyboard.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LEAST_CHARACTERS = 12
# The last passwords that a new one must differ from, the present one among them.
HISTORY = 5

# A shorter name would be found in too many passwords.
_LEAST_NAME = 4
_LEAST_DIFFERENT = 5
_WORDS = """
a access account admin administrator an and apollo april august baseball basketball batman bharat
change changeit changeme changethis charlie chocolate clinic cloud computer cricket december default
demo doctor dragon family february flower football forever friday friend ganesh george google guest
health hello hospital hunter i iloveyou india internet is it january jesus jordan july june krishna
letmein liverpool login love lovely march master matrix me medical michael mobile monday monkey
mother mustang my naruto new no november nurse october of office on pass passme passwd password
passwort patient please pokemon princess qwerty qwertz research root saturday secret security
september server shadow soccer starwars success summer sunday sunshine super superman sweet system
temp temporary test tester testing the this thisis thursday to trustno tuesday user wednesday
welcome whatever winter word work you your
"""
_COMMON = frozenset(_WORDS.split())
_LONGEST_COMMON = max(map(len, _COMMON))
_LOOKALIKES = str.maketrans("01345789@$!|", "oleastbgasil")
_RUNS = (
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "qwertzuiopasdfghjklyxcvbnm" * 2,
    "1234567890" * 26,
    "abcdefghijklmnopqrstuvwxyz" * 10,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p" * 2,
    "1q2w3e4r5t6y7u8i9o0p" * 2,
)


def faults(password: str, *, least: int = LEAST_CHARACTERS, names: Iterable[str] = ()) -> list[str]:
    """What is wrong with a password, each as words that follow "password"; none of them quotes it.

    `names`: the user's and the hospital's.
    """
    found = []
    if len(unicodedata.normalize("NFC", password)) < least:
        found.append(f"needs at least {least} characters")
    plain = _squeezed(password)
    if any(len(name) >= _LEAST_NAME and name in plain for name in map(_squeezed, names)):
        found.append("must not hold the name of the user or of the hospital")
    if _is_common(password, plain):
        found.append("is one that is tried first: choose something less common")
    return found


def _squeezed(text: str) -> str:
    """Letters, their marks and digits alone, without regard to case."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")


def _is_common(password: str, plain: str) -> bool:
    if len(set(password.casefold())) < _LEAST_DIFFERENT or _is_repetition(plain):
        return True
    if _is_run(plain):
        return True
    folded = password.casefold()
    start = next((i for i, c in enumerate(folded) if c.isalpha()), len(folded))
    end = next((i for i in range(len(folded), 0, -1) if folded[i - 1].isalpha()), 0)
    core = folded[start:end]
    forms = (_letters(core), _letters(core.translate(_LOOKALIKES)))
    return any(_is_made_of_common_words(form) or _is_run(form) for form in forms)


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalpha())


def _is_run(text: str) -> bool:
    """Whether the text is a run along the keyboard, the alphabet or the digits, either way."""
    return len(text) > 5 and any(text in run or text[::-1] in run for run in _RUNS)


def _is_repetition(text: str) -> bool:
    """Whether the text is one short piece, twice and more often."""
    return any(
        len(text) >= 2 * size and text == (text[:size] * (len(text) // size + 1))[: len(text)]
        for size in range(1, 7)
    )


def _is_made_of_common_words(text: str) -> bool:
    """Whether nothing but common words stands in the text. In linear time, whatever the text."""
    if not text:
        return True
    reachable = {0}
    for end in range(1, len(text) + 1):
        if any(
            start in reachable and text[start:end] in _COMMON
            for start in range(max(0, end - _LONGEST_COMMON), end)
        ):
            reachable.add(end)
    return len(text) in reachable
