-- What was said, and for how long it is kept.

-- name: retention_look
-- The next cases whose content is there, oldest first, and which of them have had their time: by
-- the rule of the queue of their last item, else by the default; no rule means for ever. What is
-- part of a case that is not ended is kept with it.
SELECT c.id::text, c.status IN ('solved', 'closed') AND rule.days IS NOT NULL
       AND NOT EXISTS (
           WITH RECURSIVE part_of(id) AS (
               SELECT k.into_case FROM case_place AS k WHERE k.id = c.id
               UNION SELECT k.into_case FROM case_place AS k JOIN part_of AS p ON k.id = p.id
           )
           SELECT FROM part_of AS p JOIN ticket_case AS w ON w.id = p.id
           WHERE w.emptied_at IS NULL AND w.status NOT IN ('solved', 'closed'))
       AND coalesce(c.doc->>'changed_at', c.doc->>'opened_at')::timestamptz
           < now() - make_interval(days => rule.days) AS due
FROM (SELECT t.id, t.status, t.doc FROM ticket_case AS t
      WHERE t.emptied_at IS NULL AND t.id > $1 ORDER BY t.id LIMIT $2) AS c
LEFT JOIN LATERAL (SELECT i.queue FROM item AS i WHERE i.case_id = c.id
                   ORDER BY i.id DESC LIMIT 1) AS last ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN last.queue = ANY($3::text[])
                THEN ($4::integer[])[array_position($3::text[], last.queue)]
                ELSE $5::integer END AS days
) AS rule
ORDER BY c.id

-- name: retention_empty
SELECT cases, messages, files, bytes FROM empty_cases($1::uuid[], false)

-- name: retention_ignored
-- What arrived and became no case (an automatic answer, say, or dropped from the quarantine), as
-- old as the default rule says.
WITH old AS (
    SELECT id FROM inbox
    WHERE status IN ('ignored', 'dropped') AND decided_at < now() - make_interval(days => $1::integer)
      AND doc::text <> '{}'
    LIMIT $2
), gone AS (
    DELETE FROM attachment AS a USING old WHERE a.inbound = old.id RETURNING a.sha256, a.size
), noted AS (
    INSERT INTO blob_left (sha256) SELECT DISTINCT gone.sha256 FROM gone ON CONFLICT DO NOTHING
), emptied AS (
    SELECT empty_inbounds(array_agg(old.id), false) FROM old
)
SELECT (SELECT count(*) FROM old) AS messages, (SELECT count(*) FROM gone) AS files,
       (SELECT coalesce(sum(gone.size), 0)::bigint FROM gone) AS bytes
FROM emptied

-- name: customer_erase
-- The identities are held first: a contact that is just coming in has been stored before we look,
-- or finds nobody of that name any more.
WITH held AS MATERIALIZED (
    SELECT FROM identity WHERE customer = $1 ORDER BY kind, value, verified FOR UPDATE
)
SELECT e.busy, e.cases, e.messages, e.files, e.bytes
FROM (SELECT count(*) AS n FROM held) AS h,
     LATERAL erase_customer(CASE WHEN h.n >= 0 THEN $1::uuid END) AS e

-- name: forget_blobs
-- Bytes that nobody has any more; those that were asked for within the hour wait for another one.
WITH looked AS (
    SELECT l.sha256 FROM blob_left AS l JOIN blob AS b ON b.sha256 = l.sha256
    WHERE b.seen_at < now() - interval '1 hour' LIMIT 500
), gone AS (
    DELETE FROM blob AS b
    WHERE b.sha256 IN (SELECT sha256 FROM looked) AND b.seen_at < now() - interval '1 hour'
      AND NOT EXISTS (SELECT FROM attachment AS a WHERE a.sha256 = b.sha256)
      AND NOT EXISTS (SELECT FROM inbox AS i WHERE i.raw = b.sha256)
    RETURNING b.sha256
), settled AS (
    DELETE FROM blob_left AS l WHERE l.sha256 IN (SELECT sha256 FROM looked)
)
SELECT (SELECT count(*) FROM looked) AS looked, (SELECT count(*) FROM gone) AS gone
