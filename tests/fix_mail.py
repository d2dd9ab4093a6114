"""A real SMTP server for tests, which keeps what it takes and can be told to misbehave."""

from __future__ import annotations

import email
import email.policy
import ssl
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from hms_server.devstack.ports import free_ports
from hms_server.notify.post import Letterhead, Post
from hms_server.notify.smtp import Server
from tests.certificates import Pair

HOST = "127.0.0.1"
USER, PASSWORD = "hms@relay", "a-long-secret"
HEAD = Letterhead("HMS <hms@hospital.example>", "https://front.example/app")


class Taken:
    """One mail that the server took."""

    def __init__(self, envelope: Any, secure: bool, login: str) -> None:
        self.raw: bytes = envelope.original_content
        self.sender: str = envelope.mail_from
        self.recipients: list[str] = list(envelope.rcpt_tos)
        self.secure = secure
        self.login = login

    @property
    def message(self) -> EmailMessage:
        """It, parsed."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        """What it says."""
        return self.message.get_content().replace("\r\n", "\n")

    @property
    def identity(self) -> str:
        """Its Message-ID."""
        return self.message["Message-ID"]


class SmtpServer:
    """An SMTP server on a port of its own.

    `answers`: what to say to RCPT, by address. `after_data`: what to say (or do) to a mail that was taken.
    """

    def __init__(
        self, pair: Pair | None = None, *, starttls: bool = False, login: bool = False, port: int = 0
    ) -> None:
        self.taken: list[Taken] = []
        self.answers: dict[str, str] = {}
        self.after_data: Callable[[Taken], str] = lambda taken: "250 2.0.0 taken"
        context = None
        self._secure = pair is not None and not starttls
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
        options: dict[str, Any] = {"server_hostname": "relay.test"}
        if starttls:
            options |= {"tls_context": context, "require_starttls": False}
        elif context is not None:
            options["ssl_context"] = context
        if login:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": starttls,
                "auth_require_tls": starttls,
            }
        self._controller = Controller(self, hostname=HOST, port=port or free_ports().smtp, **options)
        self.port = self._controller.port
        self._controller.start()

    def stop(self) -> None:
        """Ends it; the port is free again."""
        if self._controller.loop.is_running():
            self._controller.stop(no_assert=True)

    def url(self, query: str = "starttls=off", scheme: str = "smtp", login: str = "") -> str:
        """Its address."""
        return f"{scheme}://{login}{HOST}:{self.port}" + (f"?{query}" if query else "")

    def to(self, address: str) -> list[Taken]:
        """What it took for an address."""
        return [taken for taken in self.taken if address in taken.recipients]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Called by aiosmtpd."""
        answer = self.answers.get(address, "")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd."""
        taken = Taken(envelope, self._secure or session.ssl is not None, str(session.auth_data or ""))
        answer = self.after_data(taken)
        if answer.startswith("250"):
            self.taken.append(taken)
        return answer

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        fits = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=fits, handled=False, auth_data=data.login.decode() if fits else None)


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A server in the open, without log-in."""
    made = SmtpServer()
    yield made
    made.stop()


@pytest.fixture
def post(worker_database: Any, smtp_server: SmtpServer) -> Post:
    """The worker's part that sends."""
    return Post(worker_database, Server(smtp_server.url(), step_seconds=2.0), HEAD)


def wait(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `condition` gives once it gives something."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return found
