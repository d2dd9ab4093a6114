-- Holds that ran out (holds.py).

-- name: expire_holds
SELECT h.id, h.patient_id, h.old_version, h.new_version
FROM expire_holds(:tenant_id, :ids::uuid[]) h
