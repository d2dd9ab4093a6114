-- Holds that ran out (holds.py).

-- name: expire_holds
SELECT h.id, h.practitioner_id, h.department_id, h.service, h.start_time, h.end_time
FROM expire_holds(:tenant_id, :ids::uuid[]) h
