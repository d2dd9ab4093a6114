"""The stack's mail server: takes every mail and sends none on; each lies in the folder `mail`, to be read.

A program of its own, started as `python -m hms_server.devstack.mailbox PORT FOLDER`. A mail that comes twice
is one file, since the files are named by Message-ID.
"""

import email
import email.policy
import re
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from hms_server.devstack.layout import write_private
from hms_server.devstack.ports import LOCALHOST

_GREETING = b"220"


class Mailbox:
    """Keeps mails in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keeps one; called by aiosmtpd."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        name = re.sub(r"[^A-Za-z0-9.-]", "", str(mail["Message-ID"]).partition("@")[0])[:80]
        head = "".join(f"{each}: {mail[each]}\n" for each in ("From", "To", "Date", "Subject", "Message-ID"))
        text = mail.get_content() if mail.get_content_type() == "text/plain" else ""
        write_private(self._folder / f"{name}.txt", f"{head}\n{text}".replace("\r\n", "\n"))
        return "250 2.0.0 kept"


def answers(port: int) -> bool:
    """Whether a mail server greets on a port of this machine."""
    try:
        with socket.create_connection((LOCALHOST, port), timeout=2.0) as connection:
            return connection.recv(len(_GREETING)) == _GREETING
    except OSError:
        return False


def main(port: str, folder: str) -> None:
    """Takes mails until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    controller = Controller(Mailbox(Path(folder)), hostname=LOCALHOST, port=int(port))
    controller.start()
    stop.wait()
    controller.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
