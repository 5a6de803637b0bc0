-- Chat among colleagues, as it is read.

-- name: colleague_messages_by_id
SELECT doc FROM colleague_message WHERE id = ANY($1::uuid[])

-- name: colleague_item
SELECT i.doc, EXISTS (SELECT FROM colleague_message AS m
                      WHERE m.item_id = i.id AND m.chat = $2 AND m.state = 'sent') AS spoken
FROM item AS i WHERE i.id = $1

-- name: colleague_chats
-- The chats of an agent ($1), those of the groups ($2) with all that is said there: the newest
-- message of each and how many are unread. From one name of a chat the index leads to the next.
WITH RECURSIVE written AS (
    (SELECT m.chat FROM colleague_message AS m WHERE m.author = $1 ORDER BY m.chat LIMIT 1)
    UNION ALL
    SELECT (SELECT m.chat FROM colleague_message AS m
            WHERE m.author = $1 AND m.chat > w.chat ORDER BY m.chat LIMIT 1)
    FROM written AS w WHERE w.chat IS NOT NULL
), got AS (
    (SELECT m.chat FROM colleague_message AS m WHERE m.agent = $1 ORDER BY m.chat LIMIT 1)
    UNION ALL
    SELECT (SELECT m.chat FROM colleague_message AS m
            WHERE m.agent = $1 AND m.chat > g.chat ORDER BY m.chat LIMIT 1)
    FROM got AS g WHERE g.chat IS NOT NULL
), chats AS (
    SELECT chat FROM written WHERE chat IS NOT NULL
    UNION SELECT chat FROM got WHERE chat IS NOT NULL
    UNION SELECT unnest($2::text[])
)
SELECT c.chat, last.n, last.doc, unread.count AS unread
FROM chats AS c
CROSS JOIN LATERAL (
    SELECT m.n, m.doc FROM colleague_message AS m
    WHERE m.chat = c.chat
      AND m.state <> 'barred'
      AND (m.author = $1 OR (m.state = 'sent' AND (m.agent = $1 OR c.chat = ANY($2::text[]))))
    ORDER BY m.n DESC LIMIT 1
) AS last
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS count FROM (
        SELECT FROM colleague_message AS m
        WHERE m.chat = c.chat AND m.author <> $1 AND m.state = 'sent'
          AND (m.agent = $1 OR c.chat = ANY($2::text[]))
          AND m.n > coalesce((SELECT k.n FROM colleague_mark AS k
                              WHERE k.reader = $1 AND k.chat = c.chat), 0)
        LIMIT 1000
    ) AS u
) AS unread
WHERE ($3::bigint = 0 OR last.n < $3)
ORDER BY last.n DESC LIMIT $4

-- name: colleague_messages
-- The newest of a chat before $3; a reader ($2) who is not of it has written what is shown.
SELECT m.n, m.doc FROM colleague_message AS m
WHERE m.chat = $1 AND ($3::bigint = 0 OR m.n < $3)
  AND m.state <> 'barred' AND (m.author = $2 OR ($5 AND m.state = 'sent'))
ORDER BY m.n DESC LIMIT $4

-- name: colleague_messages_of_item
SELECT m.n, m.doc FROM colleague_message AS m
WHERE m.item_id = $1 AND m.state = 'sent' AND ($2::bigint = 0 OR m.n < $2)
ORDER BY m.n DESC LIMIT $3

-- name: colleague_reviews
SELECT m.id::text, m.doc FROM colleague_message AS m
WHERE m.review = 'open' AND m.id > $1 ORDER BY m.id LIMIT $2

-- name: colleague_forget
-- What is older than so many days, a part of it.
WITH old AS (
    SELECT id FROM colleague_message
    WHERE at < now() - make_interval(days => $1::integer) ORDER BY at LIMIT $2
), gone AS (
    DELETE FROM colleague_message AS m USING old WHERE m.id = old.id RETURNING m.id
)
SELECT count(*)::integer FROM gone
