-- Several nodes share the work, and take it over (docs/decisions/0005).

-- Who takes over the rows of a node that was fenced. It stands here until nothing of them is left,
-- so that a takeover that stopped half way can be found and ended by the same heir, or by who
-- takes the heir over. While it stands the node itself, begun again, loads nothing.
ALTER TABLE node_fence ADD COLUMN heir text;

-- `place` tells a person which process it is; `urls` are by purpose: http, agent, chat.
ALTER TABLE node_lease
    ADD COLUMN state text NOT NULL DEFAULT 'serving'
        CHECK (state IN ('joining', 'serving', 'leaving', 'stopped')),
    ADD COLUMN urls jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN version text NOT NULL DEFAULT '',
    ADD COLUMN place text NOT NULL DEFAULT '';

-- The node that decides about the contacts of a customer; empty until somebody writes.
ALTER TABLE customer ADD COLUMN home text;

-- What a node has, for taking it over. Owners change with a takeover alone, so these indexes cost
-- the commits nothing.
CREATE INDEX agent_status_home ON agent_status (home, name);
CREATE INDEX item_owner ON item (owner, id) WHERE ended_as IS NULL;
CREATE INDEX outbox_node ON outbox (node, id) WHERE settled_as IS NULL OR settled_as <> 'sent';
CREATE INDEX inbox_node ON inbox (node, id) WHERE status IN ('received', 'quarantined');
CREATE INDEX customer_home ON customer (home, id) WHERE home IS NOT NULL;

-- What one node asks of another, and the answer: at least once, done once.
CREATE TABLE relay (
    id          uuid PRIMARY KEY,
    from_node   text NOT NULL,
    to_node     text NOT NULL,
    kind        text NOT NULL,
    doc         json NOT NULL,
    answer      json,
    at          timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz
) WITH (fillfactor = 80);

CREATE INDEX relay_open ON relay (to_node, id) WHERE answered_at IS NULL;
CREATE INDEX relay_at ON relay USING brin (at);

-- The rows of `dead` that are named, in the hands of their heir. Repeating it is harmless, so an
-- unknown outcome is repeated. SR002: a row is neither with the dead node nor with the heir.
CREATE FUNCTION adopt_batch(
    my_node text, my_epoch bigint, dead text, agents text[], items uuid[], outgoing uuid[],
    inbounds uuid[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
BEGIN
    PERFORM require_heir(my_node, my_epoch, dead);

    UPDATE agent_status SET home = my_node WHERE name = ANY(agents) AND home IN (dead, my_node);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('agent_status', cardinality(agents), n);

    UPDATE item SET owner = my_node WHERE id = ANY(items) AND owner IN (dead, my_node);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('item', cardinality(items), n);

    UPDATE outbox SET node = my_node WHERE id = ANY(outgoing) AND node IN (dead, my_node);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('outbox', cardinality(outgoing), n);

    UPDATE inbox SET node = my_node WHERE id = ANY(inbounds) AND node IN (dead, my_node);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM require_rows('inbox', cardinality(inbounds), n);
END $$;

-- Rows of `dead` that nobody keeps in memory, at most `most` of each kind: customers, orders that
-- failed, inbounds that were put aside. How many there were.
CREATE FUNCTION adopt_quiet(my_node text, my_epoch bigint, dead text, most integer)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    done integer;
BEGIN
    PERFORM require_heir(my_node, my_epoch, dead);

    UPDATE customer SET home = my_node
    WHERE id IN (SELECT id FROM customer WHERE home = dead LIMIT most);
    GET DIAGNOSTICS done = ROW_COUNT;

    UPDATE outbox SET node = my_node
    WHERE id IN (SELECT id FROM outbox
                 WHERE node = dead AND settled_as <> 'sent' LIMIT most);
    GET DIAGNOSTICS n = ROW_COUNT;
    done := done + n;

    UPDATE inbox SET node = my_node
    WHERE id IN (SELECT id FROM inbox
                 WHERE node = dead AND status = 'quarantined' LIMIT most);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;

CREATE FUNCTION require_heir(my_node text, my_epoch bigint, dead text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    PERFORM FROM node_fence WHERE node = dead AND heir = my_node FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not the heir of %', my_node, dead USING ERRCODE = 'SR002';
    END IF;
END $$;

-- The inbox commit also tells whose an inbound is: one that came to two nodes is decided about by
-- the one that had it first, or by that node's heir.
DROP FUNCTION receive_batch(text, bigint, sender_in[], blob_in[], inbound_in[], upload_in[],
                            memory_in[]);

CREATE FUNCTION receive_batch(
    my_node text, my_epoch bigint, senders sender_in[], blobs blob_in[], inbounds inbound_in[],
    uploads upload_in[], memories memory_in[]
) RETURNS TABLE (place integer, id uuid, fresh boolean, customer jsonb, attachments jsonb,
                 decided json, node text)
LANGUAGE plpgsql AS $$
DECLARE
    customers uuid[] := '{}';
    found_customer uuid;
    s sender_in;
    i inbound_in;
    turn bigint;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    FOREACH s IN ARRAY senders LOOP
        INSERT INTO identity AS t (kind, value, verified, customer)
        VALUES (s.kind, s.value, s.verified, s.customer)
        ON CONFLICT ON CONSTRAINT identity_pkey DO UPDATE SET seen_at = now()
        RETURNING t.customer INTO found_customer;
        customers := customers || found_customer;
        IF found_customer = s.customer THEN
            INSERT INTO customer (id, name, language, verified)
            VALUES (s.customer, s.name, s.language, s.verified);
        ELSIF s.name <> '' THEN
            UPDATE customer AS t SET name = s.name, changed_at = now()
            WHERE t.id = found_customer AND t.name = '';
        END IF;
    END LOOP;

    IF cardinality(blobs) > 0 THEN
        INSERT INTO blob (sha256, size, data)
        SELECT u.sha256, length(u.data), u.data FROM unnest(blobs) AS u
        ON CONFLICT (sha256) DO UPDATE SET seen_at = now();
    END IF;

    IF cardinality(inbounds) > 0 THEN
        turn := nextval('inbox_arrival');
    END IF;
    place := 0;
    FOREACH i IN ARRAY inbounds LOOP
        place := place + 1;
        INSERT INTO inbox AS t (id, channel, key, node, customer, raw, at, arrival, doc)
        VALUES (i.id, i.channel, i.key, my_node, customers[i.who], i.raw, i.at, turn,
                i.doc)
        ON CONFLICT ON CONSTRAINT inbox_channel_key_key DO UPDATE SET seen_at = now()
        RETURNING t.id, t.id = i.id, t.customer, t.decided, t.node
        INTO id, fresh, found_customer, decided, node;

        IF fresh THEN
            INSERT INTO attachment (id, sha256, name, type, size, inline_id, inbound, place)
            SELECT u.id, u.sha256, u.name, u.type, u.size, u.inline_id, i.id, u.place
            FROM unnest(uploads) AS u WHERE u.inbound = receive_batch.place;
        END IF;

        customer := customer_brief(found_customer);
        attachments := inbound_files(id);
        RETURN NEXT;
    END LOOP;

    IF cardinality(memories) > 0 THEN
        INSERT INTO channel_memory (channel, key, value) SELECT u.* FROM unnest(memories) AS u
        ON CONFLICT ON CONSTRAINT channel_memory_pkey
        DO UPDATE SET value = excluded.value, changed_at = now();
    END IF;
END $$;
