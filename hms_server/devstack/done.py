"""Remembers which steps of the first start are done, so that the second start takes seconds."""

import json
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.layout import write_private


@dataclass(frozen=True)
class Done:
    """The names of finished steps, in a file that goes when the data is new."""

    path: Path

    def forget(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)

    def has(self, step: str) -> bool:
        """Whether a step was finished on this data."""
        return step in self._read()

    def add(self, step: str) -> None:
        """Note a step as finished."""
        write_private(self.path, json.dumps([*self._read(), step]))

    def _read(self) -> list[str]:
        try:
            steps = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        return [str(step) for step in steps]
