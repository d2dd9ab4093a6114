"""Who sees a patient by an appointment or a place in the queue: those of the department, while it counts."""

from __future__ import annotations

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms.scheduling.v1 import appointment_pb2
from hms_server import errors, ids
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.scheduling import store
from hms_server.scheduling.servicer import SchedulingServicer
from tests.integration.test_department_limits_records import ward  # noqa: F401 - a fixture
from tests.integration.test_patient_break_glass import (  # noqa: F401 - fixtures
    break_glass,
    colleague,
    colleague_of,
    department_of,
    restrict,
    review,
    sees,
)


@pytest.fixture
def day(owner, app_database, keys):
    """Rows of the day, as other parts of the room write them, and the room itself."""

    class Day:
        servicer = SchedulingServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))

        def practitioner(self, tenant_id):
            practitioner_id = ids.uuid7()
            owner.execute(
                "INSERT INTO practitioner (tenant_id, id, document, name_key, active, actor_id)"
                ' VALUES (%s, %s, \'{"names": [{"text": "Dr Rao"}]}\', \'rao\', true, %s)',
                [tenant_id, practitioner_id, practitioner_id],
            )
            return practitioner_id

        def book(self, patient, department_id, *, by=None, state="BOOKED"):
            tenant = by or patient.tenant
            appointment_id = ids.uuid7()
            with app_database.tenant_transaction(
                tenant.id, tenant.call("SchedulingService/GetAppointment")
            ) as transaction:
                store.lock_patient(transaction, patient.id)
                transaction.flush()
                store.insert(
                    transaction,
                    appointment_id,
                    patient.id,
                    tenant.user_id,
                    department_id=department_id,
                    practitioner_id=self.practitioner(tenant.id),
                    state=state,
                    start_time="2026-11-24T09:00:00Z",
                    end_time="2026-11-24T09:15:00Z",
                    seat=1,
                    capacity=1,
                )
                transaction.audit(action="CREATE", entity_id=appointment_id, patient_ids=(patient.id,))
            return appointment_id

    return Day()


class Booked:
    """A patient, and whose registry made him."""

    def __init__(self, registry, patient):
        self.tenant, self.id = registry.tenant, patient.id


def set_state(owner, table, row_id, state):
    owner.execute(f"UPDATE {table} SET state = %s WHERE id = %s", [state, row_id])


def test_an_appointment_is_read_with_patient_practitioner_and_department(day, registry, ward):  # noqa: F811
    patient = ward.registry.create("Meera", "Booked")
    appointment_id = day.book(Booked(ward.registry, patient), ward.ours)
    call = ward.tenant.call("SchedulingService/GetAppointment")
    found = day.servicer.GetAppointment(appointment_pb2.GetAppointmentRequest(id=appointment_id), call)
    assert (found.state, found.seat, found.etag) == ("BOOKED", 1, "1")
    assert found.patient.names[0].family_name == "Booked"
    assert found.practitioner.names[0].text == "Dr Rao"
    assert found.department.display_name == "Cardiology"
    with pytest.raises(errors.NotFound):
        day.servicer.GetAppointment(appointment_pb2.GetAppointmentRequest(id=ids.uuid7()), call)


def test_those_limited_to_a_department_see_who_is_booked_there_until_it_is_cancelled(
    day,
    owner,
    ward,  # noqa: F811
):
    ours, theirs = ward.registry.create("Asha", "Limited"), ward.registry.create("Asha", "Limited")
    appointment_id = day.book(Booked(ward.registry, ours), ward.ours)
    hidden = day.book(Booked(ward.registry, theirs), ward.theirs)
    assert ward.patients.GetPatient(pb.GetPatientRequest(id=ours.id)).id == ours.id
    assert ward.listed() == [ours.id]
    assert ward.patients.search("Limited") == [ours.id]
    call = ward.colleague.call("SchedulingService/GetAppointment")
    request = appointment_pb2.GetAppointmentRequest(id=appointment_id)
    assert day.servicer.GetAppointment(request, call).id == appointment_id
    with pytest.raises(errors.NotFound):
        day.servicer.GetAppointment(
            appointment_pb2.GetAppointmentRequest(id=hidden),
            ward.colleague.call("SchedulingService/GetAppointment"),
        )
    set_state(owner, "appointment", appointment_id, "CANCELLED")
    assert ward.listed() == []


def test_a_restricted_patient_is_seen_where_an_appointment_lies_ahead_alone(
    day,
    owner,
    registry,
    colleague,  # noqa: F811
    department_of,  # noqa: F811
):
    patient = registry.create()
    appointment_id = day.book(Booked(registry, patient), department_of(colleague.tenant.user_id))
    restrict(registry, patient)
    assert sees(colleague, patient)
    assert not sees(registry, patient)
    set_state(owner, "appointment", appointment_id, "NO_SHOW")
    assert not sees(colleague, patient)


def test_a_restricted_patient_is_seen_where_he_stands_in_the_queue(
    day,
    owner,
    registry,
    colleague,  # noqa: F811
    department_of,  # noqa: F811
):
    patient, token_id = registry.create(), ids.uuid7()
    department_id = department_of(colleague.tenant.user_id)
    restrict(registry, patient)
    owner.execute(
        "INSERT INTO queue_token (tenant_id, id, patient_id, practitioner_id, department_id, session_start,"
        " number, token, state, urgency, order_time, actor_id)"
        " VALUES (%s, %s, %s, %s, %s, now(), 1, 'T-001', 'WAITING', 2, now(), %s)",
        [
            registry.tenant.id,
            token_id,
            patient.id,
            day.practitioner(registry.tenant.id),
            department_id,
            patient.id,
        ],
    )
    assert sees(colleague, patient)
    set_state(owner, "queue_token", token_id, "COMPLETED")
    assert not sees(colleague, patient)


def test_an_unjustified_grant_takes_back_the_sight_that_an_appointment_under_it_gave(
    day,
    owner,
    registry,
    colleague,  # noqa: F811
    department_of,  # noqa: F811
):
    patient = registry.create()
    department_id = department_of(colleague.tenant.user_id)
    restrict(registry, patient)
    grant = break_glass(colleague, seconds=300, patient_id=patient.id)
    day.book(Booked(colleague, patient), department_id)
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE id = %s", [grant.id])
    assert sees(colleague, patient)
    review(registry, grant, "NOT_JUSTIFIED")
    assert not sees(colleague, patient)
