"""hms.scheduling.v1.SchedulingService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.scheduling.v1 import appointment_pb2
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling.appointments import Appointments


class SchedulingServicer:
    """Schedules, appointments and the queue of the day."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._appointments = Appointments(database)

    # --- Schedules and slots

    # --- Appointments: booking

    def GetAppointment(
        self, request: appointment_pb2.GetAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """An appointment with patient, practitioner and department."""
        return self._appointments.get(request, call)

    # --- Appointments: waiting list, series, reminders

    # --- Arrival and the queue of the day
