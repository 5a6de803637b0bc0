-- What happened in a period, counted.

-- name: misrouted
-- The few events are an index of their own; the same words together, most often said first.
SELECT j.payload->>'rule' AS rule, j.payload->>'queue' AS queue, j.payload->>'reason' AS reason,
       j.payload->>'right_queue' AS right_queue, j.payload->>'right_skill' AS right_skill,
       count(*) AS told,
       (array_agg(json_build_object(
           'item', j.item_id, 'number', c.number, 'at', j.at, 'agent', j.payload->>'agent',
           'how', j.payload->>'how', 'decision', coalesce(j.payload->>'decision', '')
       ) ORDER BY j.at DESC, j."offset" DESC))[1:10] AS latest
FROM journal AS j JOIN ticket_case AS c ON c.id = j.case_id
WHERE j.kind = 'item_misrouted' AND j.at >= $1 AND j.at < $2
GROUP BY 1, 2, 3, 4, 5
ORDER BY told DESC, 2, 3, 1, 4, 5 LIMIT 1000

-- name: withheld
-- What a budget kept machines of ours from writing; of each kind the latest by name.
SELECT j.payload->>'channel' AS channel, j.payload->>'of' AS of, j.payload->>'what' AS what,
       count(*) AS withheld,
       (array_agg(json_build_object('item', j.item_id, 'number', c.number, 'at', j.at)
                  ORDER BY j.at DESC, j."offset" DESC))[1:10] AS latest
FROM journal AS j JOIN ticket_case AS c ON c.id = j.case_id
WHERE j.kind = 'automatic_withheld' AND j.at >= $1 AND j.at < $2
GROUP BY 1, 2, 3
ORDER BY withheld DESC, 1, 2, 3 LIMIT 1000
