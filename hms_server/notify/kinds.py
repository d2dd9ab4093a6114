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
    known: datetime.tzinfo
    try:
        known = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zone, known = "UTC", datetime.UTC
    return f"{time.astimezone(known):%Y-%m-%d %H:%M:%S} ({zone})"


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

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BREAK_GLASS,)}
