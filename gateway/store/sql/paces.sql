-- How often somebody has written.

-- name: pace_store
INSERT INTO pace (what, key, node, start, count)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[])
ON CONFLICT (what, key, node, start) DO UPDATE
SET count = greatest(pace.count, excluded.count), change = nextval('pace_change')

-- name: pace_read
-- The newest first, where there are more than a node keeps.
SELECT what, key, node, start, count, change FROM pace
WHERE change > $1 AND start >= $2 ORDER BY change DESC LIMIT $3

-- name: pace_forget
DELETE FROM pace WHERE start < $1
