"""FhirService: proto in, proto out. By now the caller is known and allowed."""

from __future__ import annotations

from collections.abc import Iterator

from hms.fhir.v1 import fhir_pb2 as pb
from hms_server.context import Call
from hms_server.database.transaction import Database
from hms_server.fhir.importer import Importer
from hms_server.fhir.items import CREATED, UNCHANGED, UPDATED
from hms_server.patient.uhid import UhidAllocator


class FhirServicer:
    """Brings in records of other systems."""

    def __init__(self, database: Database) -> None:
        """`database` gives a transaction the time that a large bundle takes: minutes, not seconds."""
        self._importer = Importer(database, UhidAllocator(database))

    def ImportBundle(self, requests: Iterator[pb.ImportBundleRequest], call: Call) -> pb.ImportBundleResponse:
        """One bundle, all of it or nothing; raises InvalidArgument (BUNDLE_REJECTED)."""
        source = ""
        pieces = []
        for i, request in enumerate(requests):
            if i == 0:
                source = request.source
            pieces.append(request.bundle.data)
        text = b"".join(pieces)
        pieces.clear()
        outcome = self._importer.run(text, source, call)
        types = sorted({type_ for type_, _ in outcome.counts})
        return pb.ImportBundleResponse(
            counts=[
                pb.ImportBundleResponse.TypeCount(
                    type=type_,
                    created=outcome.counts[type_, CREATED],
                    updated=outcome.counts[type_, UPDATED],
                    unchanged=outcome.counts[type_, UNCHANGED],
                )
                for type_ in types
            ],
            skipped=outcome.skipped,
            left_out=outcome.left_out,
        )
