"""Consultation notes: drafts, signatures, and changes after them.

A signature holds the digest of what was signed, and whatever changes the text takes the signatures away in
the same version: a note is SIGNED only as it was signed.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from hms.clinical.v1 import note_pb2
from hms.common.v1 import datatypes_pb2
from hms_server import aip, errors
from hms_server.clinical import records, rules, store
from hms_server.clinical.kinds import NOTE
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction

DRAFT, SIGNED, AMENDED = "DRAFT", "SIGNED", "AMENDED"
SIGN, CO_SIGN = "SIGN", "CO_SIGN"
_CONSULT_NOTE = datatypes_pb2.Coding(system=rules.LOINC, code="11488-4", display="Consult note")


def digest(note: Any) -> str:
    """What a signature holds for: SHA-256 of the type and the four parts (note.proto says how)."""
    codings = note.code.codings
    parts = [
        codings[0].code if codings else "",
        *(note.subjective, note.objective, note.assessment, note.plan),
    ]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


class Notes(records.Records):
    """Consultation notes. Creation, reads and the mark of error are those of every record."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        super().__init__(NOTE, database, request_ids)

    def _complete_new(self, message: Any, call: Call) -> None:
        message.author_user_id = call.caller.user_id
        if not message.HasField("code"):
            message.code.codings.append(_CONSULT_NOTE)

    @on_conflict
    def amend(self, request: Any, call: Call) -> Any:
        """A draft by its author alone; a signed note with a reason, which takes its signatures away.

        Raises FailedPrecondition (NOT_AUTHOR), InvalidArgument for a missing reason.
        """
        sent = request.note
        aip.require_id("note.id", sent.id)
        selected = aip.selected(sent, request.update_mask, NOTE.mutable)

        def change(note: Any) -> None:
            if note.state == DRAFT:
                _require_author(note, call)
                rules.amend(note, sent, selected)
                rules.with_defaults(NOTE, note, records.now())
                return
            before = note_pb2.ConsultationNote()
            before.CopyFrom(note)
            rules.amend(note, sent, selected)
            rules.with_defaults(NOTE, note, records.now())
            if note == before:
                return
            if not request.reason.strip():
                raise errors.invalid_field("reason", "is required: the note was signed")
            note.amendment_reason = request.reason
            note.state = AMENDED
            note.ClearField("signatures")

        return self._change(request, call, sent.id, sent.etag, change, sent)

    @on_conflict
    def sign(self, request: Any, call: Call) -> Any:
        """By the account of the note's practitioner; where there is none, by whoever may sign.

        Raises FailedPrecondition (WRONG_STATE) where the note is signed, (NOT_SIGNER) where it is another's
        to sign, Aborted where it is another than the one that was read.
        """
        found: list[Pending] = []

        def look(transaction: Transaction) -> None:
            found.append(store.find_signer(transaction, request.id))

        def change(note: Any) -> None:
            if note.state == SIGNED:
                raise errors.FailedPrecondition(
                    "The note is signed already: another user may co-sign it.", metadata={"state": SIGNED}
                )
            if not any((note.subjective, note.objective, note.assessment, note.plan)):
                raise errors.FailedPrecondition("The note is empty: write it before it is signed.")
            _require_signer(found[-1], note, call)
            note.state = SIGNED
            note.ClearField("signatures")
            _add_signature(note, SIGN, call)

        return self._change(request, call, request.id, request.etag, change, None, look)

    @on_conflict
    def co_sign(self, request: Any, call: Call) -> Any:
        """Raises FailedPrecondition where the note is not signed (WRONG_STATE) or the caller signed it
        (SAME_SIGNER)."""

        def change(note: Any) -> None:
            if note.state != SIGNED:
                raise errors.FailedPrecondition(
                    "The note is not signed: it is co-signed once its author has signed it.",
                    metadata={"state": note.state},
                )
            if any(signature.user_id == call.caller.user_id for signature in note.signatures):
                raise errors.FailedPrecondition(
                    "The caller has signed this note: another user co-signs it.", reason="SAME_SIGNER"
                )
            _add_signature(note, CO_SIGN, call)

        return self._change(request, call, request.id, request.etag, change, None)


def _require_author(note: Any, call: Call) -> None:
    if note.author_user_id != call.caller.user_id:
        raise errors.FailedPrecondition(
            "The note is another user's draft: its author changes it.",
            reason="NOT_AUTHOR",
        )


def _require_signer(signer: Pending, note: Any, call: Call) -> None:
    if any(row.user_id != call.caller.user_id for row in signer.rows):
        raise errors.FailedPrecondition(
            "The note is another practitioner's, whose own account signs it. If it is not theirs, its author"
            " changes practitioner_id first.",
            reason="NOT_SIGNER",
            metadata={"practitioner_id": note.practitioner_id},
        )


def _add_signature(note: Any, type_: str, call: Call) -> None:
    note.signatures.add(
        type=type_, user_id=call.caller.user_id, sign_time=records.now(), text_sha256=digest(note)
    )
