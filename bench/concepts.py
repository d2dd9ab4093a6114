"""Codes and texts that generated FHIR bundles hold."""

from __future__ import annotations

from typing import Any


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """A FHIR CodeableConcept of one coding."""
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": display} if display else coding]}


# LOINC, name and unit; without a unit the value is a concept.
OBSERVATIONS = {
    "vital-signs": (
        ("85354-9", "Blood pressure panel with all children optional", "mm[Hg]"),
        ("8302-2", "Body Height", "cm"),
        ("29463-7", "Body Weight", "kg"),
        ("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2"),
        ("8867-4", "Heart rate", "/min"),
        ("9279-1", "Respiratory rate", "/min"),
        ("2708-6", "Oxygen saturation in Arterial blood", "%"),
        ("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported", "{score}"),
    ),
    "laboratory": (
        ("33914-3", "Glomerular filtration rate/1.73 sq M.predicted", "mL/min/{1.73_m2}"),
        ("20565-8", "Carbon dioxide, total [Moles/volume] in Blood", "mmol/L"),
        ("5811-5", "Specific gravity of Urine by Test strip", "{nominal}"),
        ("5803-2", "pH of Urine by Test strip", "[pH]"),
        ("5767-9", "Appearance of Urine", ""),
        ("5778-6", "Color of Urine", ""),
        ("5792-7", "Glucose [Mass/volume] in Urine by Test strip", "mg/dL"),
        ("2514-8", "Ketones [Presence] in Urine by Test strip", ""),
        ("2885-2", "Protein [Mass/volume] in Serum or Plasma", "g/dL"),
        ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL"),
        ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma", "U/L"),
        ("2339-0", "Glucose [Mass/volume] in Blood", "mg/dL"),
        ("6299-2", "Urea nitrogen [Mass/volume] in Blood", "mg/dL"),
        ("38483-4", "Creatinine [Mass/volume] in Blood", "mg/dL"),
        ("49765-1", "Calcium [Mass/volume] in Blood", "mg/dL"),
        ("2947-0", "Sodium [Moles/volume] in Blood", "mmol/L"),
        ("6298-4", "Potassium [Moles/volume] in Blood", "mmol/L"),
        ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL"),
        ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
        ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL"),
    ),
}
# SNOMED CT
CONDITIONS = (
    ("314529007", "Medication review due (situation)"),
    ("160903007", "Full-time employment (finding)"),
    ("73595000", "Stress (finding)"),
    ("66383009", "Gingivitis (disorder)"),
    ("444814009", "Viral sinusitis (disorder)"),
    ("59621000", "Essential hypertension (disorder)"),
)
PROCEDURES = (
    ("430193006", "Medication reconciliation (procedure)"),
    ("710824005", "Assessment of health and social care needs (procedure)"),
    ("34043003", "Dental consultation and report (procedure)"),
    ("710841007", "Assessment of anxiety (procedure)"),
)
# RxNorm
MEDICATIONS = (
    ("313782", "Acetaminophen 325 MG Oral Tablet"),
    ("308192", "Amoxicillin 500 MG Oral Tablet"),
    ("314076", "lisinopril 10 MG Oral Tablet"),
)
NOTE = """{day}

# Chief Complaint
- medication review due (situation)

# History of Present Illness
A 41 year-old nonhispanic white female. Patient has a history of medication review due (situation).

# Social History
Patient is married. Patient comes from a middle socioeconomic background.

# Allergies
No Known Allergies.

# Assessment and Plan
Patient is presenting with medication review due (situation).

## Plan
The following lab reports were completed:
"""
