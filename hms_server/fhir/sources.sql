-- Where imported records came from: which of them are here already, and as what.
--
-- Statements that wait for other imports go through the records in one order, so that two imports never
-- wait for each other in a circle: all claims come before all locks.

-- name: known
SELECT s.type, s.source_id, s.entity_id, s.content_hash
FROM jsonb_to_recordset(:keys::jsonb) AS k (type text, id text)
JOIN source_record s
  ON s.tenant_id = :tenant_id AND s.source = :source AND s.type = k.type AND s.source_id = k.id

-- One that another import made a moment ago is passed by; one that is being made is waited for.
-- name: claim
INSERT INTO source_record (tenant_id, source, type, source_id, entity_id, content_hash)
SELECT :tenant_id::uuid, :source, r.type, r.id, r.entity_id, decode(r.hash, 'hex')
FROM jsonb_to_recordset(:rows::jsonb) AS r (type text, id text, entity_id uuid, hash text)
ORDER BY r.type COLLATE "C", r.id COLLATE "C"
ON CONFLICT DO NOTHING

-- name: lock
SELECT s.type, s.source_id, s.entity_id, s.content_hash
FROM jsonb_to_recordset(:keys::jsonb) AS k (type text, id text)
JOIN source_record s
  ON s.tenant_id = :tenant_id AND s.source = :source AND s.type = k.type AND s.source_id = k.id
ORDER BY s.type, s.source_id
FOR NO KEY UPDATE OF s

-- name: renew
UPDATE source_record s SET entity_id = r.entity_id, content_hash = decode(r.hash, 'hex')
FROM jsonb_to_recordset(:rows::jsonb) AS r (type text, id text, entity_id uuid, hash text)
WHERE s.tenant_id = :tenant_id AND s.source = :source AND s.type = r.type AND s.source_id = r.id

-- Whose these clinical records are.
-- name: owners
SELECT id, patient_id FROM encounter WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])
UNION ALL
SELECT id, patient_id FROM clinical_record WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])
