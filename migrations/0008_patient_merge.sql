-- Two records of one person become one, and two again where that was wrong.
--
-- The losing record stays as a deleted patient that names the record it went into; what belongs to a patient
-- (every row with a foreign key to patient) goes over to the survivor, and each row that went is noted, so
-- that exactly those can go back (docs/decisions/0013-merge-moves-rows.md).

-- merged_into is always the record that stands at the end: where that one is merged itself, it follows.
-- merged_uhids: UHIDs of the records that were merged into this one, which it answers to.
ALTER TABLE patient
  ADD COLUMN merged_into uuid,
  ADD COLUMN merged_uhids text[] COLLATE "C" NOT NULL DEFAULT '{}',
  ADD CONSTRAINT patient_merged_into_fkey FOREIGN KEY (tenant_id, merged_into) REFERENCES patient (tenant_id, id),
  ADD CONSTRAINT patient_merged_is_deleted CHECK (merged_into IS NULL OR delete_time IS NOT NULL);
CREATE INDEX patient_by_merged_into ON patient (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
ALTER TABLE patient_version
  ADD COLUMN merged_into uuid,
  ADD COLUMN merged_uhids text[] COLLATE "C" NOT NULL DEFAULT '{}';

CREATE TABLE patient_merge (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  survivor_id uuid NOT NULL,
  merged_id uuid NOT NULL,
  actor_id uuid NOT NULL,
  reason text NOT NULL,
  -- [{"field", "keep"}]
  decisions jsonb NOT NULL,
  -- versions that stood before; the merge made the ones that follow them
  survivor_version bigint NOT NULL,
  merged_version bigint NOT NULL,
  -- how many rows went over, by type
  moved jsonb NOT NULL DEFAULT '{}',
  -- taken after both records were locked
  merge_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  unmerge_time timestamptz,
  unmerge_actor_id uuid,
  unmerge_reason text NOT NULL DEFAULT '',
  -- what UnmergePatients answered: ids and names of fields
  unmerge_result jsonb,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, survivor_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, merged_id) REFERENCES patient (tenant_id, id)
);
CREATE INDEX patient_merge_by_survivor ON patient_merge (tenant_id, survivor_id, merge_time, id);
CREATE INDEX patient_merge_by_merged ON patient_merge (tenant_id, merged_id, merge_time, id);
-- A record goes into one other at a time.
CREATE UNIQUE INDEX patient_merge_in_force ON patient_merge (tenant_id, merged_id) WHERE unmerge_time IS NULL;
SELECT protect_tenant_table('patient_merge');
GRANT SELECT, INSERT, UPDATE ON patient_merge TO hms_app;

-- The rows that went over with a merge, and those of the survivor that were so new that they could be
-- mistaken for rows written after it (`stayed`).
CREATE TABLE patient_merge_item (
  tenant_id uuid NOT NULL,
  merge_id uuid NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  column_name text COLLATE "C" NOT NULL,
  row_id uuid NOT NULL,
  -- what the row is, as the audit names it
  entity_type text NOT NULL,
  -- the row's version at the merge: a later one was amended since
  row_version bigint NOT NULL,
  stayed boolean NOT NULL,
  PRIMARY KEY (tenant_id, merge_id, table_name, column_name, row_id),
  FOREIGN KEY (tenant_id, merge_id) REFERENCES patient_merge (tenant_id, id)
);
SELECT protect_tenant_table('patient_merge_item');
GRANT SELECT, INSERT ON patient_merge_item TO hms_app;

-- Columns that point to a patient, whichever room's table they stand in: found in the catalog, so that a
-- table of a later migration moves by itself. The registry's own tables (patient_...) are its history and
-- keys: they stay with their record. Such a table has id, version and create_time
-- (tests/contract/test_patient_references.py), and a column `type` where it holds several kinds of record.
CREATE FUNCTION patient_references() RETURNS TABLE (table_name text, column_name text, type_expression text)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  SELECT t.relname::text, a.attname::text,
         CASE WHEN EXISTS (SELECT FROM pg_attribute y WHERE y.attrelid = t.oid AND y.attname = 'type'
                             AND y.attnum > 0 AND NOT y.attisdropped)
              THEN 'lower(t.type)' ELSE quote_literal(t.relname) END
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair (attnum, target)
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = pair.attnum
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.target AND b.attname = 'id'
  WHERE c.contype = 'f' AND c.confrelid = 'public.patient'::regclass AND c.conparentid = 0
    AND t.relname !~ '^patient(_|$)'
  ORDER BY t.relname, a.attname
$$;

-- How many rows of each type belong to a patient.
CREATE FUNCTION count_patient_rows(tenant uuid, patient uuid) RETURNS TABLE (entity_type text, row_count bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
DECLARE
  reference record;
BEGIN
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %3$s, count(*) FROM %1$I t WHERE tenant_id = $1 AND %2$I = $2 GROUP BY 1',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, patient;
  END LOOP;
END
$$;

-- Gives everything that belongs to `merged` to `survivor`; returns the rows that went, by type. Both records
-- are locked: a row that was being written has been committed by now, and this statement sees it. The rows'
-- version and update_time stay, since nobody amended them.
CREATE FUNCTION move_patient_rows(tenant uuid, merge uuid, merged uuid, survivor uuid)
RETURNS TABLE (entity_type text, ids uuid[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
  reference record;
  merged_at timestamptz;
BEGIN
  SELECT m.merge_time INTO STRICT merged_at FROM patient_merge m WHERE m.tenant_id = tenant AND m.id = merge;
  FOR reference IN SELECT * FROM patient_references() LOOP
    -- A transaction that began before the merge and wrote to the survivor after it has an earlier create_time.
    -- None takes an hour: what is that new now and is not noted here was written afterwards.
    EXECUTE format(
      'INSERT INTO patient_merge_item'
      ' (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)'
      ' SELECT $1, $2, %1$L, %2$L, t.id, %3$s, t.version, true FROM %1$I t'
      ' WHERE t.tenant_id = $1 AND t.%2$I = $3 AND t.create_time > $4 - interval ''1 hour''',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, survivor, merged_at;
    EXECUTE format(
      'WITH moved AS ('
      ' UPDATE %1$I t SET %2$I = $4 WHERE t.tenant_id = $1 AND t.%2$I = $3'
      ' RETURNING t.id, t.version, %3$s AS entity_type)'
      ' INSERT INTO patient_merge_item'
      ' (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)'
      ' SELECT $1, $2, %1$L, %2$L, id, entity_type, version, false FROM moved',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, merged, survivor;
  END LOOP;
  -- Records that went into the one that now goes itself.
  WITH followed AS (
    UPDATE patient p SET merged_into = survivor
    WHERE p.tenant_id = tenant AND p.merged_into = merged RETURNING p.id, p.version
  )
  INSERT INTO patient_merge_item
    (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)
  SELECT tenant, merge, 'patient', 'merged_into', f.id, 'patient', f.version, false FROM followed f;
  RETURN QUERY
    SELECT i.entity_type, array_agg(DISTINCT i.row_id) FROM patient_merge_item i
    WHERE i.tenant_id = tenant AND i.merge_id = merge AND NOT i.stayed AND i.table_name <> 'patient'
    GROUP BY i.entity_type ORDER BY i.entity_type;
END
$$;

-- Gives back what went over with a merge. Returns by type the rows that went back (RETURNED), those of them
-- that were amended since (AMENDED), those of the survivor that went along (FOLLOWED), and those that were
-- written to the survivor since and stay with it (KEPT). A row that belongs to another one goes with that: an
-- observation in a visit has the visit's patient, also where it was amended into another visit since (a row
-- that is RETURNED and then KEPT was amended into one of the survivor's). Both sides of each join are a range
-- of an index: no loops, whatever the statistics of items that were just written say.
CREATE FUNCTION return_patient_rows(tenant uuid, merge uuid)
RETURNS TABLE (outcome text, entity_type text, ids uuid[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public SET enable_nestloop = off AS $$
DECLARE
  done patient_merge;
  reference record;
  link record;
  in_force uuid[];
  step record;
  types bigint;
  again boolean;
BEGIN
  SELECT * INTO STRICT done FROM patient_merge m WHERE m.tenant_id = tenant AND m.id = merge;
  in_force := ARRAY(
    SELECT m.id FROM patient_merge m
    WHERE m.tenant_id = tenant AND m.survivor_id = done.survivor_id AND m.unmerge_time IS NULL);
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'WITH returned AS ('
      ' UPDATE %1$I t SET %2$I = $3 FROM patient_merge_item i'
      ' WHERE i.tenant_id = $1 AND i.merge_id = $2 AND i.table_name = %1$L AND i.column_name = %2$L'
      '   AND NOT i.stayed AND t.tenant_id = $1 AND t.id = i.row_id AND t.%2$I = $4'
      ' RETURNING t.id, t.version > i.row_version AS amended, i.entity_type)'
      ' SELECT ''RETURNED'', r.entity_type, array_agg(r.id ORDER BY r.id) FROM returned r GROUP BY r.entity_type'
      ' UNION ALL'
      ' SELECT ''AMENDED'', r.entity_type, array_agg(r.id ORDER BY r.id) FROM returned r WHERE r.amended'
      ' GROUP BY r.entity_type',
      reference.table_name, reference.column_name)
    USING tenant, merge, done.merged_id, done.survivor_id;
  END LOOP;
  FOR step IN
    SELECT 'KEPT' AS outcome, done.merged_id AS from_id, done.survivor_id AS to_id
    UNION ALL SELECT 'FOLLOWED', done.survivor_id, done.merged_id
  LOOP
    LOOP
      again := false;
      FOR link IN
        SELECT child.table_name, child.column_name, child.type_expression, parent.table_name AS parent_name,
               a.attname AS parent_column
        FROM patient_references() child
        JOIN pg_constraint c ON c.conrelid = to_regclass(format('public.%I', child.table_name))
          AND c.contype = 'f' AND c.conparentid = 0
        JOIN patient_references() parent
          ON c.confrelid = to_regclass(format('public.%I', parent.table_name))
          AND parent.column_name = child.column_name
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair (attnum, target)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = pair.attnum
        JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.target AND b.attname = 'id'
      LOOP
        RETURN QUERY EXECUTE format(
          'WITH went AS ('
          ' UPDATE %1$I t SET %2$I = $3 FROM %4$I parent'
          ' WHERE t.tenant_id = $1 AND t.%2$I = $2'
          '   AND parent.tenant_id = $1 AND parent.id = t.%5$I AND parent.%2$I = $3'
          ' RETURNING t.id, %3$s AS entity_type)'
          ' SELECT $4, w.entity_type, array_agg(w.id ORDER BY w.id) FROM went w GROUP BY w.entity_type',
          link.table_name, link.column_name, link.type_expression, link.parent_name, link.parent_column)
        USING tenant, step.from_id, step.to_id, step.outcome;
        GET DIAGNOSTICS types = ROW_COUNT;
        again := again OR types > 0;
      END LOOP;
      EXIT WHEN NOT again;
    END LOOP;
  END LOOP;
  -- New rows of the survivor that were neither noted nor brought by another merge.
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'SELECT ''KEPT'', %3$s, array_agg(t.id ORDER BY t.id) FROM %1$I t'
      ' WHERE t.tenant_id = $1 AND t.%2$I = $3 AND t.create_time > $4 - interval ''1 hour'''
      '   AND NOT EXISTS ('
      '     SELECT FROM patient_merge_item i WHERE i.tenant_id = $1 AND i.merge_id = ANY ($5)'
      '       AND i.table_name = %1$L AND i.column_name = %2$L AND i.row_id = t.id'
      '       AND (i.merge_id = $2 OR NOT i.stayed))'
      ' GROUP BY 2',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, done.survivor_id, done.merge_time, in_force;
  END LOOP;
  UPDATE patient p SET merged_into = done.merged_id FROM patient_merge_item i
  WHERE i.tenant_id = tenant AND i.merge_id = merge AND i.table_name = 'patient'
    AND p.tenant_id = tenant AND p.id = i.row_id AND p.merged_into = done.survivor_id;
END
$$;

REVOKE ALL ON FUNCTION patient_references() FROM PUBLIC;
REVOKE ALL ON FUNCTION count_patient_rows(uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION move_patient_rows(uuid, uuid, uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION return_patient_rows(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION patient_references(), count_patient_rows(uuid, uuid),
  move_patient_rows(uuid, uuid, uuid, uuid), return_patient_rows(uuid, uuid) TO hms_app;
