"""What some types of record need beside the rules that all share: they are looked at between the two
flushes of a
write, with what was loaded in the first.

Whoever imports a whole history (bulk.py) passes no guard: what another system recorded is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hms_server.clinical.allergy_guard import AllergyGuard
from hms_server.clinical.condition_guard import ConditionGuard
from hms_server.clinical.kinds import Kind
from hms_server.clinical.prescribing_guard import PrescribingGuard
from hms_server.context import Call
from hms_server.database.transaction import Transaction


class Guard(Protocol):
    """Looks at one type's records before they are written."""

    locks_patient: bool  # whether changes for one patient wait for each other

    def load(
        self, transaction: Transaction, message: Any, *, patient_id: str, encounter_id: str, record_id: str
    ) -> Any:
        """Queues what `check` needs. A new record has no id; one that is amended has that alone."""

    def check(
        self, loaded: Any, before: Any | None, message: Any, sent: Any, call: Call, patient_id: str
    ) -> dict[str, Any]:
        """Fills and refuses `message`, the record as it is to be; returns fields for the audit.

        `before`: as it was, None where it is new. `sent`: what the caller said of it.
        """


def guard_of(kind: Kind) -> Guard | None:
    """The guard of a type, where it has one."""
    return _GUARDS.get(kind.type)


_GUARDS: Mapping[str, Guard] = {
    "ALLERGY": AllergyGuard(),
    "CONDITION": ConditionGuard(),
    "PRESCRIPTION": PrescribingGuard(),
}
