"""What settings that hold secrets must be like, before anything starts with them.

Addresses are checked as text: PostgreSQL's library quotes a malformed one, password and all, in its
errors. Nothing here ever quotes a value; each mistake is a phrase that names the setting.
"""

from __future__ import annotations

import email.utils
import json
import os
import pathlib
import re
import stat
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote

# How every password of a development stack begins, so that none is taken along by mistake.
DEVELOPMENT_MARK = "hms-development-"

_COMMON = frozenset(
    [
        "admin",
        "administrator",
        "changeme",
        "default",
        "foobared",
        "hms",
        "guest",
        "hospital",
        "letmein",
        "master",
        "password",
        "passw0rd",
        "postgres",
        "qwerty",
        "redis",
        "root",
        "secret",
        "test",
        "welcome",
        "example",
        "development",
    ]
)
_SHORTEST = 8
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_HOST = r"(?:\[[^\]\s]*\]|[^\[\]:,@/?#\s]*)(?::\d*)?"
_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[^:@/?#\s]*)(?::(?P<password>[^@/?#\s]*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?P<path>/[^?#\s]*)?(?:\?(?P<query>[^#\s]*))?"
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")

_DATABASE_SCHEMES = ("postgresql", "postgres")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_SMTP_SCHEMES = ("smtp", "smtps")
_STARTTLS = ("required", "off")
# With one of these in the address a password is not what lets us in, or stands elsewhere.
_INSTEAD_OF_PASSWORD = ("sslcert", "passfile", "ssl_certfile")


def database_url(setting: str, url: str, *, production: bool) -> Iterator[str]:
    """What is wrong with a PostgreSQL address, as phrases."""
    yield from _url(setting, url, _DATABASE_SCHEMES, "postgresql://", production=production)


def same_database(url: str, other: str) -> bool:
    """Whether two PostgreSQL addresses name one database, as far as their text tells."""
    found = [_URL.fullmatch(each) for each in (url, other)]
    named = [(each["hosts"], each["path"], parse_qs(each["query"] or "")) for each in found if each]
    places = [
        (query.get("host", [hosts])[0], query.get("port", [""])[0], query.get("dbname", [path])[0])
        for hosts, path, query in named
    ]
    return len(places) == 2 and places[0] == places[1]


def redis_url(setting: str, url: str, *, production: bool) -> Iterator[str]:
    """What is wrong with a Redis address, as phrases."""
    yield from _url(setting, url, _REDIS_SCHEMES, "redis:// or rediss://", production=production)


def smtp_url(setting: str, url: str, *, production: bool) -> Iterator[str]:
    """What is wrong with an SMTP server's address, as phrases. No password is needed; in production none is
    sent in the open."""
    wanted = "smtp:// or smtps://"
    faults = list(_url(setting, url, _SMTP_SCHEMES, wanted, production=False))
    found = _URL.fullmatch(url)
    if faults or found is None:
        yield from faults
        return
    query = parse_qs(found["query"] or "", keep_blank_values=True)
    starttls = query.get("starttls", ["required"])[0]
    if set(query) - {"starttls", "ca"} or starttls not in _STARTTLS or "," in found["hosts"]:
        yield f"{setting} takes user, password, one host, port, ?starttls=required|off and &ca=FILE alone"
    if bool(found["user"]) != bool(found["password"]):
        yield f"{setting}: user and password go together"
    elif production and found["password"]:
        if found["scheme"] == "smtp" and starttls == "off":
            yield f"{setting} would send its password in the open: take out starttls=off, or use smtps://"
        yield from password(setting, unquote(found["password"]), unquote(found["user"]))


def is_sender(value: str) -> bool:
    """Whether mail can come from it: "hms@hospital.example" or "HMS <hms@hospital.example>"."""
    if not value.isprintable():
        return False
    address = email.utils.parseaddr(value)[1]
    return _MAIL_ADDRESS.fullmatch(address) is not None and value.endswith((address, f"<{address}>"))


def password(setting: str, value: str, user: str = "") -> Iterator[str]:
    """Why a password is none for production, as phrases."""
    if not value:
        yield f"{setting} holds no password"
    elif value.startswith(DEVELOPMENT_MARK):
        yield f"{setting} holds a password of a development stack"
    elif len(value) < _SHORTEST or value.lower() in _COMMON or value.lower() == user.lower():
        yield f"{setting} holds a password that anybody can guess"


def private_file(setting: str, path: pathlib.Path) -> Iterator[str]:
    """Whether others may read a file of secrets, as a phrase.

    Its owner alone may; a group, too, where the owner is somebody else, which is how Kubernetes hands
    secrets to a process that is not root.
    """
    try:
        status = path.stat()
    except OSError:
        return  # whoever reads it tells that
    forbidden = 0o077 if status.st_uid == os.geteuid() else 0o037
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        yield f"{setting}: others may read {path} (mode {mode:04o}): chmod 600 {path}"


def key_file(setting: str, path: pathlib.Path) -> Iterator[str]:
    """Whether the keys are those of a development stack, as a phrase."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return  # whoever reads it tells that
    if isinstance(content, dict) and content.get("development"):
        yield f"{setting} holds keys of a development stack"


def _url(setting: str, url: str, schemes: tuple[str, ...], wanted: str, *, production: bool) -> Iterator[str]:
    found = _URL.fullmatch(url)
    if found is None or found["scheme"] not in schemes or _BAD_ESCAPE.search(url):
        yield (
            f"{setting} is not a {wanted} URL (in a password, percent-encode what is not a letter or a digit)"
        )
        return
    if not production:
        return
    query = parse_qs(found["query"] or "")
    if found["scheme"] == "unix" or any(name in query for name in _INSTEAD_OF_PASSWORD):
        return
    given = unquote(found["password"] or "") or query.get("password", [""])[0]
    yield from password(setting, given, unquote(found["user"] or ""))
