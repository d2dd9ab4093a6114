"""Merges as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hms.patient.v1 import merge_pb2 as pb
from hms_server.patient.mapping import display_name, timestamp
from hms_server.patient.merge_rules import Conflict


def merge(row: Any) -> pb.Merge:
    """A row of patient_merge."""
    return pb.Merge(
        id=row.id,
        survivor_id=row.survivor_id,
        merged_id=row.merged_id,
        actor_id=row.actor_id,
        reason=row.reason,
        merge_time=timestamp(row.merge_time),
        decisions=[
            pb.MergeDecision(field=d["field"], keep=pb.MergeKeep.Value(f"MERGE_KEEP_{d['keep']}"))
            for d in row.decisions
        ],
        moved=_counts(row.moved),
        unmerge_time=timestamp(row.unmerge_time) if row.unmerge_time is not None else None,
        unmerge_actor_id=row.unmerge_actor_id,
        unmerge_reason=row.unmerge_reason,
    )


def unmerged(row: Any) -> pb.UnmergePatientsResponse:
    """The answer to an unmerge: the row, and what was found then."""
    return pb.UnmergePatientsResponse(merge=merge(row), **row.unmerge_result)


def preview(
    survivor: Any,
    merged: Any,
    conflicts: Iterable[Conflict],
    additions: Iterable[tuple[str, list[str]]],
    counts: Mapping[str, int],
) -> pb.PreviewMergeResponse:
    """What a merge of two rows would do."""
    return pb.PreviewMergeResponse(
        conflicts=[pb.MergeConflict(**conflict._asdict()) for conflict in conflicts],
        additions=[pb.MergeAddition(field=field, values=values) for field, values in additions],
        moved=_counts(counts),
        survivor_etag=str(survivor.version),
        merged_etag=str(merged.version),
    )


def paired(row: Any) -> pb.PairedPatient:
    """One side of a pair."""
    return pb.PairedPatient(
        patient_id=row.id,
        uhid=row.uhid,
        display_name=display_name(row.document["names"]),
        birth_date=row.document.get("birth_date"),
    )


def _counts(moved: Mapping[str, int]) -> list[pb.MergeCount]:
    return [pb.MergeCount(type=kind, count=count) for kind, count in sorted(moved.items())]
