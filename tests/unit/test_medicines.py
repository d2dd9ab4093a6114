"""What is known of medicines is whole: every rule has its source; names are found in texts."""

from __future__ import annotations

import itertools

import pytest

from hms.clinical.v1 import allergy_pb2
from hms.common.v1 import datatypes_pb2
from hms_server.clinical.medicines import lexicon
from hms_server.clinical.prescribing import SEVERITIES, Formulary, Taken

KNOWN = lexicon()
TERMS = {*KNOWN.classes, *KNOWN.classes_of}
RULES = {rule.key: rule for rule in KNOWN.rules}


def concept(text, code="", system="http://www.nlm.nih.gov/research/umls/rxnorm"):
    coded = [datatypes_pb2.Coding(system=system, code=code, display=text)] if code else []
    return datatypes_pb2.CodeableConcept(codings=coded, text="" if code else text)


def medicine(text, **fields):
    return Formulary(KNOWN).medicine(concept(text, **fields))


def warned(items, *, allergies=(), others=(), own=()):
    """(key, severity) of each warning."""
    formulary = Formulary(KNOWN, own)
    found = formulary.warnings(
        [formulary.medicine(concept(text)) for text in items],
        [formulary.allergen("a", allergy) for allergy in allergies],
        [Taken(f"r{i}", formulary.medicine(concept(text))) for i, text in enumerate(others)],
    )
    return [(w.key, w.severity) for w in found]


def allergy(text, **fields):
    return allergy_pb2.Allergy(code=concept(text), **fields)


@pytest.mark.parametrize("key", sorted(RULES))
def test_every_interaction_has_a_source_and_names_what_is_known(key):
    rule = RULES[key]
    assert {rule.first, rule.second} <= TERMS
    assert rule.severity in SEVERITIES
    assert len(rule.source) > 10
    assert rule.effect
    assert rule.management


def test_no_pair_has_two_interactions_and_there_are_enough():
    assert len(RULES) == len(KNOWN.rules) >= 60


def test_every_class_has_members_that_are_known_and_cross_reactions_a_source():
    for key, each in KNOWN.classes.items():
        assert set() < each.members <= set(KNOWN.classes_of), key
        assert each.duplicate in ("", *SEVERITIES), key
        assert not each.cross_reacts or len(each.source) > 10, key
    for cross in KNOWN.cross_reactions:
        assert {cross.allergy, cross.medicine} <= TERMS
        assert cross.severity in SEVERITIES
        assert cross.text
        assert len(cross.source) > 10


def test_no_name_is_both_an_ingredient_and_a_class():
    assert not set(KNOWN.classes) & set(KNOWN.classes_of)


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Acetaminophen 325 MG Oral Tablet", {"paracetamol"}),
        ("Acetaminophen 300 MG / HYDROcodone Bitartrate 5 MG Oral Tablet", {"paracetamol", "hydrocodone"}),
        ("amoxicillin 500 MG / clavulanate 125 MG Oral Tablet", {"amoxicillin", "clavulanic acid"}),
        ("Augmentin 625", {"amoxicillin", "clavulanic acid"}),
        ("Co-trimoxazole 960", {"sulfamethoxazole", "trimethoprim"}),
        ("Penicillin V Potassium 500 MG Oral Tablet", {"phenoxymethylpenicillin"}),
        ("Atorvastatin Calcium 20 MG", {"atorvastatin"}),
        ("Losartan Potassium 50 MG", {"losartan"}),
        ("24 HR Metoprolol Succinate 100 MG Extended Release Oral Tablet", {"metoprolol"}),
        ("NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector", {"epinephrine"}),
        ("Ethinyl Estradiol 0.03 MG", {"ethinylestradiol"}),
        ("Warfarinol", set()),
        ("", set()),
    ],
)
def test_ingredients_are_found_by_whole_words(text, ingredients):
    assert KNOWN.ingredients([text]) == ingredients


@pytest.mark.parametrize(("a", "b"), [("Warfarin 5 MG", "Ibuprofen 400 MG"), ("brufen", "coumadin")])
def test_an_interaction_of_classes_is_found_whichever_stands_first(a, b):
    expected = [("INTERACTION:ibuprofen+warfarin", "SEVERE")]
    assert warned([a, b]) == expected
    assert warned([b, a]) == expected
    assert warned([a], others=[b]) == expected


def test_every_built_in_rule_warns_of_a_medicine_of_each_side():
    def example(term):
        return sorted(KNOWN.classes[term].members) if term in KNOWN.classes else [term]

    for rule in KNOWN.rules:
        pairs = itertools.product(example(rule.first), example(rule.second))
        one, other = next(pair for pair in pairs if pair[0] != pair[1])
        found = dict(warned([one, other]))
        key = f"INTERACTION:{'+'.join(sorted((one, other)))}"
        assert key in found, rule.key
        assert SEVERITIES.index(found[key]) <= SEVERITIES.index(rule.severity), rule.key


@pytest.mark.parametrize(
    ("record", "text", "expected"),
    [
        (allergy("Penicillin"), "Amoxicillin 500 MG", ("ALLERGY:amoxicillin:penicillins", "SEVERE")),
        (
            allergy("Allergy to penicillin", criticality="high"),
            "Amoxicillin 500 MG",
            ("ALLERGY:amoxicillin:penicillins", "CONTRAINDICATED"),
        ),
        (allergy("Amoxicillin"), "Ampicillin", ("ALLERGY:ampicillin:penicillins", "SEVERE")),
        (allergy("penicillins"), "cephalexin 500", ("ALLERGY:cefalexin:penicillins", "MODERATE")),
        (allergy("Sulfa drugs"), "Bactrim", ("ALLERGY:sulfamethoxazole:sulfonamides", "SEVERE")),
        (allergy("Sulfonamide"), "celecoxib", ("ALLERGY:celecoxib:sulfonamides", "SEVERE")),
        (allergy("aspirin"), "Ibuprofen", ("ALLERGY:ibuprofen:salicylates", "SEVERE")),
        (allergy("NSAIDs"), "diclofenac", ("ALLERGY:diclofenac:nsaids", "SEVERE")),
        (allergy("codeine"), "morphine", ("ALLERGY:morphine:phenanthrene_opioids", "SEVERE")),
        (allergy("paracetamol"), "Tylenol", ("ALLERGY:paracetamol:paracetamol", "SEVERE")),
        (
            allergy("paracetamol", type="intolerance"),
            "Tylenol",
            ("ALLERGY:paracetamol:paracetamol", "MODERATE"),
        ),
    ],
)
def test_an_allergy_stops_what_holds_it_or_is_like_it(record, text, expected):
    assert warned([text], allergies=[record]) == [expected]


def test_an_allergy_to_what_is_not_like_it_says_nothing():
    assert warned(["Amoxicillin"], allergies=[allergy("Peanut"), allergy("aspirin")]) == []


def test_a_severe_reaction_counts_as_much_as_a_high_criticality():
    severe = allergy("ibuprofen", reactions=[allergy_pb2.AllergyReaction(severity="severe")])
    assert warned(["ibuprofen"], allergies=[severe]) == [("ALLERGY:ibuprofen:ibuprofen", "CONTRAINDICATED")]


def test_an_unknown_medicine_is_compared_by_its_code():
    formulary = Formulary(KNOWN)
    item = formulary.medicine(concept("Xyzamab", code="1"))
    allergen = formulary.allergen("a", allergy_pb2.Allergy(code=concept("the drug", code="1")))
    (found,) = formulary.warnings([item], [allergen], [])
    assert (found.key, list(found.conflicting_record_ids)) == ("ALLERGY:xyzamab:code", ["a"])


@pytest.mark.parametrize(
    ("items", "others", "expected"),
    [
        (["Amlodipine 5"], ["Amlodipine 10"], [("DUPLICATE:amlodipine", "MODERATE")]),
        (["Amlodipine 5", "Amlodipine 10"], [], [("DUPLICATE:amlodipine", "MODERATE")]),
        (["ibuprofen"], ["naproxen"], [("DUPLICATE:nsaids", "SEVERE")]),
        (["warfarin"], ["coumadin"], [("DUPLICATE:warfarin", "SEVERE")]),
        (["Foozine 5"], ["Foozine 5"], [("DUPLICATE:foozine 5", "MODERATE")]),
        (["Vicodin"], ["Calpol"], [("DUPLICATE:paracetamol", "MODERATE")]),
        (["metformin"], ["amlodipine"], []),
    ],
)
def test_what_is_taken_already_is_told(items, others, expected):
    assert warned(items, others=others) == expected


def test_a_warning_names_its_items_and_records_once():
    formulary = Formulary(KNOWN)
    made = formulary.medicine(concept("ibuprofen"))
    warfarin = formulary.medicine(concept("warfarin"))
    taken = [Taken("r1", warfarin), Taken("r1", warfarin), Taken("r2", warfarin)]
    (found,) = formulary.warnings([medicine("metformin"), made], [], taken)
    assert list(found.items) == [1]
    assert list(found.conflicting_record_ids) == ["r1", "r2"]
    assert "ibuprofen" in found.text
    assert "warfarin" in found.text
    assert found.source
    assert found.management


def rule(**fields):
    return {"builtin_key": "", "first": "", "second": "", "severity": "SEVERE", **fields}


def test_a_hospitals_rule_finds_words_that_nobody_else_knows():
    own = [rule(first="ashwagandha", second="levothyroxine", effect="x")]
    assert warned(["Himalaya Ashwagandha cap", "Synthroid"], own=own) == [
        ("INTERACTION:himalaya ashwagandha cap+levothyroxine", "SEVERE")
    ]
    assert warned(["Himalaya Ashwagandha cap", "Synthroid"]) == []


def test_a_hospital_switches_a_built_in_rule_off_or_grades_it_anew():
    key = "nsaids+vitamin_k_antagonists"
    items = ["ibuprofen", "warfarin"]
    assert warned(items, own=[rule(builtin_key=key, severity="NONE")]) == []
    assert warned(items, own=[rule(builtin_key=key, severity="MINOR")]) == [
        ("INTERACTION:ibuprofen+warfarin", "MINOR")
    ]


def test_a_hospital_changes_a_built_in_rule_that_a_release_took_away_without_harm():
    assert warned(["ibuprofen"], own=[rule(builtin_key="gone+away", severity="SEVERE")]) == []
