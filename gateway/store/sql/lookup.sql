-- What decisions ask, by indexed keys only.

-- name: case_by_id
SELECT doc FROM ticket_case WHERE id = $1

-- name: case_by_number
SELECT doc FROM ticket_case WHERE number = $1

-- name: referenced_by_message
SELECT m.id::text AS reference, c.doc
FROM message AS m JOIN ticket_case AS c ON c.id = m.case_id
WHERE m.id = ANY($1::uuid[])

-- name: referenced_by_external_id
SELECT m.external_id AS reference, c.doc
FROM message AS m JOIN ticket_case AS c ON c.id = m.case_id
WHERE m.external_id = ANY($1::text[])
ORDER BY m.id

-- name: recent_case
SELECT doc FROM ticket_case
WHERE customer = $1 AND channel = $2 AND status <> 'closed'
ORDER BY id DESC LIMIT 1

-- name: written_case
SELECT c.doc FROM ticket_case AS c
WHERE c.customer = $1 AND c.status <> 'closed' AND EXISTS (
    SELECT FROM message AS m
    WHERE m.case_id = c.id AND m.direction = 'out' AND m.doc->>'channel' = $2
)
ORDER BY c.id DESC LIMIT 1

-- name: recent_cases
SELECT doc FROM ticket_case
WHERE customer = $1 AND channel = $2 AND status <> 'closed'
ORDER BY id DESC LIMIT 20

-- name: participants
WITH newest AS MATERIALIZED (
    SELECT direction, doc FROM message
    WHERE case_id = $1 AND direction IN ('in', 'out') ORDER BY seq DESC LIMIT 200
)
SELECT json_array_elements_text(doc->'to') AS address FROM newest
UNION SELECT json_array_elements_text(doc->'cc') FROM newest
UNION SELECT doc->'author'->>'id' FROM newest WHERE direction = 'in'

-- name: alike
-- Some programs give all their mails one Message-ID: of many only the newest are looked at.
SELECT doc FROM (
    SELECT id, direction, doc FROM message WHERE external_id = $1 ORDER BY id DESC LIMIT 50
) AS newest
WHERE direction = 'in' AND doc->>'mark' = $2
ORDER BY id LIMIT 20

-- name: brought
SELECT message FROM (
    SELECT channel, status, decided->>'message' AS message FROM inbox
    WHERE customer = $1 ORDER BY received_at DESC LIMIT 500
) AS lately
WHERE channel = $2 AND status = 'processed' AND message = ANY($3::text[])

-- name: was_received
SELECT EXISTS (SELECT FROM inbox WHERE channel = $1 AND key = $2)

-- name: opened_since
SELECT (doc->>'opened_at')::timestamptz AS at FROM ticket_case
WHERE customer = $1 AND (doc->>'opened_at')::timestamptz >= $2
ORDER BY id DESC LIMIT 1000

-- name: wrote_since
SELECT received_at AS at FROM inbox
WHERE customer = $1 AND received_at >= $2 AND id <> $3 AND status IN ('received', 'processed')
ORDER BY received_at DESC LIMIT 1000

-- name: last_item
-- A promise is no part of the conversation.
SELECT doc FROM item WHERE case_id = $1 AND doc->'promise' IS NULL ORDER BY id DESC LIMIT 1

-- name: promises_of
SELECT doc FROM item WHERE case_id = $1 AND ended_as IS NULL AND doc->'promise' IS NOT NULL
ORDER BY id

-- name: customer_brief
SELECT customer_brief($1) AS doc

-- name: values_of
SELECT id::text, value FROM customer WHERE id = ANY($1::uuid[])

-- name: customer_of_identity
SELECT customer_brief(customer) AS doc FROM identity
WHERE kind = $1 AND value = $2 AND verified = $3

-- name: known_as
SELECT value FROM identity WHERE customer = $1

-- name: address_of
SELECT value FROM identity WHERE customer = $1 AND kind = $2
ORDER BY verified DESC, seen_at DESC LIMIT 1

-- name: house_words
SELECT name, 'skill' AS what FROM skill
UNION ALL SELECT name, 'reason' FROM code WHERE doc->'uses' ? 'misrouted'
ORDER BY name

-- name: answers
SELECT id, answer FROM command
WHERE agent = $1 AND id = ANY($2::text[]) AND at > now() - interval '24 hours'

-- name: message_by_id
SELECT doc FROM message WHERE id = $1

-- name: messages_after
SELECT doc FROM message
WHERE case_id = $1 AND seq > $2 AND (NOT $4::boolean OR direction <> 'note')
ORDER BY seq LIMIT $3

-- name: conversation
-- A case and all that was merged into it, in the order in which it was said: ids of messages rise
-- with time. What was split from it leaves its place, with the number of the case that has it now.
WITH RECURSIVE family(id) AS (
    SELECT $1::uuid
    UNION
    SELECT k.id FROM case_place AS k JOIN family AS f ON k.into_case = f.id
), said AS (
    SELECT m.id, m.doc, NULL::bigint AS moved_to
    FROM family AS f JOIN message AS m ON m.case_id = f.id JOIN ticket_case AS c ON c.id = f.id
    WHERE $4::uuid IS NULL
       OR m.direction <> 'note'
          AND (c.customer = $4 OR m.doc->>'kind' IN ('email', 'sms', 'whatsapp', 'telegram'))
    UNION ALL
    SELECT DISTINCT ON (m.id) m.id, m.doc, t.number
    FROM family AS f JOIN message_place AS p ON p.case_id = f.id
    JOIN message AS m ON m.id = p.message JOIN ticket_case AS t ON t.id = m.case_id
    WHERE $4::uuid IS NULL AND m.case_id NOT IN (SELECT id FROM family)
), placed AS (
    SELECT doc, moved_to, row_number() OVER (ORDER BY id) AS place FROM said
)
SELECT place, doc, moved_to FROM placed WHERE place > $2 ORDER BY place LIMIT $3

-- name: conversation_length
-- As above, for a customer.
WITH RECURSIVE family(id) AS (
    SELECT $1::uuid
    UNION
    SELECT k.id FROM case_place AS k JOIN family AS f ON k.into_case = f.id
)
SELECT count(*)
FROM family AS f JOIN message AS m ON m.case_id = f.id JOIN ticket_case AS c ON c.id = f.id
WHERE m.direction <> 'note'
  AND (c.customer = $2::uuid OR m.doc->>'kind' IN ('email', 'sms', 'whatsapp'))

-- name: chosen
-- Of these messages those that the case shows, and how many that were said or heard it would keep.
WITH RECURSIVE family(id) AS (
    SELECT $1::uuid
    UNION
    SELECT k.id FROM case_place AS k JOIN family AS f ON k.into_case = f.id
), said AS (
    SELECT m.id, m.doc, m.direction, m.id = ANY($2::uuid[]) AS chosen
    FROM family AS f JOIN message AS m ON m.case_id = f.id
)
SELECT doc, (SELECT count(*) FROM said AS s
             WHERE NOT s.chosen AND s.direction IN ('in', 'out')) AS stays
FROM said WHERE chosen ORDER BY id

-- name: load_memory
SELECT value FROM channel_memory WHERE channel = $1 AND key = $2

-- name: save_memory
INSERT INTO channel_memory AS m (channel, key, value, progress) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel, key) DO UPDATE
SET value = excluded.value, progress = excluded.progress, changed_at = now()
WHERE excluded.progress >= m.progress

-- name: save_memory_under
WITH mine AS MATERIALIZED (SELECT require_duties($5, $6, ARRAY[$7], ARRAY[$8::bigint]) AS node)
INSERT INTO channel_memory AS m (channel, key, value, progress)
SELECT $1, $2, $3, $4 FROM mine
ON CONFLICT (channel, key) DO UPDATE
SET value = excluded.value, progress = excluded.progress, changed_at = now()
WHERE excluded.progress >= m.progress

-- name: swap_memory
-- What several nodes write at once: only over what the writer has read ($4; NULL: nothing).
WITH first AS (
    INSERT INTO channel_memory (channel, key, value) SELECT $1, $2, $3 WHERE $4::bytea IS NULL
    ON CONFLICT (channel, key) DO NOTHING RETURNING key
), next AS (
    UPDATE channel_memory SET value = $3, changed_at = now()
    WHERE channel = $1 AND key = $2 AND value = $4::bytea RETURNING key
)
SELECT count(*) > 0 FROM (SELECT key FROM first UNION ALL SELECT key FROM next) AS written

-- name: decided
SELECT decided AS doc FROM inbox WHERE id = $1

-- name: decides
SELECT node FROM inbox WHERE id = $1

-- name: file_by_id
SELECT attachment_doc(a) AS doc, b.data
FROM attachment AS a JOIN blob AS b ON b.sha256 = a.sha256
WHERE a.id = $1

-- name: file_of_identity
-- Notes and their files are ours alone.
SELECT attachment_doc(a) AS doc, b.data
FROM attachment AS a JOIN blob AS b ON b.sha256 = a.sha256
JOIN message AS m ON m.id = a.message JOIN ticket_case AS t ON t.id = m.case_id
JOIN identity AS i ON i.customer = t.customer
WHERE a.id = $1 AND i.kind = $2 AND i.value = $3 AND i.verified
  AND m.direction IN ('in', 'out') AND m.doc->>'channel' = $4
  AND m.doc->>'deleted_at' IS NULL

-- name: save_file
WITH kept AS (
    INSERT INTO blob (sha256, size, data) VALUES ($2, length($3::bytea), $3)
    ON CONFLICT (sha256) DO UPDATE SET seen_at = now()
)
INSERT INTO attachment (id, sha256, name, type, size, inline_id, owner, expires_at)
VALUES ($1, $2, $4, $5, length($3::bytea), $6, $7, now() + interval '1 hour')

-- name: claim_files
-- All of them or none. One that was claimed for a message that never came to be is free again:
-- at once for the command that claimed it, and for all if that was refused, else after a while.
WITH free AS (
    SELECT id FROM attachment AS f
    WHERE id = ANY($1::uuid[]) AND owner = $2 AND message IS NULL AND expires_at > now()
      AND (claimed_at IS NULL OR claimed_by = $3 OR claimed_at < now() - interval '15 seconds'
           OR EXISTS (SELECT FROM command AS c WHERE c.agent = f.owner AND c.id = f.claimed_by))
    ORDER BY id FOR UPDATE
)
UPDATE attachment AS a SET claimed_at = now(), claimed_by = $3
FROM free
WHERE a.id = free.id AND (SELECT count(*) FROM free) = cardinality($1::uuid[])
RETURNING attachment_doc(a) AS doc
