"""Writes the day's anchor of every tenant, into the file first: a witness of too much does no harm."""

from __future__ import annotations

import logging
import pathlib

from hms_server.audit import anchor, anchor_file, store
from hms_server.audit.anchor import Anchor
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)

# Tenants of one piece.
PIECE = 500


class Anchors:
    """Anchors chains with the first anchor key of the keyring. Two at once do no harm: the first to commit
    stands in the database, and the file may hold both."""

    def __init__(
        self, database: Database, keyring: Keyring, file: pathlib.Path | None, piece: int = PIECE
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._file = file
        self._piece = piece

    def run(self) -> int:
        """Anchors every chain that has no anchor of today yet; returns how many. Raises OSError where the
        file cannot be written: nothing is then written to the database either, and the task runs again."""
        total = 0
        after: str | None = None
        while True:
            ends = store.unanchored(self._database, after, self._piece)
            if not ends:
                return total
            after = ends[-1].tenant_id
            anchors = []
            for end in ends:
                if end.sequence < end.anchored:
                    # What was signed before stays the witness; this end is not signed over it.
                    logs.event(
                        _log,
                        logging.ERROR,
                        "an audit chain is shorter than its anchor: run `hms audit verify`",
                        tenant_id=end.tenant_id,
                    )
                    continue
                made = Anchor(end.tenant_id, end.date, end.sequence, end.hash)
                anchors.append(anchor.sign(made, self._keyring))
            if anchors:
                if self._file is not None:
                    anchor_file.append(self._file, anchors)
                total += store.add_anchors(self._database, anchors)
