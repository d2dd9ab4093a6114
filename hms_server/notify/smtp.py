"""One mail over SMTP, on a connection of its own, and what the server's answer means.

Three ends beside success: the server is away (nothing to do with this mail), it wants the mail later, or it
refuses it for good. Only codes of its answers are kept: its texts quote addresses.
"""

from __future__ import annotations

import functools
import re
import smtplib
import socket
import ssl
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

# Of each step of the conversation.
STEP_SECONDS = 10.0
# Of all of it: a server that drips its answers is slow, too.
WHOLE_SECONDS = 40.0
# Answers from these numbers on (RFC 5321, 4.2.1).
_LATER, _REFUSED = 400, 500
_CLOSING = 421
_LEAVE_SECONDS = 2.0
_PORTS = {"smtp": 587, "smtps": 465}
_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


class ServerAway(Exception):
    """The server cannot be reached, or does not let us in; the text is a code, as with the others."""


class TryLater(Exception):
    """The server did not take this mail, for now."""


class Refused(Exception):
    """The server will never take this mail."""


class Server:
    """An SMTP server by its address: smtp:// (STARTTLS) or smtps:// (TLS from the start).

    `?starttls=off` sends in the open; `?ca=FILE` trusts that authority and no other. In development STARTTLS
    is used where the server offers it, else it is required.
    """

    def __init__(self, url: str, *, development: bool = False, step_seconds: float = STEP_SECONDS) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._starttls = query.get("starttls", ["offered" if development else "required"])[0]
        self._ca = query.get("ca", [None])[0]
        self._seconds = step_seconds

    def send(self, sender: str, address: str, message: bytes) -> None:
        """Hands a mail over; raises ServerAway, TryLater and Refused, each with codes as its text."""
        end = time.monotonic() + WHOLE_SECONDS
        client = self._open()
        try:
            self._hand_over(client, end, sender, address, message)
        finally:
            self._leave(client)

    def _open(self) -> smtplib.SMTP:
        try:
            client = self._connect()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ServerAway(codes(error)) from None
        try:
            client.ehlo_or_helo_if_needed()
            if not self._secure and self._wants_starttls(client):
                client.starttls(context=self._context())
                client.ehlo()
            if self._user:
                client.login(self._user, self._password)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise ServerAway(codes(error)) from None
        return client

    def _connect(self) -> smtplib.SMTP:
        if not self._secure:
            return smtplib.SMTP(self._host, self._port, self._own_name, timeout=self._seconds)
        return smtplib.SMTP_SSL(
            self._host, self._port, self._own_name, timeout=self._seconds, context=self._context()
        )

    def _context(self) -> ssl.SSLContext:
        # Made anew each time, so that a renewed authority needs no restart.
        return ssl.create_default_context(cafile=self._ca)

    @functools.cached_property
    def _own_name(self) -> str:
        """What this machine calls itself; asked once, since it may ask the DNS."""
        return socket.getfqdn()

    def _wants_starttls(self, client: smtplib.SMTP) -> bool:
        if self._starttls == "required":
            return True
        return self._starttls == "offered" and client.has_extn("starttls")

    def _hand_over(self, client: smtplib.SMTP, end: float, sender: str, address: str, message: bytes) -> None:
        try:
            code, text = client.mail(sender)
            if code >= _REFUSED:
                # Not this mail's fault: none of ours would be taken.
                raise ServerAway(f"SENDER {_reply(code, text)}")
            _judge(code, text)
            _judge(*client.rcpt(address))
            if time.monotonic() > end:
                raise ServerAway("TOO_SLOW")
            _judge(*client.data(message))
        except smtplib.SMTPDataError as error:
            _judge(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if _timed_out(error):
                raise ServerAway(codes(error)) from None
            # Whether it was taken is not known: it is sent again under the same Message-ID.
            raise TryLater(codes(error)) from None

    def _leave(self, client: smtplib.SMTP) -> None:
        """Says goodbye; the mail is handed over, or not, whatever becomes of this."""
        try:
            if client.sock is not None:
                client.sock.settimeout(_LEAVE_SECONDS)
            client.quit()
        except (smtplib.SMTPException, OSError):
            client.close()


def _judge(code: int, text: Any) -> None:
    """Raises what a server's answer means, unless it took what it was given."""
    if code == _CLOSING:
        raise ServerAway(_reply(code, text))
    if code >= _REFUSED:
        raise Refused(_reply(code, text))
    if code >= _LATER:
        raise TryLater(_reply(code, text))


def codes(error: Exception) -> str:
    """What happened, without a word of the server's texts."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return "TimeoutError" if _timed_out(error) else type(error).__name__


def _timed_out(error: BaseException) -> bool:
    """Whether it is a time-out, which smtplib makes a lost connection."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _reply(code: int, text: Any) -> str:
    found = _ENHANCED.match(text if isinstance(text, bytes) else str(text).encode())
    return f"{code} {found[1].decode()}" if found else str(code)
