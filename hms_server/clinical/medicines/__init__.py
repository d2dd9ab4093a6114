"""What the server knows of medicines: ingredients, their other names, classes, cross-reactions, interactions.

The knowledge stands in medicines.json and interactions.json, each rule with its source. It is small on
purpose
(well documented, severe or common) and read once, when it is first asked for.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from hms_server.patient import normalise

_LOADING = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Two terms (ingredients, classes or words) that do not go together, and what of it."""

    first: str
    second: str
    severity: str
    effect: str
    management: str
    source: str

    @property
    def key(self) -> str:
        """Names the rule; the same whichever term stands first."""
        return "+".join(sorted((self.first, self.second)))


@dataclasses.dataclass(frozen=True, slots=True)
class CrossReaction:
    """Who is allergic to `allergy` may react to `medicine`."""

    allergy: str
    medicine: str
    severity: str
    text: str
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class MedicineClass:
    """Ingredients that are alike in some respect."""

    name: str
    members: frozenset[str]
    duplicate: str  # severity of two members at once; empty where that means nothing
    cross_reacts: bool  # an allergy to one member is taken for one to all
    source: str


@dataclasses.dataclass(frozen=True)
class Lexicon:
    """Everything, ready to be looked into."""

    classes: Mapping[str, MedicineClass]
    classes_of: Mapping[str, frozenset[str]]
    cross_reactions: tuple[CrossReaction, ...]
    rules: tuple[Rule, ...]
    phrases: Mapping[tuple[str, ...], tuple[str, ...]]  # words of a medicine: its ingredients
    class_phrases: Mapping[tuple[str, ...], str]

    def ingredients(self, texts: Iterable[str]) -> frozenset[str]:
        """The ingredients that texts name, by whole words; the longest names first."""
        return frozenset(name for text in texts for names in _found(self.phrases, text) for name in names)

    def named_classes(self, texts: Iterable[str]) -> frozenset[str]:
        """The classes that texts name ("Allergy to penicillin"), by whole words."""
        return frozenset(name for text in texts for name in _found(self.class_phrases, text))

    def term(self, text: str) -> str:
        """The ingredient or class that a rule's term means; the term's words where it is neither."""
        text = text.strip().lower()
        if text in self.classes or text in self.classes_of:
            return text
        words = tuple(normalise.words(text))
        ingredients = self.phrases.get(words, ())
        if len(ingredients) == 1:
            return ingredients[0]
        return self.class_phrases.get(words) or " ".join(words)


def _found(phrases: Mapping[tuple[str, ...], Any], text: str) -> list[Any]:
    words = normalise.words(text)
    longest = max(map(len, phrases))
    found, i = [], 0
    while i < len(words):
        for length in range(min(longest, len(words) - i), 0, -1):
            value = phrases.get(tuple(words[i : i + length]))
            if value is not None:
                found.append(value)
                i += length - 1
                break
        i += 1
    return found


def lexicon() -> Lexicon:
    """The built-in knowledge."""
    with _LOADING:
        return _load()


@functools.cache
def _load() -> Lexicon:
    data = _json("medicines.json")
    classes = {
        key: MedicineClass(
            each["name"],
            frozenset(each["members"]),
            each.get("duplicate", ""),
            each.get("allergy", False),
            each.get("source", ""),
        )
        for key, each in data["classes"].items()
    }
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name, synonyms in data["ingredients"].items():
        for phrase in (name, *synonyms):
            phrases[tuple(normalise.words(phrase))] = (name,)
    for phrase, names in data["products"].items():
        phrases[tuple(normalise.words(phrase))] = tuple(names)
    class_phrases = {
        tuple(normalise.words(phrase)): key
        for key, each in data["classes"].items()
        for phrase in (each["name"], key, *each.get("synonyms", ()))
    }
    return Lexicon(
        classes=classes,
        classes_of={
            name: frozenset(key for key, each in classes.items() if name in each.members)
            for name in data["ingredients"]
        },
        cross_reactions=tuple(CrossReaction(**each) for each in data["cross_reactions"]),
        rules=tuple(Rule(**each) for each in _json("interactions.json")),
        phrases=phrases,
        class_phrases=class_phrases,
    )


def _json(file: str) -> Any:
    return orjson.loads(importlib.resources.files(__package__).joinpath(file).read_bytes())
