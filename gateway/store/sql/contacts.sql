-- Who decides about what came in.

-- name: inbox_waiting
SELECT id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc
FROM inbox WHERE status = 'received' AND node = $1 AND id <> ALL($2::uuid[])
ORDER BY arrival, received_at, id LIMIT $3

-- name: older_contact
SELECT q.id::text, q.node
FROM inbox AS r JOIN inbox AS q ON q.customer = r.customer AND q.status = 'received'
WHERE r.id = $1 AND (q.arrival, q.received_at, q.id) < (r.arrival, r.received_at, r.id)
ORDER BY q.arrival, q.received_at, q.id LIMIT 1

-- name: decider_of_case
SELECT decider, has_open FROM decider_of_case($1, $2, $3)

-- name: pass_on
SELECT pass_on($1, $2, $3, $4)

-- name: home_of_customer
-- Of whom nobody knows there is no row: the caller finds no such customer either.
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2))
SELECT home_of_customer($1, c.id) AS home FROM mine, customer AS c WHERE c.id = $3

-- name: give_case
-- Repeated, it finds that the case is the other node's.
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2)),
there AS MATERIALIZED (
    SELECT f.node FROM node_fence AS f
    WHERE EXISTS (SELECT FROM mine) AND f.node = $4 AND f.epoch = $5 FOR SHARE
)
UPDATE ticket_case AS t SET home = $4
WHERE t.id = $3 AND t.customer IS NULL AND t.home IN ($1, $4) AND EXISTS (SELECT FROM there)
RETURNING t.id
