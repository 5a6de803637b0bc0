-- Who decides about what came in.

-- name: inbox_waiting
SELECT id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc
FROM inbox WHERE status = 'received' AND node = $1 AND id <> ALL($2::uuid[])
ORDER BY arrival, received_at, id LIMIT $3

-- name: decider_of_case
SELECT decider, has_open FROM decider_of_case($1, $2, $3)

-- name: pass_on
SELECT pass_on($1, $2, $3, $4)
