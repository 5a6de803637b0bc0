-- What one node asks of another, and the answer in the same row.

-- name: relay_ask
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2))
INSERT INTO relay (id, from_node, to_node, kind, doc)
SELECT $3, $1, $4, $5, $6::json FROM mine
ON CONFLICT (id) DO UPDATE SET at = relay.at

-- name: relay_waiting
-- What nobody waits for any more is not begun; what carries no time is waited for until it is done.
SELECT id::text, from_node, kind, doc FROM relay
WHERE to_node = $1 AND answered_at IS NULL
  AND (doc ->> 'seconds' IS NULL OR at + (doc ->> 'seconds')::float8 * interval '1 s' > now())
ORDER BY id LIMIT $2

-- name: relay_answer
-- The first answer stands.
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2))
UPDATE relay SET answer = $4::json, answered_at = now()
WHERE id = $3 AND answered_at IS NULL AND EXISTS (SELECT FROM mine)

-- name: relay_answers
SELECT id::text, answer FROM relay WHERE id = ANY($1::uuid[]) AND answered_at IS NOT NULL

-- name: forget_relay
DELETE FROM relay WHERE at < now() - interval '1 day'
AND (answered_at IS NOT NULL OR doc ->> 'seconds' IS NOT NULL)
