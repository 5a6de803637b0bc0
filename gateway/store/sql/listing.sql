-- name: items_listed
-- Newest first. `q` is a ticket number or a part of the subject.
SELECT i.id::text, i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id
WHERE ($1 = '' OR i.state = $1 OR ($1 = 'open' AND i.ended_as IS NULL))
  AND ($2 = '' OR i.queue = $2)
  AND ($3 = '' OR i.channel = $3)
  AND ($4 = '' OR i.agent = $4)
  AND ($5::uuid IS NULL OR i.customer = $5)
  AND ($6::timestamptz IS NULL OR i.created_at >= $6)
  AND ($7 = '' OR i.number::text = $7 OR i.subject ILIKE '%' || $7 || '%')
  AND ($8::uuid IS NULL OR i.id < $8)
ORDER BY i.id DESC LIMIT $9

-- name: item_with_case
SELECT i.doc AS item, c.doc AS case_doc
FROM item AS i JOIN ticket_case AS c ON c.id = i.case_id WHERE i.id = $1

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
SELECT coalesce(b.data, '') AS data, i.channel
FROM inbox AS i LEFT JOIN blob AS b ON b.sha256 = i.raw
WHERE i.id = $1 AND i.status = 'quarantined'

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
RETURNING id::text, customer_brief(customer) AS customer, inbound_files(id) AS attachments, doc

-- name: outgoing_by_id
SELECT doc FROM outbox WHERE id = $1
