"""The shell file with everything a tool needs to reach the running stack: `. .hms/env`."""

from collections.abc import Mapping
from pathlib import Path

from hms_server.devstack.layout import write_private


def render(variables: Mapping[str, str]) -> str:
    """One `export` line for each variable, quoted so that a shell takes the value as it is."""
    lines = []
    for name, value in variables.items():
        quoted = value.replace("'", "'\\''")
        lines.append(f"export {name}='{quoted}'\n")
    return "".join(lines)


def render_pids(pids: Mapping[str, int]) -> str:
    """The process ids as `name=pid` pairs."""
    return " ".join(f"{name}={pid}" for name, pid in pids.items())


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file in one step; it holds passwords, so only its owner may read it."""
    write_private(path, render(variables))
