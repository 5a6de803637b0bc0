-- The two statements that everything durable goes through. Each is one round trip in autocommit:
-- a node frozen between round trips would hold its locks and block its own takeover.
--
-- SR001: the fence row does not carry the caller's epoch (any more).
-- SR002: a row was not at the version, or with the owner, that the caller believed.

CREATE FUNCTION require_epoch(my_node text, my_epoch bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM node_fence WHERE node = my_node AND epoch = my_epoch FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node % no longer holds epoch %', my_node, my_epoch
            USING ERRCODE = 'SR001';
    END IF;
END $$;

CREATE FUNCTION require_rows(what text, wanted integer, got integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF got <> wanted THEN
        RAISE EXCEPTION '%: only % of % rows were as this node knew them', what, got, wanted
            USING ERRCODE = 'SR002';
    END IF;
END $$;

-- The rows of a batch. `expected` is the version that must be there now; 0 means a new row.
CREATE TYPE event_in AS (epoch bigint, "offset" bigint, at timestamptz, kind text, case_id uuid,
                         item_id uuid, payload json);
CREATE TYPE case_in AS (expected integer, id uuid, number bigint, version integer, channel text,
                        status text, customer uuid, doc json);
CREATE TYPE item_in AS (expected integer, id uuid, case_id uuid, version integer, owner text,
                        state text, ended_as text, channel text, queue text, agent text,
                        doc json);
CREATE TYPE message_in AS (id uuid, case_id uuid, seq integer, direction text, external_id text,
                           doc json);
CREATE TYPE file_in AS (id uuid, message uuid);
CREATE TYPE delivery_in AS (message uuid, external_id text, patch jsonb);
CREATE TYPE outbox_in AS (expected integer, id uuid, version integer, state text, settled_as text,
                          channel text, case_id uuid, doc json);
CREATE TYPE status_in AS (expected integer, name text, version integer, epoch bigint, home text,
                          doc json);
CREATE TYPE agent_in AS (name text, active boolean, doc jsonb);
CREATE TYPE queue_in AS (name text, doc jsonb);
CREATE TYPE command_in AS (agent text, id text, at timestamptz, answer bytea);
CREATE TYPE done_in AS (id uuid, status text, decided json);

-- Writes a run of journal entries and the rows that they changed; several changes of one row
-- in a batch arrive as its last value.
CREATE FUNCTION commit_batch(
    my_node text, my_epoch bigint, events event_in[], cases case_in[], items item_in[],
    messages message_in[], files file_in[], deliveries delivery_in[], outgoing outbox_in[],
    statuses status_in[], agents agent_in[], queues queue_in[], commands command_in[],
    done done_in[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    m integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    INSERT INTO journal (node, epoch, "offset", at, kind, case_id, item_id, payload)
    SELECT my_node, u.* FROM unnest(events) AS u;

    IF cardinality(cases) > 0 THEN
        INSERT INTO ticket_case (id, number, version, channel, status, customer, doc)
        SELECT u.id, u.number, u.version, u.channel, u.status, u.customer, u.doc
        FROM unnest(cases) AS u WHERE u.expected = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE ticket_case AS t
        SET version = u.version, status = u.status, customer = u.customer, doc = u.doc
        FROM unnest(cases) AS u
        WHERE u.expected > 0 AND t.id = u.id AND t.version = u.expected;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('ticket_case', cardinality(cases), n + m);
    END IF;

    IF cardinality(items) > 0 THEN
        INSERT INTO item (id, case_id, version, owner, state, ended_as, channel, queue, agent,
                          doc)
        SELECT u.id, u.case_id, u.version, u.owner, u.state, u.ended_as, u.channel, u.queue,
               u.agent, u.doc
        FROM unnest(items) AS u WHERE u.expected = 0 AND u.owner = my_node;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE item AS t
        SET version = u.version, owner = u.owner, state = u.state, ended_as = u.ended_as,
            queue = u.queue, agent = u.agent, doc = u.doc
        FROM unnest(items) AS u
        WHERE u.expected > 0 AND t.id = u.id AND t.version = u.expected AND t.owner = my_node;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('item', cardinality(items), n + m);
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

    IF cardinality(outgoing) > 0 THEN
        INSERT INTO outbox (id, node, version, state, settled_as, channel, case_id, doc)
        SELECT u.id, my_node, u.version, u.state, u.settled_as, u.channel, u.case_id, u.doc
        FROM unnest(outgoing) AS u WHERE u.expected = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE outbox AS t
        SET version = u.version, state = u.state, settled_as = u.settled_as, doc = u.doc
        FROM unnest(outgoing) AS u
        WHERE u.expected > 0 AND t.id = u.id AND t.version = u.expected AND t.node = my_node;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('outbox', cardinality(outgoing), n + m);
    END IF;

    IF cardinality(statuses) > 0 THEN
        INSERT INTO agent_status (name, version, epoch, home, doc)
        SELECT u.name, u.version, u.epoch, u.home, u.doc
        FROM unnest(statuses) AS u WHERE u.expected = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE agent_status AS t
        SET version = u.version, epoch = u.epoch, home = u.home, doc = u.doc
        FROM unnest(statuses) AS u
        WHERE u.expected > 0 AND t.name = u.name AND t.version = u.expected;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('agent_status', cardinality(statuses), n + m);
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

-- The inbox commit: inbounds, who sent them, their bytes, and a channel's memory. A key that is
-- known already gets the row that stands there, touched, so that the answer itself is WAL.
-- `who` and `inbound` point into the arrays of senders and inbounds, counted from 1.
CREATE TYPE sender_in AS (kind text, value text, verified boolean, customer uuid, name text,
                          language text);
CREATE TYPE blob_in AS (sha256 bytea, data bytea);
CREATE TYPE inbound_in AS (id uuid, channel text, key text, at timestamptz, who integer, raw bytea,
                           doc json);
CREATE TYPE upload_in AS (id uuid, inbound integer, place integer, sha256 bytea, name text,
                          type text, size bigint, inline_id text);
CREATE TYPE memory_in AS (channel text, key text, value bytea);

CREATE FUNCTION receive_batch(
    my_node text, my_epoch bigint, senders sender_in[], blobs blob_in[], inbounds inbound_in[],
    uploads upload_in[], memories memory_in[]
) RETURNS TABLE (place integer, id uuid, fresh boolean, customer jsonb, attachments jsonb,
                 decided json)
LANGUAGE plpgsql AS $$
DECLARE
    customers uuid[] := '{}';
    found_customer uuid;
    s sender_in;
    i inbound_in;
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

    place := 0;
    FOREACH i IN ARRAY inbounds LOOP
        place := place + 1;
        INSERT INTO inbox AS t (id, channel, key, node, customer, raw, at, doc)
        VALUES (i.id, i.channel, i.key, my_node, customers[i.who], i.raw, i.at, i.doc)
        ON CONFLICT ON CONSTRAINT inbox_channel_key_key DO UPDATE SET seen_at = now()
        RETURNING t.id, t.id = i.id, t.customer, t.decided
        INTO id, fresh, found_customer, decided;

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

CREATE FUNCTION customer_brief(wanted uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', id, 'name', name, 'language', language,
                              'verified', verified, 'value', value)
    FROM customer WHERE id = wanted
$$;

CREATE FUNCTION attachment_doc(a attachment) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', a.id, 'name', a.name, 'type', a.type, 'size', a.size,
                              'sha256', encode(a.sha256, 'hex'), 'inline_id', a.inline_id)
$$;

CREATE FUNCTION inbound_files(wanted uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(attachment_doc(a) ORDER BY a.place), '[]'::jsonb)
    FROM attachment AS a WHERE a.inbound = wanted
$$;
