-- Handing over to a node that lives.

-- name: hand_over_batch
SELECT hand_over_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: hand_over_quiet
SELECT hand_over_quiet($1, $2, $3, $4, $5)

-- name: left_behind
SELECT EXISTS (
    SELECT FROM ticket_case AS c JOIN item AS i ON i.case_id = c.id
    WHERE c.customer = ANY($2::uuid[]) AND i.ended_as IS NULL AND i.owner = $1
      AND i.id <> ALL($3::uuid[])
)

-- name: handed_statuses
SELECT doc FROM agent_status WHERE name = ANY($2::text[]) AND home = $1 ORDER BY name

-- name: handed_items
SELECT i.doc, c.doc AS case_doc FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE i.id = ANY($2::uuid[]) AND i.ended_as IS NULL AND i.owner = $1 ORDER BY i.id

-- name: handed_outbox
SELECT doc FROM outbox WHERE id = ANY($2::uuid[]) AND node = $1 AND settled_as IS NULL ORDER BY id

-- name: handed_received
SELECT id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc
FROM inbox WHERE status = 'received' AND node = $1 AND customer = ANY($2::uuid[])
ORDER BY arrival, received_at, id

-- name: load_handed
SELECT id::text FROM relay
WHERE to_node = $1 AND answered_at IS NULL AND kind = 'handed_over'
