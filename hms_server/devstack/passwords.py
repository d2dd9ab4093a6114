"""The passwords of a stack: random, made at its first start, in a file only its owner can read."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields

from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import Layout, write_private
from hms_server.safety import DEVELOPMENT_MARK


def _new_password() -> str:
    return DEVELOPMENT_MARK + secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Passwords:
    """One password for each account that the stack makes."""

    postgres: str = field(default_factory=_new_password)
    owner: str = field(default_factory=_new_password)
    app: str = field(default_factory=_new_password)
    worker: str = field(default_factory=_new_password)
    redis: str = field(default_factory=_new_password)
    platform_admin: str = field(default_factory=_new_password)
    demo_admin: str = field(default_factory=_new_password)


def load_or_make(layout: Layout) -> Passwords:
    """The passwords of earlier starts, or new ones at the first."""
    if not layout.passwords.exists():
        if layout.postgres.exists():
            raise StackError(
                f"{layout.passwords} is missing, so {layout.postgres} cannot be opened: "
                f"put it back, or delete {layout.folder} to begin anew."
            )
        passwords = Passwords()
        write_private(layout.passwords, json.dumps(asdict(passwords), indent=2) + "\n")
        return passwords
    try:
        stored = json.loads(layout.passwords.read_text(encoding="utf-8"))
        return Passwords(**{each.name: str(stored[each.name]) for each in fields(Passwords)})
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"{layout.passwords} is damaged: put it back, or delete {layout.folder} to begin anew."
        ) from error
