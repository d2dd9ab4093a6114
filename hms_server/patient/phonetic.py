"""How a name sounds, for finding records that may be the same person.

Made for names of India in Latin spelling, where metaphone and soundex part what belongs together:
Lakshmi and Laxmi, Sunita and Suneetha, Vijay and Wijay. Vowels go but for the first, aspiration goes,
voiced and voiceless stops are one (Tamil does not write the difference), doubled letters are one.
"""

from __future__ import annotations

import functools
import re

_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("^(?:kn|gn|pn)", "n"),
        ("^wr", "r"),
        ("^x", "s"),
        ("x", "ks"),
        ("ck|q", "k"),
        ("sch|sh|chh|ch|ts|z", "s"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("ph|f", "p"),
        ("w", "v"),
        ("ks", "s"),
        ("(?<=[bdgjklprtv])h", ""),
        ("y(?=[^aeiou]|$)", "i"),
        ("b", "p"),
        ("d", "t"),
        ("g", "k"),
        ("m(?=[ptkn])", "n"),
        (r"(.)\1+", r"\1"),
        ("(?<!^)[aeiouy]", ""),
        ("^[aeiouy]", "a"),
    )
)


@functools.lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """A key that words of like sound share. `word` is of a-z and 0-9 (normalise.words)."""
    for pattern, replacement in _RULES:
        word = pattern.sub(replacement, word)
    return word
