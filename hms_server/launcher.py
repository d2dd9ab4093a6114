"""Starts one program so that it cannot outlive the process that started it.

`python -I -S launcher.py [options] -- PROGRAM ARGUMENT...` prepares this process and then becomes
the program, so the process id stays the same. On Linux the kernel is asked to signal the program
when its parent ends, however it ends: no server is left behind by a `kill -9` of the supervisor.

It is a program of its own because the same work in `subprocess`'s `preexec_fn` would run Python
code in a forked copy of a threaded process, where any lock may be held for ever. It imports little,
to add only milliseconds to a start.

Two options let a program that refuses to run as root (PostgreSQL) run when root is the user, in the
order given: `--user=UID:GID` changes to another user, `--namespace=UID:GID` makes a user namespace
in which the present user has that number (no new user, no change of file owners).
"""

import ctypes
import os
import signal
import sys

# From <linux/prctl.h> and <linux/sched.h>.
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
CLONE_NEWUSER = 0x10000000

# What a shell answers when a command cannot be run.
CANNOT_RUN = 127


def enter_namespace(inner_user: int, inner_group: int) -> None:
    """Move into a user namespace in which the present user and group have other numbers."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "user namespace")
    # The kernel takes a group map from an ordinary process only once setgroups is off.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inner_user} {user} 1"),
        ("gid_map", f"{inner_group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def become(user: int, group: int) -> None:
    """Change to another user for good."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    # A change of user hides /proc/self from that user, who may have a namespace to set up there.
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def end_with_parent(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent ends; stop now if it has ended already."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        raise ProcessLookupError("the process that started this one is gone")


def main(arguments: list[str]) -> None:
    """Prepare this process as the options say, then become the program."""
    split = arguments.index("--")
    options, program = arguments[:split], arguments[split + 1 :]
    parent, death_signal = 0, int(signal.SIGKILL)
    for option in options:
        name, _, value = option.partition("=")
        if name == "--parent":
            parent = int(value)
        elif name == "--death-signal":
            death_signal = int(value)
        elif name in ("--namespace", "--user"):
            user, _, group = value.partition(":")
            change = enter_namespace if name == "--namespace" else become
            change(int(user), int(group))
        else:
            raise ValueError(f"unknown option {option}")
    # Last, since a change of user clears it.
    if parent:
        end_with_parent(parent, death_signal)
    os.execvp(program[0], program)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        sys.exit(CANNOT_RUN)
