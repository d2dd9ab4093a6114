-- Statements of practitioners alone: lists in more than one order, and whose account a user's is.
--
-- Loaded once for each order and direction: {key} is the column of the order, {type} its type, {after} > or <,
-- {direction} nothing or DESC.

-- name: list
SELECT p.id, p.version, p.document, p.create_time, p.update_time, p.delete_time, p.user_id, p.name_key
FROM practitioner p
WHERE p.tenant_id = :tenant_id AND (p.{key}, p.id) {after} (:key::{type}, :id::uuid)
  AND (:show_inactive::boolean OR p.active) AND (:show_deleted::boolean OR p.delete_time IS NULL)
  AND ' ' || p.name_key LIKE ALL (:patterns::text[])
ORDER BY p.{key} {direction}, p.id {direction} LIMIT :limit::integer

-- A department has some hundreds of practitioners: they are sorted.
-- name: list_of_department
SELECT p.id, p.version, p.document, p.create_time, p.update_time, p.delete_time, p.user_id, p.name_key
FROM practitioner p
WHERE p.tenant_id = :tenant_id AND (p.{key}, p.id) {after} (:key::{type}, :id::uuid)
  AND p.id IN (SELECT d.practitioner_id FROM practitioner_department d
               WHERE d.tenant_id = :tenant_id AND d.department_id = :department_id::uuid)
  AND (:speciality::text = '' OR EXISTS (
    SELECT FROM practitioner_speciality s
    WHERE s.tenant_id = :tenant_id AND s.practitioner_id = p.id AND s.code = :speciality::text
      AND (:system::text = '' OR s.system = :system::text)))
  AND (:show_inactive::boolean OR p.active) AND (:show_deleted::boolean OR p.delete_time IS NULL)
  AND ' ' || p.name_key LIKE ALL (:patterns::text[])
ORDER BY p.{key} {direction}, p.id {direction} LIMIT :limit::integer

-- name: list_of_speciality
SELECT p.id, p.version, p.document, p.create_time, p.update_time, p.delete_time, p.user_id, p.name_key
FROM practitioner p
WHERE p.tenant_id = :tenant_id AND (p.{key}, p.id) {after} (:key::{type}, :id::uuid)
  AND p.id IN (SELECT s.practitioner_id FROM practitioner_speciality s
               WHERE s.tenant_id = :tenant_id AND s.code = :speciality::text
                 AND (:system::text = '' OR s.system = :system::text))
  AND (:show_inactive::boolean OR p.active) AND (:show_deleted::boolean OR p.delete_time IS NULL)
  AND ' ' || p.name_key LIKE ALL (:patterns::text[])
ORDER BY p.{key} {direction}, p.id {direction} LIMIT :limit::integer

-- One row at most.
-- name: list_by_code
SELECT p.id, p.version, p.document, p.create_time, p.update_time, p.delete_time, p.user_id, p.name_key
FROM practitioner p
WHERE p.tenant_id = :tenant_id AND p.code = :code AND p.code <> ''
  AND (:department_id::uuid IS NULL OR EXISTS (
    SELECT FROM practitioner_department d
    WHERE d.tenant_id = :tenant_id AND d.practitioner_id = p.id AND d.department_id = :department_id::uuid))
  AND (:speciality::text = '' OR EXISTS (
    SELECT FROM practitioner_speciality s
    WHERE s.tenant_id = :tenant_id AND s.practitioner_id = p.id AND s.code = :speciality::text
      AND (:system::text = '' OR s.system = :system::text)))
  AND (:show_inactive::boolean OR p.active) AND (:show_deleted::boolean OR p.delete_time IS NULL)
  AND ' ' || p.name_key LIKE ALL (:patterns::text[])
