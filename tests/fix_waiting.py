"""What must be true of a hospital's appointments whatever was done to them, in whatever order."""

from __future__ import annotations

from typing import Any

from hms_server.scheduling import states

_STEPS = """
SELECT a.id::text, a.patient_id::text, a.version,
       (SELECT array_agg(v.row_data ->> 'state' ORDER BY v.version) FROM appointment_version v
        WHERE v.tenant_id = a.tenant_id AND v.id = a.id) || a.state,
       (SELECT array_agg(o.record ->> 'new_version' || ' ' || o.patient_ids[1]
                         ORDER BY (o.record ->> 'new_version')::int)
        FROM audit_outbox o
        WHERE o.tenant_id = a.tenant_id AND o.record ->> 'entity_id' = a.id::text
          AND o.record ? 'new_version'
          AND o.record ->> 'new_version' IS DISTINCT FROM o.record ->> 'old_version')
FROM appointment a WHERE a.tenant_id = %s
"""


def check_steps(owner: Any, tenant_id: str) -> None:
    """Each appointment has all its versions; each leads to the next by the table of states, and each has its
    one audit record, which names the patient."""
    for appointment_id, patient_id, version, went, audited in owner.execute(_STEPS, [tenant_id]):
        assert len(went) == version, appointment_id
        for before, after in zip(went, went[1:], strict=False):
            assert before == after or after in states.APPOINTMENT[before], went
        assert audited == [f"{number} {patient_id}" for number in range(1, version + 1)], (went, audited)
