"""Runs the `hms` commands that set the system up, one after another, as an operator would."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import last_lines
from hms_server.supervise import launch_command


def hms(*arguments: str) -> tuple[str, ...]:
    """The command line of an `hms` sub-command, run by this very Python."""
    return (sys.executable, "-m", "hms_server", *arguments)


@dataclass(frozen=True)
class Commands:
    """Commands with one environment; what they print goes to one log."""

    environment: Mapping[str, str]
    log: Path

    def run(self, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        """Run `hms` with these arguments to its end, or raise with the end of what it printed."""
        with open(self.log, "ab") as log:
            status = self._call(arguments, extra, log.fileno()).returncode
        if status != 0:
            raise StackError(
                f"`hms {' '.join(arguments)}` failed (status {status}); the end of {self.log}:\n"
                f"{last_lines(self.log)}"
            )

    def show(self, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        """The same for a long command, whose own progress is shown."""
        status = self._call(arguments, extra, None).returncode
        if status != 0:
            raise StackError(f"`hms {' '.join(arguments)}` failed (status {status}); see above.")

    def holds(self, *arguments: str, timeout: float = 10.0) -> bool:
        """Whether a command answers with success."""
        try:
            return self._call(arguments, None, subprocess.DEVNULL, timeout).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _call(
        self,
        arguments: tuple[str, ...],
        extra: Mapping[str, str] | None,
        output: int | None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            launch_command(hms(*arguments)),
            check=False,
            env={**self.environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            timeout=timeout,
            start_new_session=True,
        )
