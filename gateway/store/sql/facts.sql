-- Facts for reports: how far the journal is counted, what must be counted anew, and the result.

-- name: facts_tail
-- What comes next in each node's journal. `since` saves looking into old partitions.
SELECT f.node, j.epoch, j."offset", j.at, j.kind, j.case_id::text,
       CASE WHEN j.kind = ANY($1::text[]) THEN j.payload END AS payload
FROM node_fence AS f LEFT JOIN fact_progress AS p USING (node)
CROSS JOIN LATERAL (
    SELECT t.epoch, t."offset", t.at, t.kind, t.case_id, t.payload FROM journal AS t
    WHERE t.node = f.node
      AND (t.epoch, t."offset") > (coalesce(p.epoch, 0), coalesce(p."offset", 0))
      AND t.at >= coalesce(p.at - interval '8 days', '-infinity')
    ORDER BY t.epoch, t."offset" LIMIT $2
) AS j
ORDER BY j.at, f.node, j.epoch, j."offset"

-- name: facts_behind
-- Whether any journal goes on after what was counted.
SELECT EXISTS (
    SELECT FROM node_fence AS f LEFT JOIN fact_progress AS p USING (node)
    CROSS JOIN LATERAL (
        SELECT FROM journal AS t
        WHERE t.node = f.node
          AND (t.epoch, t."offset") > (coalesce(p.epoch, 0), coalesce(p."offset", 0))
          AND t.at >= coalesce(p.at - interval '8 days', '-infinity')
        LIMIT 1
    ) AS j
)

-- name: facts_progress
INSERT INTO fact_progress (node, epoch, "offset", at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[])
ON CONFLICT (node) DO UPDATE
SET epoch = excluded.epoch, "offset" = excluded."offset", at = excluded.at

-- name: facts_head
SELECT horizon, shifted, formula, computed_at FROM fact_head

-- name: facts_head_set
INSERT INTO fact_head (horizon, shifted, formula) VALUES ($1, $2, $3)
ON CONFLICT (single) DO UPDATE
SET horizon = excluded.horizon, shifted = excluded.shifted, formula = excluded.formula,
    computed_at = now()

-- name: facts_cases
SELECT case_id::text, root::text FROM fact_case WHERE case_id = ANY($1::uuid[])

-- name: facts_families
SELECT r.root::text, r.began, r.seen, array_agg(c.case_id::text) AS cases
FROM fact_root AS r JOIN fact_case AS c USING (root)
WHERE r.root = ANY($1::uuid[]) GROUP BY r.root

-- name: facts_entries
SELECT case_id::text, node, epoch, "offset", at, payload FROM journal
WHERE case_id = ANY($1::uuid[]) AND kind = ANY($2::text[]) AND at >= $3

-- name: facts_in_hand
SELECT agent, cell, what, began, ended FROM fact_segment
WHERE root = ANY($1::uuid[]) AND what IN ('talk', 'wrap')
  AND ($2::uuid[] IS NULL OR item = ANY($2))

-- name: facts_forget
-- All facts of these cases, or those of these items alone.
WITH counted AS (
    DELETE FROM fact WHERE root = ANY($1::uuid[]) AND ($2::uuid[] IS NULL OR item = ANY($2))
), lasted AS (
    DELETE FROM fact_segment WHERE root = ANY($1::uuid[]) AND ($2::uuid[] IS NULL OR item = ANY($2))
), items AS (
    DELETE FROM fact_item WHERE root = ANY($1::uuid[]) AND ($2::uuid[] IS NULL OR item = ANY($2))
)
DELETE FROM fact_root WHERE root = ANY($1::uuid[])

-- name: facts_roots_set
WITH roots AS (
    INSERT INTO fact_root (root, began, seen)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::jsonb[])
    ON CONFLICT (root) DO UPDATE SET began = excluded.began, seen = excluded.seen
)
INSERT INTO fact_case (case_id, root) SELECT * FROM unnest($4::uuid[], $5::uuid[])
ON CONFLICT (case_id) DO UPDATE SET root = excluded.root

-- name: facts_cells_add
INSERT INTO fact_cell
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::integer[], $10::text[], $11::text[], $12::text[],
                     $13::text[], $14::text[])
ON CONFLICT (id) DO NOTHING

-- name: facts_cells
SELECT id, queue, channel, medium, agent, node, category, type, level, language, segment, code,
       stage, reason
FROM fact_cell WHERE id = ANY($1::bigint[])

-- name: facts_dirty_add
INSERT INTO fact_dirty (agent, hour) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT DO NOTHING

-- name: facts_dirty
SELECT agent, hour FROM fact_dirty ORDER BY agent, hour LIMIT $1

-- name: facts_dirty_done
DELETE FROM fact_dirty AS d USING unnest($1::text[], $2::timestamptz[]) AS u (agent, hour)
WHERE d.agent = u.agent AND d.hour = u.hour

-- name: facts_words_add
INSERT INTO fact_word (node, epoch, "offset", at, kind, name, doc)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[],
                     $6::text[], $7::jsonb[])
ON CONFLICT DO NOTHING

-- name: facts_presence_add
INSERT INTO fact_presence (node, epoch, "offset", at, agent, event)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[],
                     $6::json[])
ON CONFLICT DO NOTHING

-- name: facts_presence
-- What is known of these agents from the last thing before `since` on, and what happened to nodes.
SELECT p.agent, p.node, p.epoch, p."offset", p.at, p.event, p.stand
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS u (agent, since, until)
CROSS JOIN LATERAL (
    (SELECT * FROM fact_presence AS b WHERE b.agent = u.agent AND b.at < u.since
     ORDER BY b.at DESC, b.node DESC, b.epoch DESC, b."offset" DESC LIMIT 1)
    UNION ALL
    SELECT * FROM fact_presence AS f
    WHERE f.agent = u.agent AND f.at >= u.since AND f.at < u.until
) AS p

-- name: facts_beginnings
-- When nodes began anew, with nobody connected.
SELECT node, epoch, "offset", at, event FROM fact_presence WHERE agent = '' AND at >= $1

-- name: facts_stands_set
UPDATE fact_presence AS p SET stand = u.stand
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::json[]) AS u (node, epoch, "offset", stand)
WHERE p.node = u.node AND p.epoch = u.epoch AND p."offset" = u."offset"

-- name: facts_there
-- Who may have been there then, at whichever node.
SELECT DISTINCT agent FROM fact_presence
WHERE agent <> '' AND at >= $1::timestamptz - interval '36 hours' AND at < $1

-- name: facts_open
-- Of whom time has gone by since then: with work in hand, or heard of lately.
SELECT agent, greatest(min(began), $1) AS since, $2::timestamptz AS until FROM fact_segment
WHERE ended IS NULL AND what IN ('talk', 'wrap') AND agent <> '' GROUP BY agent
UNION ALL
SELECT agent, greatest(max(at), $1), least(max(at) + interval '36 hours', $2) FROM fact_presence
WHERE agent <> '' AND at > $1::timestamptz - interval '36 hours' GROUP BY agent

-- name: facts_work
SELECT u.agent, s.what, s.cell, s.began, s.ended
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS u (agent, since, until)
JOIN fact_segment AS s ON s.agent = u.agent AND s.what IN ('talk', 'wrap')
    AND coalesce(s.ended, 'infinity') > u.since AND s.began < u.until

-- name: facts_shifts_forget
DELETE FROM fact_shift AS s USING unnest($1::text[], $2::timestamptz[]) AS u (agent, hour)
WHERE s.agent = u.agent AND s.at >= u.hour AND s.at < u.hour + interval '1 hour'

-- name: facts_oldest
SELECT min(at) FROM journal

-- name: facts_begin_again
-- Everything that the journal still tells; what is older than it stays.
WITH roots AS (
    DELETE FROM fact_root WHERE began >= $1 RETURNING root
), cases AS (
    DELETE FROM fact_case AS c USING roots WHERE c.root = roots.root
), counted AS (
    DELETE FROM fact AS f USING roots WHERE f.root = roots.root
), lasted AS (
    DELETE FROM fact_segment AS s USING roots WHERE s.root = roots.root
), items AS (
    DELETE FROM fact_item AS i USING roots WHERE i.root = roots.root
), shifts AS (
    DELETE FROM fact_shift WHERE at >= date_trunc('hour', $1::timestamptz)
), presence AS (
    DELETE FROM fact_presence WHERE at >= $1
), words AS (
    DELETE FROM fact_word WHERE at >= $1
), dirty AS (
    DELETE FROM fact_dirty
), head AS (
    DELETE FROM fact_head
)
DELETE FROM fact_progress
