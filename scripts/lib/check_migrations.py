"""Migrations are numbered without a gap, and none that was released has changed.

`migrations/checksums.txt` holds what was released; a new migration adds its line at the release.
That schema.sql equals the migrations needs a server: tests/contract/test_schema_snapshot.py.
"""

from __future__ import annotations

import pathlib
import sys

from hms_server.database.migrate import read

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main() -> int:
    """Compares; returns the exit status."""
    present = {m.name: m.checksum for m in read(ROOT / "migrations")}
    released = dict(line.split() for line in (ROOT / "migrations" / "checksums.txt").read_text().splitlines())
    if "--release" in sys.argv:
        text = "".join(f"{name} {checksum}\n" for name, checksum in present.items())
        (ROOT / "migrations" / "checksums.txt").write_text(text)
        return 0
    changed = [name for name, checksum in released.items() if present.get(name) != checksum]
    if changed:
        print("changed after its release, put it back and write a new migration:", *changed)
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
