-- The nodes among each other: who lives, who is fenced, who takes over what.

-- name: node_row
SELECT l.node, l.epoch, l.counter, f.epoch AS fence, f.heir, l.state, l.region, l.urls, l.version,
       l.place, CASE WHEN l.edition_epoch = l.epoch THEN l.edition ELSE 1 END AS edition
FROM node_lease AS l JOIN node_fence AS f USING (node) WHERE l.node = $1

-- name: lease_renew
-- A row without `timeline` is one of a database in recovery: nothing could be written there.
WITH mine AS (
    UPDATE node_lease AS l
    SET counter = l.counter + 1, renewed_at = now(), state = $3, region = $4, urls = $5,
        version = $6, place = $7, edition = $8, edition_epoch = l.epoch
    FROM node_fence AS f
    WHERE l.node = $1 AND l.epoch = $2 AND f.node = l.node AND f.epoch = l.epoch
    RETURNING l.node, l.counter, l.edition
)
SELECT l.node, l.epoch, coalesce(mine.counter, l.counter) AS counter, f.epoch AS fence, f.heir,
       l.state, l.region, l.urls, l.version, l.place, mine.node IS NOT NULL AS renewed,
       coalesce(mine.edition, CASE WHEN l.edition_epoch = l.epoch THEN l.edition ELSE 1 END)
           AS edition,
       (SELECT e.written FROM edition AS e) AS written,
       ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
           AS timeline
FROM node_lease AS l JOIN node_fence AS f USING (node) LEFT JOIN mine ON mine.node = l.node
ORDER BY l.node

-- name: edition_known
-- Waits for whoever just raises it (`raise_edition`).
SELECT newest, written FROM edition FOR SHARE

-- name: edition_raise
SELECT raise_edition($1, $2, $3)

-- name: lease_end
UPDATE node_lease AS l SET state = 'stopped', renewed_at = now()
FROM node_fence AS f
WHERE l.node = $1 AND l.epoch = $2 AND f.node = l.node AND f.epoch = l.epoch

-- name: fence_dead
-- Its counter too must be as it was seen: whoever woke a moment ago is left alone. A heir who is
-- at it already stays the heir: what a node has goes to one other node, all of it.
WITH mine AS MATERIALIZED (
    SELECT FROM node_fence WHERE node = $2 AND epoch = $3 FOR SHARE
)
UPDATE node_fence AS f
SET epoch = f.epoch + 1, holder = $6, heir = coalesce(f.heir, $2), raised_at = now(),
    takeovers = f.takeovers + 1
WHERE f.node = $1 AND f.epoch = $4 AND EXISTS (SELECT FROM mine)
  AND EXISTS (SELECT FROM node_lease AS l
              WHERE l.node = $1 AND l.epoch = $4 AND l.counter = $5)
RETURNING f.epoch

-- name: inherit
-- What the dead node was heir to passes to its own heir. Two that come back may be each other's
-- heirs: who asks first has its own back, and no heir; who asks second changes nothing.
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2)),
heir AS MATERIALIZED (
    SELECT FROM node_fence WHERE node = $3 AND heir = $1 AND EXISTS (SELECT FROM mine) FOR SHARE
)
UPDATE node_fence SET heir = nullif($1, node) WHERE heir = $3 AND EXISTS (SELECT FROM heir)

-- name: takeover_end
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2))
UPDATE node_fence SET heir = NULL WHERE node = $3 AND heir = $1 AND EXISTS (SELECT FROM mine)

-- name: adopt_batch
SELECT adopt_batch($1, $2, $3, $4, $5, $6, $7)

-- name: adopt_quiet
SELECT adopt_quiet($1, $2, $3, $4)

-- name: estate_statuses
SELECT doc FROM agent_status WHERE home = $1 ORDER BY name LIMIT $2

-- name: estate_items
SELECT i.doc, c.doc AS case_doc FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE i.ended_as IS NULL AND i.owner = $1 ORDER BY i.id LIMIT $2

-- Of the cases whose items come in this part: what is to leave for them comes along.
-- name: estate_orders
SELECT doc FROM outbox WHERE case_id = ANY($2::uuid[]) AND node = $1 AND settled_as IS NULL
ORDER BY id

-- name: estate_outbox
SELECT doc FROM outbox WHERE node = $1 AND settled_as IS NULL ORDER BY id LIMIT $2

-- name: estate_received
SELECT id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc
FROM inbox WHERE status = 'received' AND node = $1
ORDER BY arrival, received_at, id LIMIT $2
