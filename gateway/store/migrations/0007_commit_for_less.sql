-- The commit once more, for less: rows that are new come apart from rows that change, so that
-- neither array is read twice and no statement runs in vain; times come as whole microseconds of
-- the Unix epoch. The one of 0004 stays for nodes of the version before.

CREATE TYPE journal_in AS (epoch bigint, "offset" bigint, at_us bigint, kind text, case_id uuid,
                           item_id uuid, payload json);

CREATE FUNCTION commit_batch(
    my_node text, my_epoch bigint, events journal_in[], new_cases case_in[], cases case_in[],
    new_items item_in[], items item_in[], messages message_in[], files file_in[],
    deliveries delivery_in[], new_outgoing outbox_in[], outgoing outbox_in[],
    new_statuses status_in[], statuses status_in[], agents agent_in[], queues queue_in[],
    commands command_in[], done done_in[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    INSERT INTO journal (node, epoch, "offset", at, kind, case_id, item_id, payload)
    SELECT my_node, u.epoch, u."offset", 'epoch'::timestamptz + u.at_us * '1 us'::interval,
           u.kind, u.case_id, u.item_id, u.payload
    FROM unnest(events) AS u;

    IF cardinality(new_cases) > 0 THEN
        INSERT INTO ticket_case (id, number, version, channel, status, customer, doc)
        SELECT u.id, u.number, u.version, u.channel, u.status, u.customer, u.doc
        FROM unnest(new_cases) AS u;
    END IF;
    IF cardinality(cases) > 0 THEN
        UPDATE ticket_case AS t
        SET version = u.version, status = u.status, customer = u.customer, doc = u.doc
        FROM unnest(cases) AS u
        WHERE t.id = u.id AND t.version = u.expected;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('ticket_case', cardinality(cases), n);
    END IF;

    IF cardinality(new_items) > 0 THEN
        INSERT INTO item (id, case_id, version, owner, state, ended_as, channel, queue, agent,
                          doc)
        SELECT u.id, u.case_id, u.version, u.owner, u.state, u.ended_as, u.channel, u.queue,
               u.agent, u.doc
        FROM unnest(new_items) AS u WHERE u.owner = my_node;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('item', cardinality(new_items), n);
    END IF;
    IF cardinality(items) > 0 THEN
        UPDATE item AS t
        SET version = u.version, owner = u.owner, state = u.state, ended_as = u.ended_as,
            queue = u.queue, agent = u.agent, doc = u.doc
        FROM unnest(items) AS u
        WHERE t.id = u.id AND t.version = u.expected AND t.owner = my_node;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('item', cardinality(items), n);
    END IF;

    IF cardinality(messages) > 0 THEN
        INSERT INTO message (id, case_id, seq, direction, external_id, doc)
        SELECT u.* FROM unnest(messages) AS u;
    END IF;

    IF cardinality(files) > 0 THEN
        UPDATE attachment AS t SET message = u.message, expires_at = NULL
        FROM unnest(files) AS u WHERE t.id = u.id;
    END IF;

    IF cardinality(deliveries) > 0 THEN
        UPDATE message AS t
        SET doc = (t.doc::jsonb || u.patch)::json,
            external_id = coalesce(u.external_id, t.external_id)
        FROM unnest(deliveries) AS u WHERE t.id = u.message;
    END IF;

    IF cardinality(new_outgoing) > 0 THEN
        INSERT INTO outbox (id, node, version, state, settled_as, channel, case_id, doc)
        SELECT u.id, my_node, u.version, u.state, u.settled_as, u.channel, u.case_id, u.doc
        FROM unnest(new_outgoing) AS u;
    END IF;
    IF cardinality(outgoing) > 0 THEN
        UPDATE outbox AS t
        SET version = u.version, state = u.state, settled_as = u.settled_as, doc = u.doc
        FROM unnest(outgoing) AS u
        WHERE t.id = u.id AND t.version = u.expected AND t.node = my_node;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('outbox', cardinality(outgoing), n);
    END IF;

    IF cardinality(new_statuses) > 0 THEN
        INSERT INTO agent_status (name, version, epoch, home, doc)
        SELECT u.name, u.version, u.epoch, u.home, u.doc
        FROM unnest(new_statuses) AS u;
    END IF;
    IF cardinality(statuses) > 0 THEN
        UPDATE agent_status AS t
        SET version = u.version, epoch = u.epoch, home = u.home, doc = u.doc
        FROM unnest(statuses) AS u
        WHERE t.name = u.name AND t.version = u.expected;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('agent_status', cardinality(statuses), n);
    END IF;

    IF cardinality(agents) > 0 THEN
        INSERT INTO agent (name, active, doc) SELECT u.* FROM unnest(agents) AS u
        ON CONFLICT (name) DO UPDATE
        SET active = excluded.active, doc = excluded.doc, changed_at = now();
    END IF;

    IF cardinality(queues) > 0 THEN
        INSERT INTO queue (name, doc) SELECT u.* FROM unnest(queues) AS u
        ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, changed_at = now();
    END IF;

    IF cardinality(commands) > 0 THEN
        -- The first answer stands: a command has one effect.
        INSERT INTO command (agent, id, at, answer) SELECT u.* FROM unnest(commands) AS u
        ON CONFLICT (agent, id) DO NOTHING;
    END IF;

    IF cardinality(done) > 0 THEN
        UPDATE inbox AS t
        SET status = u.status, decided = u.decided, decided_at = now()
        FROM unnest(done) AS u WHERE t.id = u.id;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('inbox', cardinality(done), n);
    END IF;
END $$;
