"""As whom PostgreSQL runs: it refuses to run as root, or as a user without a name.

An ordinary user runs it as that user. For root, the first of these that works here:

1. root inside a user namespace where it has another number. Files keep their owner, so this works
   in a folder only root may enter, and no user is made.
2. The user who owns the checkout, where that is not root.
3. The number kept for nobody, where others may enter the folders (containers that forbid
   namespaces).

A user without a name (`docker run --user 12345`) gets a namespace, too, with the number of one that
has. Data that exists is always opened by whoever owns it.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.errors import StackError
from hms_server.supervise import launch_command

NOBODY = 65534

# Others may pass through a folder on the way to what is theirs, but not list it.
PASSABLE = 0o711


@dataclass(frozen=True)
class Account:
    """Options for launcher.py, and the user who must own the data (None: whoever makes it)."""

    options: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def account_of(user: int, group: int) -> Account:
    """How to run a program as this user, in a namespace where that cannot be done directly."""
    named = user != 0 and _has_name(user)
    namespace = () if named else (f"--namespace={_ordinary_numbers()}",)
    if user == os.geteuid():
        return Account(options=namespace)
    return Account(options=(f"--user={user}:{group}", *namespace), user=user, group=group)


def choose_account(program: Path, folder: Path, data: Path) -> Account:
    """Who runs `program` with its data at `data` below `folder`."""
    user, group = os.geteuid(), os.getegid()
    if data.exists():
        owner = data.stat()
        if user not in (0, owner.st_uid):
            raise StackError(
                f"{data} belongs to user {owner.st_uid}: start as that user, or give {folder} to "
                "this one with chown."
            )
        candidates = [account_of(owner.st_uid, owner.st_gid)]
    elif user == 0:
        checkout = program.stat()
        candidates = [account_of(user, group)]
        if checkout.st_uid != 0:
            candidates.append(account_of(checkout.st_uid, checkout.st_gid))
        candidates.append(account_of(NOBODY, NOBODY))
    else:
        candidates = [account_of(user, group)]
    return _first_that_works(candidates, program, folder)


def _first_that_works(candidates: list[Account], program: Path, folder: Path) -> Account:
    for candidate in candidates:
        if candidate.user is not None:
            folder.chmod(PASSABLE)
        if not candidate.options or _works(candidate, program, folder):
            return candidate
    raise StackError(
        "PostgreSQL does not run as root or as a user without a name, user namespaces are off "
        f"here, and another user may not enter {folder} or {program.parent}: start as an ordinary "
        "user, or open the folders above these (chmod o+x)."
    )


def _works(account: Account, program: Path, folder: Path) -> bool:
    script = 'cd "$1" && exec "$2" --version'
    command = launch_command(["/bin/sh", "-c", script, "sh", str(folder), str(program)], account.options)
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _ordinary_numbers() -> str:
    """User and group of somebody with a name here; inside a namespace they are only numbers.

    Nobody's comes last: it is also how files of users from outside the namespace look.
    """
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    chosen = min(others, key=lambda entry: (entry.pw_uid == NOBODY, entry.pw_uid), default=None)
    return f"{NOBODY}:{NOBODY}" if chosen is None else f"{chosen.pw_uid}:{chosen.pw_gid}"
