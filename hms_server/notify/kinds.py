"""Every kind of mail, in one place: what it may know and what it says.

A text is made when the mail is sent, from ids and from what the kind's `fields` name. A field that can hold
something of a patient (a reason, a name, a UHID) does not belong here: mail is read where HMS has no say.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_LONGEST = 200
# Whatever could end a line or turn its direction: categories Cc and Cf, and the separators of lines.
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


class Mail(NamedTuple):
    """One mail to one address, as its row has it."""

    tenant_id: str
    id: str
    recipient: int
    kind: str
    entity_id: str
    address: str
    detail: Mapping[str, Any]
    create_time: datetime.datetime
    tries: int


class Text(NamedTuple):
    """What a mail says."""

    subject: str
    body: str


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail. `fields`: what its rows hold in `detail`, no more and no less."""

    name: str
    fields: frozenset[str]
    # Those who hold it are told where the hospital names no addresses.
    permission: str
    # Of the mail, and the public address that links begin with.
    text: Callable[[Mail, str], Text]


def line(value: object) -> str:
    """A value as it may stand in a line of a mail or a header: without breaks, and not endless."""
    return _UNSEEN.sub(" ", str(value)).strip()[:_LONGEST]


def moment(time: datetime.datetime, zone: str) -> str:
    """A time by a hospital's clock; by UTC where this machine does not know its zone."""
    known, zone = _known(zone)
    return f"{time.astimezone(known):%Y-%m-%d %H:%M:%S} ({zone})"


def minute(time: datetime.datetime, zone: str) -> str:
    """The same without seconds, as a patient reads it."""
    known, zone = _known(zone)
    return f"{time.astimezone(known):%Y-%m-%d %H:%M} ({zone})"


def _known(zone: str) -> tuple[datetime.tzinfo, str]:
    try:
        return zoneinfo.ZoneInfo(zone), zone
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.UTC, "UTC"


def _break_glass(mail: Mail, front_end_url: str) -> Text:
    hospital, user = line(mail.detail["hospital"]), line(mail.detail["username"])
    zone = line(mail.detail["time_zone"])
    until = mail.create_time + datetime.timedelta(seconds=int(mail.detail["duration_seconds"]))
    return Text(
        f"{hospital}: {user} broke the glass",
        f"""\
At {hospital}, {user} broke the glass: a right to see one restricted patient.

From    {moment(mail.create_time, zone)}
Until   {moment(until, zone)}
Grant   {mail.entity_id}

Please review it:

{front_end_url}/breakGlass/{mail.entity_id}

What was done under this grant is marked in the audit with
BREAK_GLASS:{mail.entity_id}

You get this as a privacy officer of the hospital. Nobody reads answers to this address.
""",
    )


BREAK_GLASS = Kind(
    "BREAK_GLASS",
    fields=frozenset({"username", "duration_seconds"}),
    permission="break_glass.review",
    text=_break_glass,
)


def _reminder(mail: Mail, _front_end_url: str) -> Text:
    hospital, zone = line(mail.detail["hospital"]), line(mail.detail["time_zone"])
    start = datetime.datetime.fromisoformat(str(mail.detail["start_time"]))
    return Text(
        f"{hospital}: your appointment",
        f"""\
You have an appointment at {hospital}:

{minute(start, zone)}

If you cannot come, please tell {hospital} in good time, so that somebody else can be seen then.

Nobody reads answers to this address.
""",
    )


# To the patient himself, at the address that he gave: when he is expected, and nothing of why or by whom
# (docs/decisions/0029-waiting-list-in-the-database.md). Its rows are written by hand_over_reminders
# (migrations/0026_waiting_list.sql).
APPOINTMENT_REMINDER = Kind(
    "APPOINTMENT_REMINDER",
    fields=frozenset({"start_time"}),
    permission="",
    text=_reminder,
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BREAK_GLASS, APPOINTMENT_REMINDER)}
