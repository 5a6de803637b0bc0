-- The durable path: fence, lease, the two commits, what a node loads when it begins.

-- name: commit_batch
SELECT commit_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                    $18),
       commit_sites($19), commit_directory($20), commit_colleagues($21, $22),
       commit_ties($23, $24, $25)

-- name: receive_batch
-- What is read under a duty is stored by who holds it. A channel's memory never goes back. The
-- uploads that an inbound names ($10: in which inbound, at which place, whose, which) become its own.
WITH mine AS MATERIALIZED (SELECT require_duties($1, $2, $8, $9) AS node),
remembered AS (
    INSERT INTO channel_memory AS m (channel, key, value, progress)
    SELECT u.* FROM mine, unnest($7::note_in[]) AS u
    ON CONFLICT ON CONSTRAINT channel_memory_pkey
    DO UPDATE SET value = excluded.value, progress = excluded.progress, changed_at = now()
    WHERE excluded.progress >= m.progress
), received AS MATERIALIZED (
    SELECT r.*
    FROM mine, receive_batch(mine.node, $2, $3, $4, $5, $6, '{}'::memory_in[]) AS r
), named AS (
    UPDATE attachment AS a SET inbound = r.id, place = u.place, expires_at = NULL
    FROM unnest($10::upload_in[]) AS u JOIN received AS r ON r.place = u.inbound AND r.fresh
    WHERE a.id = u.id AND a.owner = u.name AND a.inbound IS NULL AND a.message IS NULL
      AND a.expires_at > now()
    RETURNING r.place AS inbound, a.place, attachment_doc(a) AS doc
)
SELECT r.place, r.id::text, r.fresh, r.customer, r.decided, r.node,
       r.attachments || coalesce((SELECT jsonb_agg(n.doc ORDER BY n.place) FROM named AS n
                                  WHERE n.inbound = r.place), '[]') AS attachments
FROM received AS r

-- name: fence_take
-- The lease goes with the fence: that their epochs differ means that somebody else has fenced it.
WITH fence AS (
    INSERT INTO node_fence (node, epoch, holder) VALUES ($1, 1, $2)
    ON CONFLICT (node) DO UPDATE
    SET epoch = node_fence.epoch + 1, holder = excluded.holder, raised_at = now()
    RETURNING node, epoch
)
INSERT INTO node_lease (node, region, epoch, state) SELECT node, $3, epoch, 'joining' FROM fence
ON CONFLICT (node) DO UPDATE
SET region = excluded.region, epoch = excluded.epoch, state = excluded.state,
    counter = node_lease.counter + 1, started_at = now(), renewed_at = now()
RETURNING epoch

-- name: fence_raise_own
WITH fence AS (
    UPDATE node_fence SET epoch = epoch + 1, raised_at = now()
    WHERE node = $1 AND holder = $2
    RETURNING node, epoch
)
UPDATE node_lease AS l SET epoch = fence.epoch, counter = l.counter + 1, renewed_at = now()
FROM fence WHERE l.node = fence.node
RETURNING l.epoch

-- name: fence_own_epoch
SELECT epoch FROM node_fence WHERE node = $1 AND holder = $2

-- name: terminate_blockers
SELECT pid, pg_terminate_backend(pid) FROM unnest(pg_blocking_pids($1)) AS pid

-- name: position_present
SELECT EXISTS (SELECT FROM journal WHERE node = $1 AND epoch = $2 AND "offset" = $3)

-- name: reserve_numbers
UPDATE counter SET value = value + $1 WHERE name = 'ticket_number' RETURNING value

-- name: load_profiles
SELECT doc FROM agent WHERE active ORDER BY name

-- name: load_statuses
SELECT doc FROM agent_status WHERE home = $1 ORDER BY name

-- name: load_queues
SELECT doc FROM queue WHERE coalesce((doc->>'active')::boolean, true) ORDER BY name

-- name: load_sites
SELECT doc FROM site ORDER BY name

-- name: load_entries
SELECT kind, doc FROM directory_entry
WHERE coalesce((doc->>'active')::boolean, true)
    AND kind IN ('calendar', 'service_policy', 'rule', 'macro', 'canned', 'letter')
ORDER BY kind, name

-- name: load_items
SELECT doc FROM item WHERE ended_as IS NULL AND owner = $1 ORDER BY id

-- name: load_cases
SELECT doc FROM ticket_case
WHERE id IN (SELECT case_id FROM item WHERE ended_as IS NULL AND owner = $1)
ORDER BY id

-- name: load_outbox
SELECT doc FROM outbox WHERE settled_as IS NULL AND node = $1 ORDER BY id

-- name: load_received
SELECT id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc
FROM inbox WHERE status = 'received' AND node = $1
ORDER BY arrival, received_at, id
