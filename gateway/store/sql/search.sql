-- Finding what was said, and customers, by words.

-- name: search_places
SELECT node, epoch, "offset" FROM search_place

-- name: search_read_to
INSERT INTO search_place (node, epoch, "offset") VALUES ($1, $2, $3)
ON CONFLICT (node) DO UPDATE SET epoch = excluded.epoch, "offset" = excluded."offset"

-- name: search_messages_by_id
SELECT m.id::text, m.doc, c.doc->>'subject' AS subject, c.doc->'customer'->>'name' AS name,
       c.doc->'customer'->>'language' AS language
FROM message AS m JOIN ticket_case AS c ON c.id = m.case_id
WHERE m.id = ANY($1::uuid[])

-- name: search_messages_past
-- The next ones of before there was a search, with how far that is.
SELECT m.id::text
FROM search_past AS p CROSS JOIN LATERAL (
    SELECT n.id FROM message AS n WHERE n.id > p.after ORDER BY n.id LIMIT $1
) AS m
ORDER BY m.id

-- name: search_past_to
UPDATE search_past SET after = $1::uuid

-- name: search_past_over
DELETE FROM search_past

-- name: search_writing
-- Whoever takes content out waits until the pages are written, and they until it is gone. Not by
-- the rows of the cases: those would be held from the journal for as long as the pages take.
SELECT pg_advisory_xact_lock_shared($1)

-- name: search_forgetting
SELECT pg_advisory_xact_lock($1)

-- name: search_keep_messages
-- In a transaction that began with search_writing: nothing of a case that has been emptied.
WITH page AS (
    SELECT u.message, u.stems, string_to_array(u.words, ' ') AS words
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u(message, stems, words)
), there AS (
    SELECT m.id FROM message AS m JOIN ticket_case AS c ON c.id = m.case_id
    WHERE m.id IN (SELECT page.message FROM page) AND c.emptied_at IS NULL
    FOR KEY SHARE OF m
)
INSERT INTO search_message (message, words)
SELECT page.message, array_to_tsvector(page.words || ARRAY(
    SELECT stem.lexeme FROM unnest(page.words) AS w(word),
                            unnest(ts_lexize(page.stems::regdictionary, w.word)) AS stem(lexeme)
    WHERE stem.lexeme <> ''))
FROM page JOIN there ON there.id = page.message
ON CONFLICT (message) DO UPDATE SET words = excluded.words
WHERE search_message.words <> excluded.words

-- name: search_customers_due
-- Taken out here, and read again in the same transaction.
DELETE FROM search_due
WHERE ctid = ANY(ARRAY(SELECT d.ctid FROM search_due AS d LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING customer::text

-- name: search_customers_by_id
SELECT c.id::text, c.name, array_remove(array_agg(i.value), NULL) AS identities
FROM customer AS c LEFT JOIN identity AS i ON i.customer = c.id
WHERE c.id = ANY($1::uuid[])
GROUP BY c.id

-- name: search_keep_customers
INSERT INTO search_customer (customer, words)
SELECT u.customer, array_to_tsvector(string_to_array(u.words, ' '))
FROM unnest($1::uuid[], $2::text[]) AS u(customer, words)
WHERE EXISTS (SELECT FROM customer AS c WHERE c.id = u.customer FOR KEY SHARE)
ON CONFLICT (customer) DO UPDATE SET words = excluded.words

-- name: search_said
-- The newest messages that have all of it, and of each case the newest of those.
WITH wanted AS (SELECT $1::tsquery AS words),
hit AS MATERIALIZED (
    SELECT s.message FROM search_message AS s, wanted AS w WHERE s.words @@ w.words
    ORDER BY s.message DESC LIMIT $2
)
SELECT DISTINCT ON (m.case_id) m.case_id, m.id, m.doc AS message, c.doc AS "case"
FROM hit JOIN message AS m ON m.id = hit.message JOIN ticket_case AS c ON c.id = m.case_id
ORDER BY m.case_id, m.id DESC

-- name: search_who
SELECT c.id::text, c.name, c.verified, c.language, latest.number,
       array_remove(array_agg(i.value ORDER BY i.verified DESC, i.seen_at DESC), NULL)
           AS identities
FROM search_customer AS s
JOIN customer AS c ON c.id = s.customer
LEFT JOIN identity AS i ON i.customer = c.id AND i.kind <> 'visitor'
LEFT JOIN LATERAL (
    SELECT t.number FROM ticket_case AS t WHERE t.customer = c.id ORDER BY t.id DESC LIMIT 1
) AS latest ON true
WHERE s.words @@ $1::tsquery
GROUP BY c.id, latest.number
ORDER BY c.changed_at DESC LIMIT $2

-- name: search_question
-- Every word of it: as the beginning of a longer one, or as any of the stems.
SELECT string_agg('(' || concat_ws(' | ', quote_literal(u.word) || ':*', stems.either) || ')',
                  ' & ' ORDER BY u.place) AS words
FROM unnest($1::text[]) WITH ORDINALITY AS u(word, place)
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT quote_literal(found.lexeme), ' | ') AS either
    FROM unnest($2::text[]) AS d(name),
         unnest(ts_lexize(d.name::regdictionary, u.word)) AS found(lexeme)
    WHERE found.lexeme <> ''
) AS stems ON true
