"""Steps of the guided tour: a doctor who is one in a single department."""

import http.client
from typing import Any

from hms_server import ids
from hms_server.devstack.tour_access import PASSWORD
from hms_server.devstack.tour_visit import Session, Visit, expect


def hold_a_role_in_a_department(visit: Visit) -> str:
    """A role is held in one department only."""
    department = visit.me.call("POST", "/v1/departments", {"display_name": f"Ward {visit.mark}"}).ok()
    username = f"tour-ward-doctor-{visit.mark}"
    limited = {"role_code": "DOCTOR", "department_ids": [department["id"]]}
    user = {"username": username, "password": PASSWORD, "limited_roles": [limited]}
    made = visit.me.call("POST", f"/v1/users?request_id={ids.uuid7()}", user).ok()
    expect(made["limited_roles"] == [limited], f"the user holds {made['limited_roles']}")
    visit.keep("ward", department)
    visit.keep("ward's user", made)
    visit.keep("ward's doctor", visit.sign_in(visit.env["HMS_TENANT"], username, PASSWORD))
    return f"DOCTOR in {department['display_name']}"


def see_the_department(visit: Visit) -> str:
    """In a department one sees its own patients and finds no others."""
    session: Session = visit.made("ward's doctor")
    patient = visit.made("patient")
    path = f"/v1/patients/{patient['id']}"
    session.call("GET", path).refused(http.client.NOT_FOUND, "NOT_FOUND")
    expect(not session.call("GET", "/v1/patients").ok()["patients"], "patients of others are listed")
    encounter = {"department_id": visit.made("ward")["id"]}
    admitted = visit.me.call("POST", f"{path}/encounters", encounter).ok()
    session.call("GET", path).ok()
    listed = session.call("GET", "/v1/patients").ok()["patients"]
    expect([each["id"] for each in listed] == [patient["id"]], f"{len(listed)} patients are listed")
    vitals: dict[str, Any] = {
        "code": {"codings": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
        "quantity": {"value": 72, "unit": "/min", "code": "/min"},
    }
    session.call("POST", f"/v1/encounters/{admitted['id']}/observations", vitals).ok()
    session.call("POST", f"{path}/encounters", {}).refused(http.client.FORBIDDEN, "DEPARTMENT_LIMITED")
    return "404, after the admission 200; elsewhere 403 DEPARTMENT_LIMITED"


def lose_the_department(visit: Visit) -> str:
    """Who loses the department is refused at once."""
    session: Session = visit.made("ward's doctor")
    user_id = visit.made("ward's user")["id"]
    visit.me.call("PATCH", f"/v1/users/{user_id}?update_mask=limited_roles", {"limited_roles": []}).ok()
    path = f"/v1/patients/{visit.made('patient')['id']}"
    session.call("GET", path).refused(http.client.UNAUTHORIZED, "PERMISSIONS_STALE")
    return "401 PERMISSIONS_STALE"


STEPS = (hold_a_role_in_a_department, see_the_department, lose_the_department)
