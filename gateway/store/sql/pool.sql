-- One virtual pool: what each node can take just now, and what waits there.

-- name: capacity_publish
-- Our own row anew, and in the same breath everybody else's as of now.
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
mine AS (
    INSERT INTO node_capacity (node, epoch, counter, doc)
    SELECT $1, $2::bigint, $3::bigint, $4::json FROM quick
    ON CONFLICT (node) DO UPDATE
    SET epoch = excluded.epoch, counter = excluded.counter, doc = excluded.doc
    WHERE node_capacity.epoch <= excluded.epoch
)
SELECT node, epoch, counter, doc FROM node_capacity WHERE node <> $1 ORDER BY node

-- name: entries_named
SELECT kind, name, doc FROM directory_entry WHERE kind = $1 AND name = ANY($2::text[])

-- name: sites_named
SELECT doc FROM site WHERE name = ANY($1::text[])
