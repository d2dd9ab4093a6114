-- Holds that ran out (holds.py).

-- name: expire_holds
SELECT h.id, h.practitioner_id, h.department_id, h.service, h.start_time, h.end_time
FROM expire_holds(:tenant_id, :ids::uuid[]) h

-- name: expire_due_holds
SELECT h.tenant_id, h.id, h.practitioner_id, h.department_id, h.service, h.start_time, h.end_time
FROM expire_due_holds(:rows::integer) h
