"""Latin spelling of the scripts of India, as names are usually written in Latin letters.

General transliteration leaves out the vowel that every consonant of these scripts carries, so that
शर्मा became "srma" and no search for "sharma" met it. The nine blocks of Unicode from Devanagari to
Malayalam follow one layout (that of ISCII), so one table of offsets serves them all.
"""

from __future__ import annotations

import re

_BLOCK = 0x80
_BENGALI, _GURMUKHI, _TAMIL, _MALAYALAM = 0x0980, 0x0A00, 0x0B80, 0x0D00
# Tamil, Telugu, Kannada and Malayalam say every inherent vowel; the others drop some.
_SAYS_EVERY_VOWEL = frozenset({_TAMIL, 0x0C00, 0x0C80, _MALAYALAM})

# From offset 0x05: the vowels as letters; from 0x15: the consonants; from 0x3E: the vowels as signs.
# fmt: off
_VOWELS = dict(enumerate((
    "a", "a", "i", "i", "u", "u", "ri", "li", "e", "e", "e", "ai", "o", "o", "o", "au",
), 0x05))
_CONSONANTS = dict(enumerate((
    "k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n",
    "t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n", "n",
    "p", "ph", "b", "bh", "m", "y", "r", "r", "l", "l", "zh", "v", "sh", "sh", "s", "h",
), 0x15))
_SIGNS = dict(enumerate((
    "a", "i", "i", "u", "u", "ri", "ri", "e", "e", "e", "ai", "o", "o", "o", "au",
), 0x3E))
# fmt: on
_VOWELS |= {0x60: "ri", 0x61: "li"}
_CONSONANTS |= {0x5F: "y"}
_SIGNS |= {0x56: "i", 0x57: "u", 0x62: "li", 0x63: "li"}
_ANUSVARA, _NUKTA, _VIRAMA = (0x01, 0x02), 0x3C, 0x4D
_NUKTA_FORMS = {"k": "q", "j": "z", "d": "r", "dh": "rh", "ph": "f"}
_LABIALS, _H = range(0x2A, 0x2F), 0x39
# Letters that one script has for itself: a consonant without vowel, or nothing to be heard.
_OWN = {
    _BENGALI + 0x4E: "t",
    _GURMUKHI + 0x70: "n",
    _GURMUKHI + 0x71: "",
    **{_MALAYALAM + 0x7A + i: c for i, c in enumerate("nnrllk")},
}
# Tamil writes one letter for both: soft between vowels and after a nasal, hard elsewhere and doubled.
_TAMIL_SOFT = {"k": "g", "ch": "s", "t": "d", "p": "b"}

_CONSONANT, _INHERENT, _VOWEL = range(3)
_RUN = re.compile("[\u0900-\u0d7f\u200c\u200d]+")
_Sound = tuple[int, str]


def transliterate(text: str) -> str:
    """`text` with every word of an Indian script in Latin letters; all else stays."""
    return _RUN.sub(lambda run: _word(run[0].replace("\u200c", "").replace("\u200d", "")), text)


def _word(word: str) -> str:
    if not word:
        return ""
    block = ord(word[-1]) // _BLOCK * _BLOCK
    sounds = _tamil(_sounds(word)) if block == _TAMIL else _sounds(word)
    if block not in _SAYS_EVERY_VOWEL:
        _drop_vowels(sounds)
    return "".join(latin for _, latin in sounds)


def _sounds(word: str) -> list[_Sound]:
    """Letters one by one; each consonant is followed by its inherent vowel unless a sign replaces it."""
    sounds: list[_Sound] = []
    for position, letter in enumerate(word):
        offset = ord(letter) % _BLOCK
        if ord(letter) in _OWN:
            sounds.append((_CONSONANT, _OWN[ord(letter)]))
        elif offset in _CONSONANTS:
            sounds += [(_CONSONANT, _CONSONANTS[offset]), (_INHERENT, "a")]
        elif offset in _SIGNS or offset == _VIRAMA:
            if sounds and sounds[-1][0] == _INHERENT:
                sounds.pop()
            if offset != _VIRAMA:
                sounds.append((_VOWEL, _SIGNS[offset]))
        elif offset in _VOWELS:
            sounds.append((_VOWEL, _VOWELS[offset]))
        elif offset in _ANUSVARA:
            sounds.append((_CONSONANT, _nasal(word[position + 1 : position + 2])))
        elif offset == _NUKTA and len(sounds) > 1:
            latin = sounds[-2][1]
            sounds[-2] = (_CONSONANT, _NUKTA_FORMS.get(latin, latin))
        elif 0x66 <= offset <= 0x6F:
            sounds.append((_CONSONANT, str(offset - 0x66)))
    return sounds


def _nasal(following: str) -> str:
    offset = ord(following) % _BLOCK if following else 0
    return "m" if offset in _LABIALS else "ng" if offset == _H else "n"


def _tamil(sounds: list[_Sound]) -> list[_Sound]:
    softened = list(sounds)
    for i, (kind, latin) in enumerate(sounds):
        if kind != _CONSONANT:
            continue
        before = sounds[i - 1] if i else None
        doubled = (i + 1 < len(sounds) and sounds[i + 1] == sounds[i]) or before == sounds[i]
        if before is None and latin == "ch":
            softened[i] = (kind, "s")
        elif doubled or before is None:
            continue
        elif before[1] in ("n", "m") or (before[0] != _CONSONANT and _is_vowel(sounds[i + 1 : i + 2])):
            softened[i] = (kind, _TAMIL_SOFT.get(latin, latin))
    return softened


def _is_vowel(following: list[_Sound]) -> bool:
    return bool(following) and following[0][0] != _CONSONANT


def _drop_vowels(sounds: list[_Sound]) -> None:
    """Takes out inherent vowels that are not said: राम ram, राजकुमार rajkumar, but नरेन्द्र narendra."""
    if len(sounds) > 2 and sounds[-1][0] == _INHERENT and not _needs_final_vowel(sounds):
        sounds.pop()
    dropped = len(sounds)
    for i in range(len(sounds) - 3, 1, -1):
        # vowel, consonant, THIS, consonants, vowel; never in two syllables that follow each other
        if (
            dropped != i + 2
            and sounds[i][0] == _INHERENT
            and sounds[i - 2][0] != _CONSONANT
            and sounds[i + 1][0] == _CONSONANT
            and any(kind != _CONSONANT for kind, _ in sounds[i + 2 : i + 4])
        ):
            del sounds[i]
            dropped = i


def _needs_final_vowel(sounds: list[_Sound]) -> bool:
    """Whether two consonants before the end could not be said without it (not so: nd, tt, ngh)."""
    (kind, first), (_, second) = sounds[-3], sounds[-2]
    if kind != _CONSONANT or first == second:
        return False
    return first not in ("n", "m", "ng") or second in ("y", "r", "l", "v", "n", "m")
