"""Which warnings a prescription meets: allergies, duplicate therapy, interactions. Pure: no I/O.

A medicine is its ingredients, found by whole words of text, displays and codes (medicines/). One that holds
none
that is known is compared by its code and its own words. What is unknown is not warned of: the lists are a
net,
not a promise.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hms.clinical.v1 import prescription_warning_pb2 as pb
from hms_server.clinical.medicines import Lexicon, Rule
from hms_server.patient import normalise

SEVERITIES = ("CONTRAINDICATED", "SEVERE", "MODERATE", "MINOR")
STOPPING = frozenset(SEVERITIES[:2])
_RANK = {severity: i for i, severity in enumerate(SEVERITIES)}
# So many words of an unknown medicine name it.
_NAME_WORDS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Substance:
    """One ingredient of a medicine: its name, and the terms of rules that it answers to."""

    name: str
    terms: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Medicine:
    """What somebody takes."""

    label: str  # as people read it
    substances: tuple[Substance, ...]
    codings: frozenset[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Allergen:
    """What a patient is allergic to."""

    record_id: str
    label: str
    severity: str  # of a warning for what holds it
    ingredients: frozenset[str]
    named: frozenset[str]  # classes that it names
    codings: frozenset[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """A medicine of another prescription of the patient."""

    record_id: str
    medicine: Medicine


class Formulary:
    """The built-in knowledge, as a hospital's own rules change it."""

    def __init__(self, lexicon: Lexicon, own: Iterable[Any] = ()) -> None:
        """`own`: active rules of the hospital with builtin_key, first, second, severity, effect, ..."""
        self.lexicon = lexicon
        rules = {rule.key: rule for rule in lexicon.rules}
        for each in own:
            builtin = rules.get(each["builtin_key"]) if each.get("builtin_key") else None
            if each.get("builtin_key"):
                if builtin is not None and each["severity"] == "NONE":
                    del rules[builtin.key]
                elif builtin is not None:
                    rules[builtin.key] = dataclasses.replace(builtin, severity=each["severity"])
                continue
            texts = (each.get("effect", ""), each.get("management", ""), each.get("source", ""))
            rule = Rule(each["first"], each["second"], each["severity"], *texts)
            rules[rule.key] = rule
        self._rules: dict[frozenset[str], Rule] = {
            frozenset((rule.first, rule.second)): rule for rule in rules.values()
        }
        known = {*lexicon.classes, *lexicon.classes_of}
        self._phrases = {term: f" {term} " for pair in self._rules for term in pair if term not in known}

    def medicine(self, concept: Any, displays: Mapping[tuple[str, str], str] | None = None) -> Medicine:
        """A medicine of its CodeableConcept. `displays`: what the hospital's lists call codes."""
        codings = frozenset((coding.system, coding.code) for coding in concept.codings)
        texts = [concept.text, *(coding.display for coding in concept.codings)]
        texts += [(displays or {}).get(coding, "") for coding in codings]
        texts += [code for _, code in codings if not code.isdigit()]
        texts = [text for text in texts if text]
        words = [f" {' '.join(normalise.words(text))} " for text in texts]
        own = frozenset(
            term for term, phrase in self._phrases.items() if any(phrase in text for text in words)
        )
        names = sorted(self.lexicon.ingredients(texts))
        substances = [
            Substance(name, frozenset({name}) | self.lexicon.classes_of[name] | own) for name in names
        ]
        if not substances:
            first = normalise.words(texts[0])[:_NAME_WORDS] if texts else []
            name = " ".join(first) or "unnamed medicine"
            substances = [Substance(name, own)]
        return Medicine(texts[0] if texts else names[0] if names else "", tuple(substances), codings)

    def allergen(self, record_id: str, allergy: Any) -> Allergen:
        """An allergy of its record."""
        concepts = [allergy.code, *(reaction.substance for reaction in allergy.reactions)]
        texts = [c.text for c in concepts] + [coding.display for c in concepts for coding in c.codings]
        texts = [text for text in texts if text]
        worst = allergy.criticality == "high" or any(r.severity == "severe" for r in allergy.reactions)
        mild = allergy.type == "intolerance" and not worst
        return Allergen(
            record_id=record_id,
            label=texts[0] if texts else "a coded substance",
            severity="CONTRAINDICATED" if worst else "MODERATE" if mild else "SEVERE",
            ingredients=self.lexicon.ingredients(texts),
            named=self.lexicon.named_classes(texts),
            codings=frozenset((coding.system, coding.code) for c in concepts for coding in c.codings),
        )

    def warnings(
        self, items: Sequence[Medicine], allergens: Iterable[Allergen], taken: Iterable[Taken]
    ) -> list[pb.PrescriptionWarning]:
        """Everything to be thought of, the most severe first."""
        found = _Collector()
        others = list(taken)
        for i, item in enumerate(items):
            for allergen in allergens:
                self._of_allergy(found, i, item, allergen)
        for (i, a), (j, b) in itertools.combinations(enumerate(items), 2):
            self._of_pair(found, (i, j), a, b, "")
        for i, item in enumerate(items):
            for other in others:
                self._of_pair(found, (i,), item, other.medicine, other.record_id)
        return found.warnings()

    def _of_allergy(self, found: _Collector, place: int, item: Medicine, allergen: Allergen) -> None:
        lexicon = self.lexicon
        reacting = allergen.named | {
            key
            for name in allergen.ingredients
            for key in lexicon.classes_of[name]
            if lexicon.classes[key].cross_reacts
        }

        def add(substance: Substance, term: str, severity: str, why: str, source: str) -> None:
            text = f"{item.label} holds {substance.name}: {why} (allergy on record: {allergen.label})."
            key = f"ALLERGY:{substance.name}:{term}"
            found.add("ALLERGY", key, severity, text, "", source, (place,), allergen.record_id)

        for substance in item.substances:
            if substance.name in allergen.ingredients:
                add(substance, substance.name, allergen.severity, "the patient is allergic to it", "")
                continue
            if classes := sorted(reacting & substance.terms):
                of = lexicon.classes[classes[0]]
                why = f"the patient is allergic to {of.name}, which it belongs to"
                add(substance, classes[0], allergen.severity, why, of.source)
                continue
            for cross in lexicon.cross_reactions:
                if cross.allergy in reacting | allergen.ingredients and cross.medicine in substance.terms:
                    add(substance, cross.allergy, cross.severity, cross.text, cross.source)
            if item.codings & allergen.codings:
                add(substance, "code", allergen.severity, "the patient is allergic to this code", "")

    def _of_pair(
        self, found: _Collector, places: tuple[int, ...], a: Medicine, b: Medicine, record_id: str
    ) -> None:
        where = "in another active prescription" if record_id else "in this prescription, too"
        same_code = bool(a.codings & b.codings)
        for one, other in itertools.product(a.substances, b.substances):
            if one.name == other.name or (same_code and one == a.substances[0] and other == b.substances[0]):
                severity = self._duplicate(one.terms) or "MODERATE"
                text = f"{one.name} ({a.label}) is {where} ({b.label})."
                found.add("DUPLICATE", f"DUPLICATE:{one.name}", severity, text, "", "", places, record_id)
                continue
            self._of_interaction(found, places, one, other, f"{a.label} and {b.label}", record_id)
            shared = [key for key in sorted(one.terms & other.terms) if key in self.lexicon.classes]
            for key in shared:
                of = self.lexicon.classes[key]
                if of.duplicate:
                    both = f"{one.name} ({a.label}) and {other.name} ({b.label})"
                    text = f"{both} are both {of.name}; one is {where}."
                    found.add("DUPLICATE", f"DUPLICATE:{key}", of.duplicate, text, "", "", places, record_id)

    def _of_interaction(
        self,
        found: _Collector,
        places: tuple[int, ...],
        one: Substance,
        other: Substance,
        labels: str,
        record_id: str,
    ) -> None:
        matching = [
            rule
            for pair in {frozenset(pair) for pair in itertools.product(one.terms, other.terms)}
            if (rule := self._rules.get(pair)) is not None
        ]
        for rule in sorted(matching, key=lambda rule: (_RANK[rule.severity], rule.key))[:1]:
            names = sorted((one.name, other.name))
            text = f"{names[0]} and {names[1]} interact ({labels}): {rule.effect or 'see the rule'}."
            key = f"INTERACTION:{'+'.join(names)}"
            found.add(
                "INTERACTION", key, rule.severity, text, rule.management, rule.source, places, record_id
            )

    def _duplicate(self, terms: Iterable[str]) -> str:
        """The gravest severity of two medicines of one of these classes."""
        graded = [c.duplicate for t in terms if (c := self.lexicon.classes.get(t)) and c.duplicate]
        return min(graded, key=_RANK.__getitem__, default="")


class _Collector:
    """Warnings by key: what says the same is said once, as gravely as the gravest."""

    def __init__(self) -> None:
        self._found: dict[str, pb.PrescriptionWarning] = {}

    def add(
        self,
        type_: str,
        key: str,
        severity: str,
        text: str,
        management: str,
        source: str,
        places: Iterable[int],
        record_id: str,
    ) -> None:
        """Adds a warning, or to one."""
        key = key[:512]
        warning = self._found.get(key)
        if warning is None or _RANK[severity] < _RANK[warning.severity]:
            made = pb.PrescriptionWarning(
                key=key,
                type=type_,
                severity=severity,
                text=text[:4096],
                management=management,
                source=source,
            )
            if warning is not None:
                made.items.extend(warning.items)
                made.conflicting_record_ids.extend(warning.conflicting_record_ids)
            self._found[key] = warning = made
        warning.items[:] = sorted({*warning.items, *places})
        if record_id and record_id not in warning.conflicting_record_ids:
            warning.conflicting_record_ids.append(record_id)

    def warnings(self) -> list[pb.PrescriptionWarning]:
        """The most severe first."""
        return sorted(self._found.values(), key=lambda w: (_RANK[w.severity], w.key))
