-- Facts as a star, for reports and for warehouses (docs/reports.md). Names and columns stay.

-- What an agent, a queue, a node was like, from when to when. What the journal does not tell (it
-- was dropped) is as it is now.
CREATE VIEW star_agent AS
SELECT name AS agent, since, until, coalesce(doc->>'site', '') AS site,
       coalesce(ARRAY(SELECT jsonb_array_elements_text(doc->'groups')), '{}') AS groups
FROM (
    SELECT name, doc,
           CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE at END AS since,
           coalesce(lead(at) OVER w, 'infinity') AS until
    FROM fact_word WHERE kind = 'agent'
    WINDOW w AS (PARTITION BY name ORDER BY at, node, epoch, "offset")
    UNION ALL
    SELECT a.name, a.doc::jsonb, '-infinity', 'infinity' FROM agent AS a
    WHERE NOT EXISTS (SELECT FROM fact_word AS f WHERE f.kind = 'agent' AND f.name = a.name)
) AS known;

CREATE VIEW star_queue AS
SELECT name AS queue, since, until, target, short
FROM (
    SELECT name, (doc->>'target')::double precision AS target,
           coalesce((doc->>'short')::double precision, 5) AS short,
           CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE at END AS since,
           coalesce(lead(at) OVER w, 'infinity') AS until
    FROM fact_word WHERE kind = 'queue'
    WINDOW w AS (PARTITION BY name ORDER BY at, node, epoch, "offset")
    UNION ALL
    SELECT q.name, (q.doc->>'service_level_seconds')::double precision,
           coalesce((q.doc->'abandoned'->>'after')::double precision, 5), '-infinity', 'infinity'
    FROM queue AS q
    WHERE NOT EXISTS (SELECT FROM fact_word AS f WHERE f.kind = 'queue' AND f.name = q.name)
) AS known;

CREATE VIEW star_node AS
SELECT name AS node, since, until, region
FROM (
    SELECT name, coalesce(doc->>'region', '') AS region,
           CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE at END AS since,
           coalesce(lead(at) OVER w, 'infinity') AS until
    FROM fact_word WHERE kind = 'node'
    WINDOW w AS (PARTITION BY name ORDER BY at, node, epoch, "offset")
    UNION ALL
    SELECT l.node, l.region, '-infinity', 'infinity' FROM node_lease AS l
    WHERE NOT EXISTS (SELECT FROM fact_word AS f WHERE f.kind = 'node' AND f.name = l.node)
) AS known;

CREATE VIEW star_cell AS SELECT * FROM fact_cell;

CREATE VIEW star_item AS
SELECT i.item, i.case_id, i.number, c.customer, i.cell, i.created_at, i.answered_at, i.replied_at,
       i.ended_at, i.outcome, i.talk, i.wrap
FROM fact_item AS i LEFT JOIN ticket_case AS c ON c.id = i.case_id;

CREATE VIEW star_segment AS
SELECT item, what, agent, cell, began, ended, outcome FROM fact_segment;

CREATE VIEW star_interval AS
SELECT item, at, cell, contacts, offered, answered, abandoned, flowed_out, callbacks_chosen, offers,
       declined, missed, picked, misrouted, transferred, handled, completed, canceled, breached,
       solved, solved_first, solved_at_one, first_replies, next_replies, first_replies_open,
       resolutions_open, promises_kept, promises_broken, callbacks, callback_tries,
       callbacks_reached, told, rated, satisfied, wait, first_reply, next_reply, resolution,
       first_reply_open, resolution_open, promise_late, told_wait, true_wait, told_off, score
FROM fact;

CREATE VIEW star_shift AS
SELECT agent, at, cell, talk, wrap, talk_shared, wrap_shared, busy, idle, ready, not_ready
FROM fact_shift;
