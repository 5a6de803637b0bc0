-- Handing over to a node that lives (docs/decisions/0005).

-- The rows that are named, and what hangs on these customers and cases, in the hands of `to_node`;
-- and the question by which that node learns of it. Once: a repeat finds the question and does
-- nothing, but writes, so that whoever repeats it waits for the standby as the first one did.
-- False: `to_node` does not hold `to_epoch` any more, and nothing was done. The letting go must be
-- in the journal of `my_node` before this is called. SR002: a row was not with `my_node`.
CREATE FUNCTION hand_over_batch(
    my_node text, my_epoch bigint, to_node text, to_epoch bigint, agents text[], items uuid[],
    outgoing uuid[], customers uuid[], cases uuid[], question uuid, doc json
) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    UPDATE relay SET at = relay.at WHERE id = question;
    IF FOUND THEN
        RETURN true;
    END IF;

    PERFORM FROM node_fence WHERE node = to_node AND epoch = to_epoch FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    UPDATE agent_status SET home = to_node WHERE name = ANY(agents) AND home = my_node;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('agent_status', cardinality(agents), n);

    UPDATE item SET owner = to_node WHERE id = ANY(items) AND owner = my_node;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('item', cardinality(items), n);

    UPDATE outbox SET node = to_node WHERE id = ANY(outgoing) AND node = my_node;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('outbox', cardinality(outgoing), n);

    -- What no node keeps in memory goes along as it is: failed orders, contacts to be decided about.
    IF cardinality(cases) > 0 THEN
        UPDATE outbox SET node = to_node
        WHERE node = my_node AND settled_as <> 'sent' AND case_id = ANY(cases);
    END IF;
    IF cardinality(customers) > 0 THEN
        UPDATE customer SET home = to_node
        WHERE id = ANY(customers) AND (home IS NULL OR home = my_node);
        UPDATE inbox SET node = to_node
        WHERE node = my_node AND status IN ('received', 'quarantined')
          AND customer = ANY(customers);
    END IF;

    INSERT INTO relay (id, from_node, to_node, kind, doc)
    VALUES (question, my_node, hand_over_batch.to_node, 'handed_over', hand_over_batch.doc);
    RETURN true;
END $$;

-- Rows that nobody keeps in memory, at most `most` of each kind, from a node that leaves; how many
-- there were, or null if `to_node` does not hold `to_epoch` any more.
CREATE FUNCTION hand_over_quiet(
    my_node text, my_epoch bigint, to_node text, to_epoch bigint, most integer
) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    done integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    PERFORM FROM node_fence WHERE node = to_node AND epoch = to_epoch FOR SHARE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    -- Whose contacts are being worked on goes with that work.
    UPDATE customer SET home = to_node
    WHERE id IN (SELECT c.id FROM customer AS c WHERE c.home = my_node LIMIT most);
    GET DIAGNOSTICS done = ROW_COUNT;

    UPDATE outbox SET node = to_node
    WHERE id IN (SELECT id FROM outbox
                 WHERE node = my_node AND settled_as <> 'sent' LIMIT most);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;

    UPDATE inbox SET node = to_node
    WHERE id IN (SELECT id FROM inbox
                 WHERE node = my_node AND status = 'quarantined' LIMIT most);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;
