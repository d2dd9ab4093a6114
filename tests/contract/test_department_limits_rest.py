"""A colleague of one department on a running system: over REST and by stubs, in every process."""

from __future__ import annotations

import pytest

from hms.identity.v1 import identity_pb2
from hms_server import ids
from tests.fix_client import PASSWORD, Caller, refused


@pytest.fixture(scope="module")
def ward(ours):
    return ours.rest("POST", "/v1/departments", {"display_name": "Ward"}).json["id"]


@pytest.fixture
def nurse(ours, ward):
    """A nurse of the ward alone: her id and a way to sign in."""
    username = f"u{ids.uuid7()[-12:]}"
    limited = [{"role_code": "NURSE", "department_ids": [ward]}]
    body = {"username": username, "password": PASSWORD, "limited_roles": limited}
    made = ours.rest("POST", "/v1/users", body).json
    assert made["limited_roles"] == limited
    env = {
        "HMS_REST_URL": ours.rest_url,
        "HMS_GRPC_TARGET": ours.channel._channel.target().decode().removeprefix("dns:///"),
    }
    return made["id"], lambda: Caller(env, ours.tenant, username, PASSWORD)


def why(answer):
    if answer.status == 200:
        return 200, ""
    return answer.status, answer.json["details"][0]["reason"]


def test_a_nurse_of_the_ward_sees_its_patients_alone(ours, ward, nurse):
    admitted, other = ours.create_patient(), ours.create_patient()
    path = f"/v1/patients/{admitted.id}"
    ours.rest("POST", f"{path}/encounters", {"department_id": ward})
    caller = nurse[1]()
    # As often as there may be processes, so that each is asked.
    for _ in range(6):
        assert caller.rest("GET", path).json["id"] == admitted.id
        assert why(caller.rest("GET", f"/v1/patients/{other.id}")) == (404, "NOT_FOUND")
    assert [each["id"] for each in caller.rest("GET", "/v1/patients").json["patients"]] == [admitted.id]
    assert why(caller.rest("POST", "/v1/patients", {"given_name": "New"})) == (403, "DEPARTMENT_LIMITED")
    assert why(caller.rest("GET", "/v1/settings")) == (403, "DEPARTMENT_LIMITED")
    assert caller.rest("GET", f"/v1/departments/{ward}").status == 200
    assert why(caller.rest("GET", "/v1/users")) == (403, "PERMISSION_DENIED")
    caller.close()


def test_a_change_of_departments_is_in_force_on_every_process_with_its_answer(ours, ward, nurse):
    user_id, sign_in = nurse
    other = ours.rest("POST", "/v1/departments", {"display_name": "Other"}).json["id"]
    for departments in ([other], [other, ward], []):
        before = [sign_in() for _ in range(4)]
        limited = [{"role_code": "NURSE", "department_ids": departments}] if departments else []
        ours.rest("PATCH", f"/v1/users/{user_id}?update_mask=limited_roles", {"limited_roles": limited})
        for caller in before:
            for _ in range(2):
                said = refused(
                    lambda caller=caller: caller.identity.GetUser(
                        identity_pb2.GetUserRequest(id=user_id), metadata=caller.metadata, timeout=15
                    )
                )
                assert said == ("UNAUTHENTICATED", "PERMISSIONS_STALE")
            caller.close()


def test_the_permissions_say_what_they_open_in_a_department(ours):
    shown = {each["code"]: each for each in ours.rest("GET", "/v1/permissions").json["permissions"]}
    assert "hms.patient.v1.PatientService/GetPatient" in shown["patient.read"]["department_methods"]
    assert "hms.patient.v1.PatientService/GetMerge" not in shown["patient.read"]["department_methods"]
    assert shown["user.write"]["department_methods"] == []
