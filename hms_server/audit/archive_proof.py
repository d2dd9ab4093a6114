"""Whether archives are whole: each file, each chain, and how they join each other and the database."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from hms_server.audit import anchor, archive
from hms_server.audit.anchor import Anchor
from hms_server.audit.archive import Archive, ArchiveFault, Piece
from hms_server.audit.checkpoint import Checkpoint
from hms_server.audit.proof import Proof, Start
from hms_server.keyring import Keyring

# Anchors that name an event of a piece: tenant, first and last sequence.
FindAnchors = Callable[[str, int, int], Iterable[Anchor]]


class Proven(NamedTuple):
    """What was verified."""

    months: int
    events: int


def prove(folder: pathlib.Path, keyring: Keyring, find_anchors: FindAnchors) -> Archive:
    """Verifies a month's folder against the keys and the anchors; raises ArchiveFault with what is wrong
    first."""
    found = archive.read_manifest(folder, keyring)
    strange = {each.name for each in folder.iterdir()} - {piece.file for piece in found.pieces.values()}
    if strange != {archive.MANIFEST}:
        raise ArchiveFault(f"{folder}: the manifest does not know {', '.join(sorted(strange))}")
    for piece in found.pieces.values():
        if not archive.is_safe_name(piece):
            raise ArchiveFault(f"{folder}: {piece.file!r} is no file of a tenant")
        anchors = list(find_anchors(piece.tenant_id, piece.first_sequence, piece.last_sequence))
        _prove_piece(folder, piece, keyring, anchors)
    return found


def _prove_piece(folder: pathlib.Path, piece: Piece, keyring: Keyring, anchors: Sequence[Anchor]) -> None:
    where = folder / piece.file
    for each in anchors:
        wrong = anchor.fault(each, keyring)
        if wrong:
            raise ArchiveFault(f"{where}: {each.name} is forged: {wrong}")
    start = Start(piece.first_sequence - 1, bytes.fromhex(piece.previous_hash))
    proof, events, first = Proof(keyring, anchors, start), 0, ""
    for event, stored_hash in archive.read_piece(folder, piece):
        fault = proof.follow(event, stored_hash, len(event["patient_ids"]))
        if fault is None and event["tenant_id"] != piece.tenant_id:
            raise ArchiveFault(f"{where}: event {proof.sequence} is of another tenant")
        if fault is not None:
            raise ArchiveFault(f"{where}: {fault}")
        events, first = events + 1, first or stored_hash.hex()
    told = (piece.events, piece.last_sequence, piece.first_hash, piece.last_hash)
    if told != (events, proof.sequence, first, proof.hash.hex()):
        raise ArchiveFault(f"{where}: it does not end where the manifest says")


def join(archives: Iterable[tuple[pathlib.Path, Archive]]) -> None:
    """Raises ArchiveFault where a tenant's pieces leave a gap, or are not of one chain. The first piece of a
    tenant must begin its chain."""
    ends: dict[str, Start] = {}
    for folder, found in archives:
        for tenant_id, piece in found.pieces.items():
            end = ends.get(tenant_id, Start())
            if piece.first_sequence != end.sequence + 1:
                raise ArchiveFault(
                    f"{folder}: of tenant {tenant_id} events {end.sequence + 1} to {piece.first_sequence - 1}"
                    " are in no archive"
                    if piece.first_sequence > end.sequence
                    else f"{folder}: of tenant {tenant_id} event {piece.first_sequence} is archived twice"
                )
            if piece.previous_hash != end.hash.hex():
                raise ArchiveFault(
                    f"{folder}: tenant {tenant_id} goes on from another event than it ended with"
                )
            ends[tenant_id] = Start(piece.last_sequence, bytes.fromhex(piece.last_hash))


def compare(archives: Sequence[tuple[pathlib.Path, Archive]], checkpoints: Iterable[Checkpoint]) -> None:
    """Raises ArchiveFault where a checkpoint of the database has no archive that ends with it."""
    by_month = {found.month: (folder, found) for folder, found in archives}
    for each in checkpoints:
        there = by_month.get(each.month)
        if there is None:
            if each.dropped:
                raise ArchiveFault(
                    f"{each.month[:7]} was dropped from the database, and no archive of it is here"
                )
            continue
        folder, found = there
        piece = found.pieces.get(each.tenant_id)
        if piece is None or piece.checkpoint(found.month).says() != each.says():
            raise ArchiveFault(
                f"{folder}: tenant {each.tenant_id} does not end at {each.name} of the database"
            )
