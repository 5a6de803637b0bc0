-- name: customer_card
SELECT id::text, name, language, value, verified, attributes FROM customer WHERE id = $1

-- name: identities_of
SELECT kind, value, verified FROM identity WHERE customer = $1
ORDER BY verified DESC, kind, value LIMIT 100

-- name: customers_of_identity
SELECT customer::text FROM identity WHERE kind = $1 AND value = $2 ORDER BY verified DESC

-- name: customer_timeline
-- One page of a customer's cases, newest first.
SELECT c.id::text AS case_id, c.doc,
       (SELECT count(*) FROM message AS m WHERE m.case_id = c.id) AS messages,
       (SELECT (m.doc->>'at')::timestamptz FROM message AS m WHERE m.case_id = c.id
        ORDER BY m.seq DESC LIMIT 1) AS last_at
FROM ticket_case AS c
WHERE c.customer = $1 AND ($2::uuid IS NULL OR c.id < $2)
ORDER BY c.id DESC LIMIT $3

-- name: item_lines
SELECT case_id::text, id::text, doc FROM item WHERE case_id = ANY($1::uuid[]) ORDER BY id

-- name: customer_put
-- The customer of a verified identity, made if new, with the given fields changed.
WITH mine AS (
    INSERT INTO identity (kind, value, verified, customer) VALUES ($1, $2, true, $3)
    ON CONFLICT (kind, value, verified) DO UPDATE SET seen_at = now()
    RETURNING customer
)
INSERT INTO customer (id, name, language, value, verified, attributes)
SELECT customer, coalesce($4, ''), coalesce($5, ''), coalesce($6::integer, 0), true,
       coalesce($7::jsonb, '{}')
FROM mine
ON CONFLICT (id) DO UPDATE SET
    name = coalesce($4, customer.name),
    language = coalesce($5, customer.language),
    value = coalesce($6::integer, customer.value),
    attributes = customer.attributes || coalesce($7::jsonb, '{}'),
    changed_at = now()
RETURNING id::text
