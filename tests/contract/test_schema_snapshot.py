"""migrations/schema.sql is what the migrations make, so that a reviewer sees a change as a whole.

`scripts/test tests/contract/test_schema_snapshot.py --update-schema` writes it anew.
"""

from __future__ import annotations

import pathlib
import re
import subprocess

from hms_server.devstack.binaries import postgres_folder

SNAPSHOT = pathlib.Path(__file__).parents[2] / "migrations" / "schema.sql"


def dump(owner_url: str) -> str:
    """The schema without what differs from run to run: partitions of months, versions, keys."""
    text = subprocess.run(
        [
            str(postgres_folder() / "pg_dump"),
            "--schema-only",
            "--exclude-table=audit_event_2*",
            "--exclude-table=audit_event_patient_2*",
            owner_url,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kept = [
        line for line in text.splitlines() if not re.match(r"--|\\|SET |SELECT pg_catalog\.set_config", line)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


def test_the_snapshot_equals_the_migrations(postgres, request):
    present = dump(postgres.owner)
    if request.config.getoption("--update-schema"):
        SNAPSHOT.write_text(present)
    assert present == SNAPSHOT.read_text(), (
        "run scripts/test tests/contract/test_schema_snapshot.py --update-schema"
    )
