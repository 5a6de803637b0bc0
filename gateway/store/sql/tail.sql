-- The journals of other nodes, read on from where one stood.

-- name: journal_ends
SELECT f.node, e.epoch, e."offset"
FROM node_fence AS f
CROSS JOIN LATERAL (
    SELECT j.epoch, j."offset" FROM journal AS j WHERE j.node = f.node
    ORDER BY j.epoch DESC, j."offset" DESC LIMIT 1
) AS e

-- name: journal_tail
-- The next entries of each node that is named, those kinds with their payload that are wanted; of
-- the others only the last, to know how far it went. `since` saves looking into old partitions.
SELECT p.node, j.epoch, j."offset", j.at, j.kind, j.case_id::text, j.item_id::text, j.many,
       CASE WHEN j.kind = ANY($5::text[]) THEN j.payload END AS payload
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[])
    AS p(node, epoch, "offset", since)
CROSS JOIN LATERAL (
    SELECT n.*, count(*) OVER () AS many,
           row_number() OVER (ORDER BY n.epoch DESC, n."offset" DESC) = 1 AS last
    FROM (
        SELECT t.epoch, t."offset", t.at, t.kind, t.case_id, t.item_id, t.payload
        FROM journal AS t
        WHERE t.node = p.node AND (t.epoch, t."offset") > (p.epoch, p."offset")
          AND t.at >= p.since
        ORDER BY t.epoch, t."offset" LIMIT $6
    ) AS n
) AS j
WHERE j.last OR j.kind = ANY($5::text[])
ORDER BY p.node, j.epoch, j."offset"

-- name: profiles_named
SELECT doc FROM agent WHERE name = ANY($1::text[])

-- name: queues_named
SELECT doc FROM queue WHERE name = ANY($1::text[])
