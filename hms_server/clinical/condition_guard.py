"""Codes of a condition are looked up before it is written: in ICD-10, and in the hospital's own lists."""

from __future__ import annotations

from typing import Any

from hms_server.clinical import icd10, terminology
from hms_server.clinical import prescribing_store as store
from hms_server.clinical.terminology import Listed
from hms_server.context import Call
from hms_server.database.transaction import Pending, Transaction


class ConditionGuard:
    """Refuses codes that their systems do not have, and fills displays."""

    locks_patient = False

    def load(
        self, transaction: Transaction, message: Any, *, patient_id: str, encounter_id: str, record_id: str
    ) -> Pending | None:
        """Queues what the hospital's lists say; reads a list of ICD-10 that is needed for the first time."""
        asked = terminology.codings((message.code,))
        for system in {system for system, _ in asked}.intersection(icd10.SYSTEMS):
            icd10.code_list(system)
        own = [each for each in asked if each[0] and each[0] not in icd10.SYSTEMS]
        return store.listed_codes(transaction, own) if own else None

    def check(
        self,
        loaded: Pending | None,
        before: Any | None,
        message: Any,
        sent: Any,
        call: Call,
        patient_id: str,
    ) -> dict[str, Any]:
        """Raises InvalidArgument. A code that an amendment leaves as it is (it may have been imported)
        stays."""
        if before is not None and before.code == message.code:
            return {}
        rows = loaded.rows if loaded is not None else ()
        listed = {(row.system, row.code): Listed(row.is_listed, row.active, row.display) for row in rows}
        terminology.check(message.code, "condition.code", listed)
        return {}
