"""Steps of the guided tour: finding patients, and lists in pages."""

from typing import Any
from urllib.parse import urlencode

from hms_server.devstack.stack import SAMPLES
from hms_server.devstack.tour_patients import BIRTH_DATE, FAMILY, GIVEN, IDENTIFIER_SYSTEM
from hms_server.devstack.tour_visit import Visit, expect
from hms_server.fhir.bundle import parse
from hms_server.fhir.reader import Parcel, find_files, read


def by_name(visit: Visit) -> str:
    """Find a patient by parts of the name, in the other order."""
    query = f"{FAMILY[:5].lower()} {GIVEN.upper()}"
    _expect_found(visit, "patient", query=query)
    return query


def in_devanagari(visit: Visit) -> str:
    """Find a patient by a name in Devanagari, and by its Latin spelling."""
    for query in ("शर्मा सुनीता", "sharma sunita"):
        _expect_found(visit, "patient in Devanagari", query=query)
    return "शर्मा सुनीता, sharma sunita"


def by_uhid(visit: Visit) -> str:
    """Find a patient by UHID."""
    uhid = visit.made("patient")["uhid"]
    found = _search(visit, uhid=uhid)
    expect([p["uhid"] for p in found] == [uhid], f"found are {[p['uhid'] for p in found]}")
    _expect_found(visit, "patient", query=uhid.lower())
    return str(uhid)


def by_phone(visit: Visit) -> str:
    """Find a patient by phone number, with and without country code."""
    for phone in (visit.phone, f"+91-{visit.phone[:5]}-{visit.phone[5:]}"):
        _expect_found(visit, "patient", phone=phone)
        # Written without country code when it was registered.
        _expect_found(visit, "similar patient", phone=phone)
    return f"{visit.phone}, +91-{visit.phone[:5]}-{visit.phone[5:]}"


def by_identifier(visit: Visit) -> str:
    """Find a patient by the number another system gave."""
    number = f"OLD-{visit.mark}"
    for identifier in (f"{IDENTIFIER_SYSTEM}|{number}", number):
        _expect_found(visit, "patient", identifier=identifier)
    expect(not _search(visit, identifier=f"https://elsewhere.example|{number}"), "the system is ignored")
    return number


def by_birth_date(visit: Visit) -> str:
    """Find a patient by birth date, whole or the year alone."""
    for birth_date in (BIRTH_DATE, BIRTH_DATE[:4]):
        _expect_found(visit, "patient", birth_date=birth_date, query=FAMILY)
    expect(not _search(visit, birth_date="1986", query=FAMILY), "the birth date is ignored")
    return f"{BIRTH_DATE}, {BIRTH_DATE[:4]}"


def samples(visit: Visit) -> str:
    """The sample patients were imported from FHIR, with all their names and telecoms."""
    sample = _sample_of_most_names()
    name = sample["name"][0]
    query = " ".join([*name["given"], name["family"]])
    found = _search(visit, query=query, birth_date=sample["birthDate"])
    expect(len(found) == 1, f"{query} finds {len(found)} patients")
    families = [name.get("family", "") for name in sample["name"]]
    stored = [name["family_name"] for name in found[0]["names"]]
    expect(stored == families, f"the family names are {stored}, not {families}")
    numbers = [telecom["value"] for telecom in sample["telecom"]]
    stored = [telecom["value"] for telecom in found[0]["telecoms"]]
    expect(stored == numbers, f"the telecoms are {stored}, not {numbers}")
    return query


def pages(visit: Visit) -> str:
    """Lists come in pages, forward and back, and no record is left out or shown twice."""
    whole = _list(visit, page_size=1000)
    expect(len(whole["patients"]) > 2, "there are too few patients for pages")
    forward: list[Any] = [_list(visit, page_size=2)]
    forward.append(_list(visit, page_size=2, page_token=forward[0]["next_page_token"]))
    expect(not forward[0]["previous_page_token"], "the first page has one before it")
    walked = [*_ids(forward[0]), *_ids(forward[1])]
    expect(walked == _ids(whole)[: len(walked)], "the pages differ from the whole list")
    back = _list(visit, page_size=2, page_token=forward[1]["previous_page_token"])
    expect(_ids(back) == _ids(forward[0]), "the way back shows other records")
    return f"{len(_ids(whole))} patients by name"


def _list(visit: Visit, **parameters: str | int) -> Any:
    query = urlencode({"order_by": "name", **parameters})
    return visit.me.call("GET", f"/v1/patients?{query}").ok()


def _ids(page: Any) -> list[str]:
    return [patient["id"] for patient in page["patients"]]


def _search(visit: Visit, **wanted: str) -> list[Any]:
    found = visit.me.call("POST", "/v1/patients:search", {**wanted, "page_size": 100}).ok()
    patients: list[Any] = found["patients"]
    return patients


def _expect_found(visit: Visit, name: str, **wanted: str) -> None:
    patient_id = visit.made(name)["id"]
    found = [patient["id"] for patient in _search(visit, **wanted)]
    expect(patient_id in found, f"{wanted} does not find the {name} ({len(found)} others)")


def _sample_of_most_names() -> Any:
    """The FHIR Patient of the samples that loses most where an import is careless."""
    entries = (
        entry
        for file in find_files([str(SAMPLES)])
        for found in read(file)
        if isinstance(found, Parcel)
        for entry in parse(b"".join(found.pieces), ("Patient",))
    )
    patients = [entry.resource for entry in entries if entry.type == "Patient" and entry.resource]
    expect(patients, f"there is no patient in {SAMPLES}")
    return max(patients, key=lambda patient: len(patient["name"]))


STEPS = (by_name, in_devanagari, by_uhid, by_phone, by_identifier, by_birth_date, samples, pages)
