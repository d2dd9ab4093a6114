"""Codes of conditions: ICD-10 by its lists, SNOMED CT by its check digit, the hospital's own lists."""

from __future__ import annotations

import random

import pytest

from hms.common.v1 import datatypes_pb2
from hms_server import errors, ids
from hms_server.clinical import bulk, icd10, terminology
from hms_server.clinical.kinds import KINDS
from hms_server.clinical.terminology import SNOMED, Listed


def concept(system, code, display=""):
    return datatypes_pb2.CodeableConcept(
        codings=[datatypes_pb2.Coding(system=system, code=code, display=display)]
    )


def refused(system, code, listed=None):
    with pytest.raises(errors.InvalidArgument) as caught:
        terminology.check(concept(system, code), "condition.code", listed or {})
    (violation,) = caught.value.violations
    assert violation.field == "condition.code.codings[0].code"
    return violation.description


@pytest.mark.parametrize(
    ("system", "code", "display"),
    [
        (icd10.WHO, "I10", "Essential (primary) hypertension"),
        (icd10.WHO, "I64", "Stroke, not specified as haemorrhage or infarction"),
        (icd10.CM, "E11.9", "Type 2 diabetes mellitus without complications"),
        (icd10.CM, "S72.001A", "Fracture of unspecified part of neck of right femur"),
    ],
)
def test_a_code_of_icd_10_is_taken_and_its_display_filled(system, code, display):
    made = concept(system, code)
    terminology.check(made, "condition.code", {})
    assert made.codings[0].display == display


def test_a_display_that_was_given_stays():
    made = concept(icd10.WHO, "I10", "Bluthochdruck")
    terminology.check(made, "condition.code", {})
    assert made.codings[0].display == "Bluthochdruck"


@pytest.mark.parametrize(
    ("system", "code", "nearest"),
    [
        (icd10.WHO, "I10.7", "I10 ("),
        (icd10.CM, "E119", "E11.9 ("),
        (icd10.CM, "e11.9", "E11.9 ("),
        (icd10.CM, "I64", "search"),
        (icd10.WHO, "A00-A09", "A00"),
        (icd10.WHO, "II", "search"),
        (icd10.WHO, "<script>", "search"),
        (icd10.CM, "9" * 128, "search"),
    ],
)
def test_a_code_that_icd_10_has_not_is_refused_with_what_is_near(system, code, nearest):
    assert nearest in refused(system, code)


@pytest.mark.parametrize(
    "code", ["38341003", "764146007", "716186003", "10019001000004103", "900000000000207008"]
)
def test_identifiers_of_snomed_ct_are_taken(code):
    if code == "10019001000004103":
        # A long one of a national extension: its check digit is computed, not known by heart.
        code = next(
            f"1001900100000410{d}" for d in range(10) if terminology.is_snomed_concept(f"1001900100000410{d}")
        )
    assert terminology.is_snomed_concept(code)


def test_any_wrong_digit_and_any_two_neighbours_changed_over_are_found():
    random.seed(5)
    for code in ("38341003", "44054006", "716186003"):
        for i in range(len(code)):
            for digit in "0123456789":
                if digit != code[i]:
                    assert not terminology.is_snomed_concept(code[:i] + digit + code[i + 1 :])
        for i in range(len(code) - 1):
            if code[i] != code[i + 1]:
                assert not terminology.is_snomed_concept(code[:i] + code[i + 1] + code[i] + code[i + 2 :])


@pytest.mark.parametrize("code", ["", "0", "12345", "038341003", "abc", "1" * 19, "754786011", "٣٨٣٤١٠٠٣"])
def test_what_is_no_identifier_of_a_concept_is_refused(code):
    assert not terminology.is_snomed_concept(code)


def test_where_the_hospital_has_a_list_the_code_must_be_in_it():
    key = (SNOMED, "38341003")
    assert "hospital's list" in refused(*key, {key: Listed(True, None, None)})
    assert "hospital's list" in refused(*key, {key: Listed(True, False, "Hypertension")})
    made = concept(*key)
    terminology.check(made, "condition.code", {key: Listed(True, True, "Hypertension")})
    assert made.codings[0].display == "Hypertension"


def test_a_system_that_nobody_lists_is_taken_as_it_is():
    terminology.check(concept("urn:other", "whatever"), "condition.code", {})
    terminology.check(datatypes_pb2.CodeableConcept(text="headache"), "condition.code", {})


@pytest.mark.parametrize("system", icd10.SYSTEMS)
def test_words_find_codes_in_any_order_and_by_their_beginnings(system):
    found = icd10.code_list(system).search("myo acu inf", 30)
    assert "I21" in dict(found)
    assert icd10.code_list(system).search("inf acu myo", 30) == found
    assert dict(icd10.code_list(system).search("i21", 10)).keys() >= {"I21", "I21.0"}
    assert len(icd10.code_list(system).search("a", 7)) == 7
    assert icd10.code_list(system).search("zzzz", 7) == []


def test_what_an_import_brings_is_not_looked_up():
    """Records of another system are kept as they are, with codes that nobody here knows."""
    fields = {"code": {"codings": [{"system": icd10.WHO, "code": "X99.99"}]}, "patient_id": ids.uuid7()}
    row = bulk.prepare(KINDS["CONDITION"], fields, ids.uuid7(), "2026-01-01")
    assert row["code"] == "X99.99"
    contradictory = {
        "patient_id": ids.uuid7(),
        "items": [{"medication": {"text": "warfarin / ibuprofen"}, "period": 1, "dose": {"value": 0}}],
    }
    row = bulk.prepare(KINDS["PRESCRIPTION"], contradictory, ids.uuid7(), "2026-01-01")
    assert "warnings" not in row["document"]
