-- What nodes have counted today for the wallboard.

-- name: wallboard_keep
-- Our own row anew, unless a later life of this node has written one.
INSERT INTO wallboard_day (node, epoch, doc) VALUES ($1, $2, $3::json)
ON CONFLICT (node) DO UPDATE
SET epoch = excluded.epoch, doc = excluded.doc, changed_at = now()
WHERE wallboard_day.epoch <= excluded.epoch

-- name: wallboard_days
-- Of all nodes, also of those that are gone; what is older than two days is nobody's today.
SELECT node, doc FROM wallboard_day WHERE changed_at > now() - interval '2 days' ORDER BY node
