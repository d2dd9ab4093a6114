"""Turns what people write into what is compared: lower-case ASCII words, digits of phones.

One file for what is stored and what is searched for: the two must never part. A change here needs
`search_text` and `patient_key` to be made anew from the documents.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

from hms_server.patient import indic

_WORD = re.compile(r"[a-z0-9]+")
# Apostrophes are no border: O'Brien is one word, and so is D’Souza.
_INSIDE_WORD = re.compile(r"(?<=\w)['’ʼ`´‘](?=\w)")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[\s().\-/]+(?=[0-9])")
_EXTENSION = re.compile(r"(?:ext|extn|x|#)[.:= ]*[0-9]+\s*$", re.IGNORECASE)
_NOT_DIGIT = re.compile(r"[^0-9]+")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]+")

# A phone number without its country code: all that can be compared when one is written with and
# the other without.
_PHONE_DIGITS = 10
_MAX_TOKENS = 8


def latin(text: str) -> str:
    """`text` in lower-case ASCII."""
    text = _INSIDE_WORD.sub("", unicodedata.normalize("NFKC", text))
    if not text.isascii():
        text = anyascii(indic.transliterate(text))
    return text.lower()


def words(text: str) -> list[str]:
    """The words of `text`: runs of a-z and 0-9 after transliteration."""
    return _WORD.findall(latin(text))


def all_phone_digits(text: str) -> str:
    """The digits of a phone number, in whatever script they stand, without an extension."""
    return _NOT_DIGIT.sub("", _EXTENSION.sub("", latin(text)))


def phone_digits(text: str) -> str:
    """The last ten digits of a phone number; fewer where it has fewer."""
    return all_phone_digits(text)[-_PHONE_DIGITS:]


def uhid(text: str) -> str:
    """A UHID as it is stored, however it was typed: "h 0000-0174" is H00000174."""
    return _NOT_ALPHANUMERIC.sub("", latin(text)).upper()


def query_tokens(text: str) -> list[str]:
    """What to search for: distinct words, eight at most, digits of one number joined."""
    joined = _BETWEEN_DIGITS.sub("", latin(text))
    tokens = [
        # Of a number with a country code the last ten digits are what is stored.
        word[-_PHONE_DIGITS:] if word.isdigit() and len(word) > _PHONE_DIGITS else word
        for word in _WORD.findall(joined)
    ]
    return list(dict.fromkeys(tokens))[:_MAX_TOKENS]
