-- What only one node may do at a time: who can, who does, and how it changes hands.

-- name: duty_look
-- Everything at one moment. Without a row the asking node does not hold that epoch (any more).
SELECT f.holder::text AS life,
    (SELECT json_agg(json_build_object(
        'node', l.node, 'life', g.holder, 'state', l.state, 'fenced', l.epoch <> g.epoch,
        'settling', g.heir IS NOT NULL))
     FROM node_lease AS l JOIN node_fence AS g USING (node)) AS members,
    (SELECT coalesce(json_agg(json_build_object(
        'name', d.name, 'epoch', d.epoch, 'node', d.node, 'life', d.holder, 'asked', d.asked)),
        '[]') FROM duty AS d) AS duties,
    (SELECT coalesce(json_agg(json_build_object(
        'duty', w.duty, 'node', w.node, 'life', w.holder, 'rank', w.rank)), '[]')
     FROM duty_wish AS w) AS wishes
FROM node_fence AS f WHERE f.node = $1 AND f.epoch = $2

-- name: duty_wishes
-- All that this life of the node can do, in place of what it said before.
WITH mine AS MATERIALIZED (
    SELECT f.holder FROM require_epoch($1, $2) AS e, node_fence AS f WHERE f.node = $1
),
gone AS (
    DELETE FROM duty_wish WHERE node = $1 AND duty <> ALL ($3::text[]) AND EXISTS (SELECT FROM mine)
)
INSERT INTO duty_wish (duty, node, holder, rank)
SELECT u.duty, $1, mine.holder, u.rank FROM mine, unnest($3::text[], $4::int[]) AS u (duty, rank)
ON CONFLICT (duty, node) DO UPDATE SET holder = excluded.holder, rank = excluded.rank

-- name: duty_take
-- Compare-and-set on the epoch that the row had when it was seen to be free, which no row that is
-- free can leave without a new epoch. It waits for whoever still writes under the old one.
WITH mine AS MATERIALIZED (
    SELECT f.holder FROM require_epoch($1, $2) AS e, node_fence AS f WHERE f.node = $1
)
INSERT INTO duty AS d (name, node, holder, epoch) SELECT $3, $1, mine.holder, 1 FROM mine
ON CONFLICT (name) DO UPDATE
SET node = excluded.node, holder = excluded.holder, epoch = d.epoch + 1, asked = NULL,
    taken_at = now()
WHERE d.epoch = $4
RETURNING d.epoch

-- name: duty_give
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2))
UPDATE duty SET node = NULL, holder = NULL
WHERE name = $3 AND epoch = $4 AND node = $1 AND EXISTS (SELECT FROM mine)
RETURNING name

-- name: duty_ask
WITH mine AS MATERIALIZED (
    SELECT f.holder FROM require_epoch($1, $2) AS e, node_fence AS f WHERE f.node = $1
)
UPDATE duty SET asked = mine.holder FROM mine
WHERE name = ANY ($3::text[]) AND node IS DISTINCT FROM $1
