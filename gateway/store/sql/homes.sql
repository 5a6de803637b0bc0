-- Whose an agent is: the home column of agent_status. The document beside it changes by commits.

-- name: home_claim
-- Compare-and-set, and an answer that has itself written: nobody's becomes ours, ours stays ours,
-- another's is not touched. `before` is the home as it was when the statement began, and with a
-- row that appeared in that moment there is none: ask again. `heir` says that we are taking
-- somebody over, or were handed what we have not recorded: of what an agent who came with it
-- holds, a part may be missing still. Rows are locked in the order of their names.
WITH mine AS MATERIALIZED (SELECT require_epoch($1, $2)),
asked AS (SELECT u.name, u.doc FROM mine, unnest($3::text[], $4::json[]) AS u (name, doc)),
claimed AS (
    INSERT INTO agent_status AS t (name, version, epoch, home, doc)
    SELECT a.name, 1, 0, $1, a.doc FROM asked AS a ORDER BY a.name
    ON CONFLICT (name) DO UPDATE SET home = $1
    WHERE t.home IS NULL OR t.home = $1
    RETURNING t.name, t.doc
)
SELECT a.name, claimed.doc, s.home AS before, l.urls ->> 'agent' AS url,
       l.epoch = f.epoch AND l.state = 'serving' AS serving,
       EXISTS (SELECT FROM node_fence WHERE heir = $1) OR EXISTS (
           SELECT FROM relay
           WHERE to_node = $1 AND answered_at IS NULL AND kind = 'handed_over') AS heir
FROM asked AS a
LEFT JOIN claimed ON claimed.name = a.name
LEFT JOIN agent_status AS s ON s.name = a.name
LEFT JOIN node_lease AS l ON l.node = s.home
LEFT JOIN node_fence AS f ON f.node = s.home

-- name: statuses_of
SELECT doc, home FROM agent_status WHERE name = ANY($1::text[])
