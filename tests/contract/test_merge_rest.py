"""Merging as a front end does it: through REST, from the worklist to taking it back, with its audit trail."""

from __future__ import annotations

import pytest

from hms.audit.v1 import audit_pb2
from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2
from tests.fix_client import colleague, eventually

PHONE = [patient_pb2.Telecom(system="phone", value="9876501234")]


@pytest.fixture(scope="module")
def pair(ours):
    return [
        ours.create_patient(family_name="Mergerest", birth_date=birth_date, telecoms=PHONE)
        for birth_date in ("1984-02-29", "1984-02-28")
    ]


def test_a_pair_is_found_looked_at_merged_and_parted(ours, pair):
    survivor, merged = (patient.id for patient in pair)
    (candidate,) = ours.rest("GET", f"/v1/patients/{survivor}/duplicates").json["candidates"]
    assert candidate["patient_id"] == merged
    assert candidate["reasons"] == ["NAME", "NEAR_BIRTH_DATE", "PHONE"]
    (found,) = ours.rest("GET", "/v1/patients:duplicates?page_size=10").json["pairs"]
    assert {found["first"]["patient_id"], found["second"]["patient_id"]} == {survivor, merged}

    shown = ours.rest("POST", f"/v1/patients/{survivor}:previewMerge", {"merged_id": merged}).json
    assert shown["conflicts"] == [
        {"field": "birth_date", "survivor_value": '"1984-02-29"', "merged_value": '"1984-02-28"'}
    ]
    body = {
        "merged_id": merged,
        "survivor_etag": shown["survivor_etag"],
        "merged_etag": shown["merged_etag"],
        "reason": "the same person",
    }
    refused = ours.rest("POST", f"/v1/patients/{survivor}:merge", body)
    assert refused.status == 400
    info, bad = refused.json["details"]
    assert info["reason"] == "MERGE_CONFLICT"
    assert [violation["field"] for violation in bad["field_violations"]] == ["birth_date"]
    body["decisions"] = [{"field": "birth_date", "keep": "MERGE_KEEP_MERGED"}]
    made = ours.rest("POST", f"/v1/patients/{survivor}:merge", body)
    assert made.status == 200

    gone = ours.rest("GET", f"/v1/patients/{merged}").json
    assert gone["merged_into_id"] == survivor
    changed = ours.rest("PATCH", f"/v1/patients/{merged}", {"gender": "female"})
    assert changed.status == 400
    assert changed.json["details"][0]["reason"] == "PATIENT_MERGED"
    assert changed.json["details"][0]["metadata"]["survivor_id"] == survivor
    (by_old_number,) = ours.rest("POST", "/v1/patients:search", {"uhid": gone["uhid"]}).json["patients"]
    assert by_old_number["id"] == survivor
    assert by_old_number["merged_uhids"] == [gone["uhid"]]

    merge_id = made.json["id"]
    assert ours.rest("GET", f"/v1/merges/{merge_id}").json == made.json
    assert ours.rest("GET", f"/v1/merges?patient_id={merged}").json["merges"] == [made.json]
    parted = ours.rest("POST", f"/v1/merges/{merge_id}:unmerge", {"reason": "two persons"})
    assert parted.status == 200
    assert parted.json["merge"]["unmerge_time"]
    assert ours.rest("GET", f"/v1/patients/{survivor}").json["birth_date"] == "1984-02-29"

    # One event on each record for each of the two acts, with what changed.
    for patient in pair:
        for method in ("MergePatients", "UnmergePatients"):
            full = f"hms.patient.v1.PatientService/{method}"
            (event,) = eventually(
                lambda p=patient, f=full: [
                    e for e in ours.events(patient_id=p.id) if e.method == f and e.outcome == "OK"
                ]
            )
            assert (event.action, event.entity_type, event.entity_id) == ("UPDATE", "patient", patient.id)
            assert list(event.patient_ids) == [patient.id]
    merging = next(
        e
        for e in ours.events(patient_id=survivor)
        if e.method.endswith("/MergePatients") and e.outcome == "OK"
    )
    whole = ours.audit.GetAuditEvent(audit_pb2.GetAuditEventRequest(id=merging.id), metadata=ours.metadata)
    assert "birth_date" in {change.field for change in whole.changes}


def test_whoever_may_only_write_patients_may_not_merge_them(ours, pair):
    survivor, merged = (patient.id for patient in pair)
    ours.identity.CreateRole(
        identity_pb2.CreateRoleRequest(
            role=identity_pb2.Role(code="WRITER", permissions=["patient.read", "patient.write"])
        ),
        metadata=ours.metadata,
    )
    writer = colleague(ours, "WRITER")
    for path, body in (
        (f"/v1/patients/{survivor}:merge", {"merged_id": merged, "reason": "x"}),
        (f"/v1/patients/{survivor}:previewMerge", {"merged_id": merged}),
        (f"/v1/merges/{survivor}:unmerge", {"reason": "x"}),
    ):
        assert writer.rest("POST", path, body).status == 403
    assert writer.rest("GET", "/v1/patients:duplicates").status == 403
    assert writer.rest("GET", f"/v1/patients/{survivor}/duplicates").status == 200
    writer.close()
