"""A mail as the bytes that go over the wire (RFC 5322). Nothing in it can make a header of its own."""

from __future__ import annotations

import email.message
import email.policy
import email.utils
import re

from hms_server import clock
from hms_server.notify.kinds import KINDS, Mail, Text, line

# As the API takes addresses: no quotes, no comments, no line breaks.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_LONGEST = 254
# Every server takes it, also one that knows of no 8-bit mail.
_POLICY = email.policy.SMTP.clone(cte_type="7bit")


class Unsendable(Exception):
    """A mail that no server would take; the text is a code."""


def is_address(address: str) -> bool:
    """Whether an address is one, and nothing more."""
    return len(address) <= _LONGEST and _ADDRESS.fullmatch(address) is not None


def sender_address(sender: str) -> str:
    """The address in "HMS <hms@hospital.example>"; empty where there is none."""
    address = email.utils.parseaddr(sender)[1]
    return address if is_address(address) else ""


def message_id(mail: Mail, sender: str) -> str:
    """The same for every try, so that whoever gets a mail twice can tell."""
    return f"<{mail.id}.{mail.recipient}@{sender_address(sender).partition('@')[2]}>"


def render(mail: Mail, sender: str, front_end_url: str) -> bytes:
    """The mail; raises Unsendable."""
    kind = KINDS.get(mail.kind)
    if kind is None:
        raise Unsendable("UNKNOWN_KIND")
    return compose(kind.text(mail, front_end_url), mail.address, sender, message_id(mail, sender))


def compose(text: Text, address: str, sender: str, identity: str) -> bytes:
    """A text as a mail; raises Unsendable where the address is none."""
    if not is_address(address):
        raise Unsendable("BAD_ADDRESS")
    made = email.message.EmailMessage(policy=_POLICY)
    made["From"] = sender
    made["To"] = address
    made["Subject"] = line(text.subject)
    made["Date"] = email.utils.format_datetime(clock.now())
    made["Message-ID"] = identity
    # Nobody's holiday answers it (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text.body)
    return made.as_bytes()
