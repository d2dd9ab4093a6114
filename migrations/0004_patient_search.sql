-- Searching the patient registry.
--
-- Under RLS only leakproof conditions reach an index, and LIKE is not one. The functions
-- below run as a role whose policies are plain true, return ids only, and take the tenant from the
-- transaction's setting, never from an argument. Callers join the ids back under RLS.
--
-- Each criterion of a search is a list of ids in an index: a range of patient_key (words, phones,
-- identifiers), or of birth dates (kind ''). No row is looked up without need, so that a name that
-- every tenth patient has costs little more than a rare one: a short list is read whole; of a long
-- one some hundred entries are looked up where the other lists are so long that these must fill a
-- page; two long lists that share little are intersected inside the indexes. Trigrams serve what no
-- word begins with.
CREATE POLICY search_ids ON patient FOR SELECT TO hms_search USING (true);
GRANT SELECT (tenant_id, id, search_text, birth_date, delete_time) ON patient TO hms_search;
CREATE POLICY search_ids ON patient_key FOR SELECT TO hms_search USING (true);
GRANT SELECT ON patient_key TO hms_search;

-- The statement that reads a list, in the order of its index.
CREATE FUNCTION patient_list(kind text, low text, high text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  SELECT CASE WHEN kind = '' THEN
    format('SELECT id AS patient_id FROM patient WHERE tenant_id = %L AND delete_time IS NULL'
           ' AND birth_date >= %L AND birth_date < %L', current_setting('app.tenant_id'), low, high)
  ELSE
    format('SELECT patient_id FROM patient_key WHERE tenant_id = %L AND kind = %L'
           ' AND value >= %L AND value < %L', current_setting('app.tenant_id'), kind, low, high)
  END
$$;

-- How long a list is: counted up to `exact`, beyond that as the planner estimates it. Volatile, as is
-- what calls it, since EXPLAIN is refused to others.
CREATE FUNCTION patient_list_length(list text, exact integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
  length bigint;
  plan json;
BEGIN
  EXECUTE format('SELECT count(*) FROM (%s LIMIT %s) entries', list, exact) INTO length;
  IF length >= exact THEN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || list INTO plan;
    length := greatest(length, (plan -> 0 -> 'Plan' ->> 'Plan Rows')::bigint);
  END IF;
  RETURN length;
END
$$;

-- Of the first `depth` entries of a list, the live patients that hold every pattern and are in the
-- range of birth dates. OFFSET 0 keeps the planner from anything but look-ups by primary key.
CREATE FUNCTION patient_ids_on_list(
  list text, depth integer, patterns text[], birth_from text, birth_before text
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT p.id FROM (SELECT DISTINCT patient_id FROM (%s LIMIT %s) entries) list,'
    ' LATERAL (SELECT id, search_text, birth_date, delete_time FROM patient'
    ' WHERE tenant_id = %L AND id = list.patient_id OFFSET 0) p'
    ' WHERE p.delete_time IS NULL AND p.search_text LIKE ALL ($1)'
    ' AND ($2 = '''' OR (p.birth_date >= $2 AND p.birth_date < $3))',
    list, depth, current_setting('app.tenant_id'))
  USING patterns, birth_from, birth_before;
END
$$;

-- What two lists share, from the indexes alone: by hash or merge, since a nested loop over a range
-- would read it again for every entry of the other. At most `max_rows` (NULL: all); somebody with
-- several entries on a list comes several times.
CREATE FUNCTION patient_ids_on_both(list text, other text, max_rows integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET enable_nestloop = off SET enable_seqscan = off SET enable_bitmapscan = off
SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT patient_id FROM (%s) a JOIN (%s) b USING (patient_id) LIMIT %s',
    list, other, coalesce(max_rows::text, 'ALL'));
END
$$;

-- Live patients whose search_text holds every one of `words`, be it inside a word (those of one or
-- two letters: at the beginning of one). Bitmap scans only: a plain scan that hopes to fill its limit
-- early reads the whole table where it hoped in vain.
CREATE FUNCTION patient_ids_with_parts(
  words text[], birth_from text, birth_before text, max_rows integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET enable_seqscan = off SET enable_indexscan = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
  statement text := 'SELECT id FROM patient WHERE tenant_id = $1 AND delete_time IS NULL';
BEGIN
  FOR i IN 1 .. cardinality(words) LOOP
    statement := statement || format(' AND search_text LIKE %L',
      CASE WHEN length(words[i]) < 3 THEN '% ' ELSE '%' END || words[i] || '%');
  END LOOP;
  IF birth_from <> '' THEN
    statement := statement || format(
      ' AND birth_date >= %L AND birth_date < %L', birth_from, birth_before);
  END IF;
  RETURN QUERY EXECUTE statement || ' LIMIT $2'
    USING current_setting('app.tenant_id')::uuid, max_rows;
END
$$;

-- Ids of live patients that meet every criterion given: words of which each begins a word of the
-- patient's (where nobody has them: is part of one), the last ten digits of a phone, an identifier
-- between two keys, a birth date in a range. All who meet them, or more than `wanted` of those.
CREATE FUNCTION search_patient_ids(
  words text[], phone text, identifier_from text, identifier_before text,
  birth_from text, birth_before text, wanted integer
) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public AS $$
DECLARE
  short constant integer := 400;    -- a list of fewer entries is read whole
  many constant integer := 1500;    -- look-ups that are always worth a try
  lists text[] := '{}';
  patterns text[] := '{}';
  lengths bigint[] := '{}';
  shortest integer := 1;
  other integer;                    -- the shortest but one
  all_patients bigint;
  hoped double precision;           -- matches among `short` entries, were the lists independent
  depth integer;
  next_depth double precision;
  entries bigint;
  shared text;
  ids uuid[];
BEGIN
  IF nullif(current_setting('app.tenant_id', true), '') IS NULL THEN
    RETURN;
  END IF;
  IF phone <> '' THEN
    lists := lists || patient_list('PHONE', phone, phone || ' ');
    patterns := patterns || ('% ' || phone || ' %');
  END IF;
  FOR i IN 1 .. cardinality(words) LOOP
    lists := lists || patient_list('WORD', words[i], words[i] || '{');  -- '{' follows 'z'
    patterns := patterns || ('% ' || words[i] || '%');
  END LOOP;
  IF birth_from <> '' THEN
    lists := lists || patient_list('', birth_from, birth_before);
  END IF;

  IF identifier_from <> '' THEN
    -- An identifier stands in no pattern: its list is read, the others check.
    RETURN QUERY SELECT patient_ids_on_list(
      patient_list('IDENTIFIER', identifier_from, identifier_before), 2 * many, patterns,
      birth_from, birth_before);
    RETURN;
  END IF;

  IF cardinality(lists) = 1 THEN
    depth := 2 * wanted;
    LOOP
      EXECUTE format(
        'SELECT count(*), array_agg(DISTINCT patient_id) FROM (%s LIMIT %s) entries', lists[1], depth)
        INTO entries, ids;
      EXIT WHEN cardinality(ids) > wanted OR entries < depth;
      depth := 8 * depth;  -- several words of one patient begin alike
    END LOOP;
  ELSE
    FOR i IN 1 .. cardinality(lists) LOOP
      lengths := lengths || patient_list_length(lists[i], short);
      IF lengths[i] < lengths[shortest] THEN
        shortest := i;
      END IF;
      EXIT WHEN lengths[i] < short;
    END LOOP;
    IF lengths[shortest] < short THEN
      ids := ARRAY(
        SELECT patient_ids_on_list(lists[shortest], short, patterns, birth_from, birth_before));
    ELSE
      all_patients := patient_list_length(patient_list('', '', '~'), 1);
      hoped := short;
      FOR i IN 1 .. cardinality(lists) LOOP
        IF i <> shortest THEN
          hoped := hoped * least(1, lengths[i] / all_patients::double precision);
          IF other IS NULL OR lengths[i] < lengths[other] THEN
            other := i;
          END IF;
        END IF;
      END LOOP;
      depth := 0;
      LOOP
        next_depth := greatest(short, depth * 2, 3 * short * wanted / (2 * greatest(hoped, 0.1)));
        -- One look-up costs what some forty entries cost that are read in order.
        EXIT WHEN next_depth > greatest(many, (lengths[shortest] + lengths[other]) / 40);
        depth := next_depth;
        ids := ARRAY(
          SELECT patient_ids_on_list(lists[shortest], depth, patterns, birth_from, birth_before));
        EXIT WHEN cardinality(ids) > wanted;
        hoped := short * cardinality(ids) / depth::double precision;
      END LOOP;
      IF coalesce(cardinality(ids), 0) <= wanted THEN
        depth := CASE WHEN cardinality(lists) = 2 THEN 8 * wanted END;
        LOOP
          SELECT array_agg(DISTINCT id), count(*) INTO ids, entries
          FROM patient_ids_on_both(lists[shortest], lists[other], depth) AS both_lists (id);
          EXIT WHEN depth IS NULL OR entries < depth OR cardinality(ids) > wanted;
          depth := NULL;
        END LOOP;
        IF cardinality(lists) > 2 THEN
          shared := format('SELECT patient_id FROM unnest(%L::uuid[]) shared (patient_id)', ids);
          entries := coalesce(cardinality(ids), 0);
          depth := short;
          LOOP
            ids := ARRAY(
              SELECT patient_ids_on_list(shared, depth, patterns, birth_from, birth_before));
            EXIT WHEN cardinality(ids) > wanted OR depth >= entries;
            depth := 8 * depth;
          END LOOP;
        END IF;
      END IF;
    END IF;
  END IF;

  IF coalesce(cardinality(ids), 0) = 0 AND cardinality(words) > 0 AND phone = '' THEN
    RETURN QUERY SELECT patient_ids_with_parts(words, birth_from, birth_before, wanted + 1);
  ELSE
    RETURN QUERY SELECT unnest(ids) LIMIT short;
  END IF;
END
$$;

-- PUBLIC loses its right before the owner changes: afterwards hms_owner has no say in it.
REVOKE ALL ON FUNCTION patient_list(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION patient_list_length(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION patient_ids_on_list(text, integer, text[], text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION patient_ids_on_both(text, text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION patient_ids_with_parts(text[], text, text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION search_patient_ids(text[], text, text, text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_patient_ids(text[], text, text, text, text, text, integer) TO hms_app;
GRANT CREATE ON SCHEMA public TO hms_search;
ALTER FUNCTION patient_list(text, text, text) OWNER TO hms_search;
ALTER FUNCTION patient_list_length(text, integer) OWNER TO hms_search;
ALTER FUNCTION patient_ids_on_list(text, integer, text[], text, text) OWNER TO hms_search;
ALTER FUNCTION patient_ids_on_both(text, text, integer) OWNER TO hms_search;
ALTER FUNCTION patient_ids_with_parts(text[], text, text, integer) OWNER TO hms_search;
ALTER FUNCTION search_patient_ids(text[], text, text, text, text, text, integer) OWNER TO hms_search;
REVOKE CREATE ON SCHEMA public FROM hms_search;
