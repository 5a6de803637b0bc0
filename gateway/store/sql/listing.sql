-- What people look for. Items are listed newest first; the same conditions everywhere, but each
-- block begins with what narrows most, so that its index is used whatever else is asked.

-- name: items_recent
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE true
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: items_open
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE i.ended_as IS NULL
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: items_reviewed
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE i.ended_as IS NULL AND i.doc->'watch'->'reviews' IS NOT NULL
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: items_of_agent
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE i.agent = $9
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: items_of_customer
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE c.customer = $9
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: items_of_number
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE c.number = $9
  AND ($1::text[] = '{}' OR i.state = ANY($1))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::timestamptz IS NULL OR (i.doc->>'created_at')::timestamptz >= $5)
  AND ($6 = '' OR i.doc->>'subject' ILIKE $6)
  AND ($7::uuid IS NULL OR i.id < $7)
ORDER BY i.id DESC LIMIT $8

-- name: item_with_case
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id WHERE i.id = $1

-- name: owner_of_item
SELECT owner FROM item WHERE id = $1 AND ended_as IS NULL

-- name: open_elsewhere
SELECT owner, count(*) AS n FROM item
WHERE ended_as IS NULL AND queue = $1 AND owner <> $2 GROUP BY owner ORDER BY owner

-- name: carrier_of_outbound
SELECT node FROM outbox WHERE id = $1

-- name: items_of_case
SELECT doc FROM item WHERE case_id = $1 ORDER BY id

-- name: item_trace
-- Every entry of the case that is about this item or about the case itself, oldest first.
SELECT at, kind, payload, node, epoch, "offset" FROM journal
WHERE case_id = $2 AND (item_id = $1 OR item_id IS NULL)
  AND (at, epoch, "offset") > ($3::timestamptz, $4::bigint, $5::bigint)
ORDER BY at, epoch, "offset" LIMIT $6

-- name: quarantined
SELECT i.id::text, i.channel, i.at, i.decided, i.doc, coalesce(b.size, 0) AS size
FROM inbox AS i LEFT JOIN blob AS b ON b.sha256 = i.raw
WHERE i.status = 'quarantined' AND ($1::uuid IS NULL OR i.id < $1)
ORDER BY i.id DESC LIMIT $2

-- name: quarantined_raw
SELECT coalesce(b.data, '') AS data, i.channel, i.at
FROM inbox AS i LEFT JOIN blob AS b ON b.sha256 = i.raw
WHERE i.id = $1 AND i.status = 'quarantined'

-- name: raw_of_message
-- A message may have been split off: what brought it knows the case in which it came.
SELECT b.data, i.channel, i.at
FROM inbox AS i JOIN blob AS b ON b.sha256 = i.raw
WHERE i.decided->>'case' IN (SELECT m.case_id::text FROM message AS m WHERE m.id = $1
                             UNION SELECT p.case_id::text FROM message_place AS p
                             WHERE p.message = $1)
  AND i.decided->>'message' = $1::uuid::text
ORDER BY i.id LIMIT 1

-- name: quarantine_drop
UPDATE inbox SET status = 'dropped', decided_at = now()
WHERE id = $1 AND status = 'quarantined' RETURNING id

-- name: outbox_listed
SELECT doc FROM outbox
WHERE (($1 = '' AND (settled_as IS NULL OR settled_as = 'failed')) OR ($1 <> '' AND state = $1))
  AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3

-- name: quarantine_retry
UPDATE inbox SET status = 'received', decided = NULL, decided_at = NULL
WHERE id = $1 AND status = 'quarantined'
RETURNING id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc,
          node

-- name: outbound_of_message
-- It was queued in the case that the message stood in then.
SELECT id::text FROM outbox
WHERE case_id IN (SELECT $1::uuid UNION ALL SELECT case_id FROM message_place WHERE message = $2::uuid)
  AND doc->>'message' = $2::text
ORDER BY id DESC LIMIT 1

-- name: outgoing_by_id
SELECT doc FROM outbox WHERE id = $1
