"""hms.scheduling.v1.SchedulingService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.scheduling.v1 import appointment_pb2, schedule_pb2, slot_pb2
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling import schedule_lists
from hms_server.scheduling.appointments import Appointments
from hms_server.scheduling.schedule_kinds import EXCEPTION, SCHEDULE
from hms_server.scheduling.schedules import Schedules
from hms_server.scheduling.slots import Slots


class SchedulingServicer:
    """Schedules, appointments and the queue of the day."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._appointments = Appointments(database)
        self._schedules = Schedules(SCHEDULE, database=database, pages=pages, request_ids=request_ids)
        self._exceptions = Schedules(EXCEPTION, database=database, pages=pages, request_ids=request_ids)
        self._slots = Slots(database, pages)

    # --- Schedules and slots

    def CreateSchedule(
        self, request: schedule_pb2.CreateScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """A new weekly template."""
        made: schedule_pb2.Schedule = self._schedules.create(request, call)
        return made

    def GetSchedule(self, request: schedule_pb2.GetScheduleRequest, call: Call) -> schedule_pb2.Schedule:
        """A weekly template."""
        found: schedule_pb2.Schedule = self._schedules.get(request, call)
        return found

    def ListSchedules(
        self, request: schedule_pb2.ListSchedulesRequest, call: Call
    ) -> schedule_pb2.ListSchedulesResponse:
        """Weekly templates in order of their first day."""
        listed: schedule_pb2.ListSchedulesResponse = self._schedules.list_records(
            request, call, schedule_pb2.ListSchedulesResponse, schedule_lists.schedule_filters(request)
        )
        return listed

    def UpdateSchedule(
        self, request: schedule_pb2.UpdateScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """Changes a weekly template."""
        made: schedule_pb2.Schedule = self._schedules.update(request, call)
        return made

    def DeleteSchedule(
        self, request: schedule_pb2.DeleteScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """Takes a weekly template away."""
        gone: schedule_pb2.Schedule = self._schedules.delete(request, call)
        return gone

    def BatchCreateSchedules(
        self, request: schedule_pb2.BatchCreateSchedulesRequest, call: Call
    ) -> schedule_pb2.BatchCreateSchedulesResponse:
        """Weekly templates, all or nothing."""
        made: schedule_pb2.BatchCreateSchedulesResponse = self._schedules.batch_create(request, call)
        return made

    def CreateScheduleException(
        self, request: schedule_pb2.CreateScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Leave, a closure or an extra session."""
        made: schedule_pb2.ScheduleException = self._exceptions.create(request, call)
        return made

    def GetScheduleException(
        self, request: schedule_pb2.GetScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """An exception."""
        found: schedule_pb2.ScheduleException = self._exceptions.get(request, call)
        return found

    def ListScheduleExceptions(
        self, request: schedule_pb2.ListScheduleExceptionsRequest, call: Call
    ) -> schedule_pb2.ListScheduleExceptionsResponse:
        """Exceptions in order of their ends."""
        listed: schedule_pb2.ListScheduleExceptionsResponse = self._exceptions.list_records(
            request,
            call,
            schedule_pb2.ListScheduleExceptionsResponse,
            schedule_lists.schedule_exception_filters(request),
        )
        return listed

    def UpdateScheduleException(
        self, request: schedule_pb2.UpdateScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Changes an exception."""
        made: schedule_pb2.ScheduleException = self._exceptions.update(request, call)
        return made

    def DeleteScheduleException(
        self, request: schedule_pb2.DeleteScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Takes an exception away."""
        gone: schedule_pb2.ScheduleException = self._exceptions.delete(request, call)
        return gone

    def BatchCreateScheduleExceptions(
        self, request: schedule_pb2.BatchCreateScheduleExceptionsRequest, call: Call
    ) -> schedule_pb2.BatchCreateScheduleExceptionsResponse:
        """Exceptions, all or nothing."""
        made: schedule_pb2.BatchCreateScheduleExceptionsResponse = self._exceptions.batch_create(
            request, call
        )
        return made

    def SearchSlots(self, request: slot_pb2.SearchSlotsRequest, call: Call) -> slot_pb2.SearchSlotsResponse:
        """Slots with their free seats."""
        return self._slots.search(request, call)

    # --- Appointments: booking

    def GetAppointment(
        self, request: appointment_pb2.GetAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """An appointment with patient, practitioner and department."""
        return self._appointments.get(request, call)

    # --- Appointments: waiting list, series, reminders

    # --- Arrival and the queue of the day
