"""Schedules, appointments and the queue of the day."""
