"""`hms mail test ADDRESS`: sends a mail through HMS_SMTP_URL at once, and says how that went."""

from __future__ import annotations

import argparse

from hms_server import config, ids
from hms_server.errors import ConfigError
from hms_server.notify import message, smtp
from hms_server.notify.kinds import Text

_TEXT = Text(
    "HMS: a test",
    "This mail was sent by `hms mail test`: mails of HMS come through.\n\nLinks begin with {url}\n",
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("mail", help="try the SMTP server")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="send a mail to an address")
    test.add_argument("address", metavar="ADDRESS")


def run(arguments: argparse.Namespace) -> int:
    """Sends it; raises ConfigError where it is not taken."""
    settings = config.load(serving=False)
    settings.require("smtp_url", "mail_from", "front_end_url")
    sender = message.sender_address(settings.mail_from)
    identity = f"<{ids.uuid7()}.test@{sender.partition('@')[2]}>"
    text = Text(_TEXT.subject, _TEXT.body.format(url=settings.front_end_url))
    server = smtp.Server(settings.smtp_url, development=settings.mode == "development")
    try:
        made = message.compose(text, arguments.address, settings.mail_from, identity)
        server.send(sender, arguments.address, made)
    except message.Unsendable as error:
        raise ConfigError(f"the address is none ({error})") from None
    except smtp.ServerAway as error:
        raise ConfigError(
            f"the server of HMS_SMTP_URL cannot be reached, or does not let us in ({error})"
        ) from None
    except (smtp.TryLater, smtp.Refused) as error:
        raise ConfigError(f"the server does not take a mail to this address ({error})") from None
    print(f"the server took {identity} for {arguments.address}")
    return 0
