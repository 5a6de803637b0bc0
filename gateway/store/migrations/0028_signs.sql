-- A mail's signs (its Reply-To, whom it looks like) say who somebody is: they go with the content.
-- Otherwise as in 0012.
CREATE OR REPLACE FUNCTION empty_cases(wanted uuid[], forget boolean)
RETURNS TABLE (cases bigint[], messages integer, files integer, bytes bigint)
LANGUAGE plpgsql AS $$
DECLARE
    said CONSTANT text[] := '{body,html,subject,to,cc,attachments,client_id,fold_from,signs}';
    done uuid[];
    inbounds uuid[];
    letters text[];
BEGIN
    SELECT coalesce(array_agg(c.id), '{}'), coalesce(array_agg(c.number), '{}')
    INTO done, cases
    FROM (SELECT t.id, t.number FROM ticket_case AS t
          WHERE t.id = ANY(wanted) AND (forget OR t.status IN ('solved', 'closed'))
            AND NOT EXISTS (SELECT FROM item AS i WHERE i.case_id = t.id AND i.ended_as IS NULL)
            AND NOT EXISTS (SELECT FROM outbox AS o
                            WHERE o.case_id = t.id AND o.settled_as IS NULL)
          ORDER BY t.id FOR UPDATE SKIP LOCKED) AS c;
    letters := done::text[];

    UPDATE ticket_case AS t
    SET status = 'closed', emptied_at = now(),
        customer = CASE WHEN forget THEN NULL ELSE t.customer END,
        doc = ((CASE WHEN forget THEN t.doc::jsonb - 'customer'::text ELSE t.doc::jsonb END
                - 'subject'::text)
               || jsonb_build_object('status', 'closed', 'emptied_at', now()))::json
    WHERE t.id = ANY(done);

    inbounds := ARRAY(SELECT i.id FROM inbox AS i WHERE i.decided->>'case' = ANY(letters));

    WITH gone AS (
        DELETE FROM attachment AS a
        WHERE a.inbound = ANY(inbounds)
           OR a.id IN (SELECT (f->>'id')::uuid FROM message AS m,
                              json_array_elements(m.doc->'attachments') AS f
                       WHERE m.case_id = ANY(done))
        RETURNING a.sha256, a.size
    ), noted AS (
        INSERT INTO blob_left (sha256) SELECT DISTINCT gone.sha256 FROM gone
        ON CONFLICT DO NOTHING
    )
    SELECT count(*), coalesce(sum(gone.size), 0) INTO files, bytes FROM gone;

    PERFORM empty_inbounds(inbounds, forget);

    IF forget THEN
        DELETE FROM message AS m WHERE m.case_id = ANY(done);
    ELSE
        UPDATE message AS m
        SET doc = (CASE WHEN m.direction = 'in'
                        THEN jsonb_set(m.doc::jsonb, '{author}', '{"kind": "customer"}')
                        ELSE m.doc::jsonb END - said)::json
        WHERE m.case_id = ANY(done);
    END IF;
    GET DIAGNOSTICS messages = ROW_COUNT;

    UPDATE item AS i
    SET doc = (scrubbed_event(jsonb_build_object('item', i.doc::jsonb), forget)->'item')::json
    WHERE i.case_id = ANY(done);

    UPDATE outbox AS o SET doc = (o.doc::jsonb - '{address,thread,payload,receipt}'::text[])::json
    WHERE o.case_id = ANY(done);

    UPDATE journal AS j SET payload = scrubbed_event(j.payload::jsonb, forget)::json
    WHERE j.case_id = ANY(done);

    RETURN NEXT;
END $$;
