"""`hms audit verify-archive`: whether archived months are whole, join each other and the database."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterable, Sequence

from hms_server.audit import archive, archive_proof, retention_store
from hms_server.audit.anchor import Anchor
from hms_server.audit.archive import ArchiveFault
from hms_server.audit.verify import Verifier
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring


def verify(root: pathlib.Path, keys: Keyring, witnesses: Sequence[Anchor], database: Database | None) -> int:
    """Verifies a folder of archives, or the folder of one month, and says what is wrong first; returns the
    exit status. Without `database` it is not compared with one."""
    by_tenant: dict[str, list[Anchor]] = {}
    for each in witnesses:
        by_tenant.setdefault(each.tenant_id, []).append(each)

    def anchors(tenant_id: str, first: int, last: int) -> Iterable[Anchor]:
        stored = retention_store.anchors_of_piece(database, tenant_id, first, last) if database else ()
        given = (each for each in by_tenant.get(tenant_id, ()) if first <= each.sequence <= last)
        return (*stored, *given)

    try:
        found = [(folder, archive_proof.prove(folder, keys, anchors)) for folder in archive.months(root)]
        one = [folder for folder, _ in found] == [root]
        if not one:
            archive_proof.join(found)
        if database is not None:
            months = {each.month for _, each in found}
            for tenant_id, _ in Verifier(database, keys).tenants():
                stored = retention_store.checkpoints(database, tenant_id)
                archive_proof.compare(found, [each for each in stored if not one or each.month in months])
    except ArchiveFault as fault:
        print(f"the archive does not hold: {fault}")
        return 1
    if database is None:
        print("not compared with a database: HMS_WORKER_DATABASE_URL is not set", file=sys.stderr)
    pieces = [piece for _, each in found for piece in each.pieces.values()]
    events, tenants = sum(piece.events for piece in pieces), len({piece.tenant_id for piece in pieces})
    print(f"the archive holds: {len(found)} months, {events} events of {tenants} tenants")
    return 0
