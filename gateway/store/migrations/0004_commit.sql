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

-- Writes a run of journal entries and the rows that they changed. An expected version of 0 means
-- a new row; several changes of one row in a batch arrive as its last value.
CREATE FUNCTION commit_batch(
    my_node text, my_epoch bigint,
    ev_epoch bigint[], ev_offset bigint[], ev_at timestamptz[],
    ev_case uuid[], ev_item uuid[], ev_doc jsonb[],
    case_expected integer[], case_doc jsonb[],
    item_expected integer[], item_doc jsonb[],
    message_doc jsonb[],
    file_id uuid[], file_message uuid[],
    delivery_doc jsonb[],
    outbox_expected integer[], outbox_doc jsonb[],
    status_expected integer[], status_doc jsonb[],
    agent_doc jsonb[], queue_doc jsonb[],
    command_agent text[], command_id text[], command_at timestamptz[], command_answer bytea[],
    done_id uuid[], done_doc jsonb[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    m integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    INSERT INTO journal (node, epoch, "offset", at, kind, case_id, item_id, payload)
    SELECT my_node, e, o, a, d->>'kind', c, i, d
    FROM unnest(ev_epoch, ev_offset, ev_at, ev_case, ev_item, ev_doc) AS u(e, o, a, c, i, d);

    IF cardinality(case_doc) > 0 THEN
        INSERT INTO ticket_case (id, number, version, channel, status, customer, subject,
                                 opened_at, doc)
        SELECT (d->>'id')::uuid, (d->>'number')::bigint, (d->>'version')::integer, d->>'channel',
               d->>'status', (d->'customer'->>'id')::uuid, d->>'subject',
               (d->>'opened_at')::timestamptz, d
        FROM unnest(case_expected, case_doc) AS u(e, d) WHERE e = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE ticket_case AS t
        SET version = (d->>'version')::integer, status = d->>'status', subject = d->>'subject',
            customer = (d->'customer'->>'id')::uuid, doc = d
        FROM unnest(case_expected, case_doc) AS u(e, d)
        WHERE e > 0 AND t.id = (d->>'id')::uuid AND t.version = e;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('ticket_case', cardinality(case_doc), n + m);
    END IF;

    IF cardinality(item_doc) > 0 THEN
        INSERT INTO item (id, case_id, number, version, owner, state, ended_as, channel, queue,
                          agent, customer, subject, created_at, doc)
        SELECT (d->>'id')::uuid, (d->>'case')::uuid, (d->>'number')::bigint,
               (d->>'version')::integer, d->>'owner', d->>'state',
               CASE WHEN d->>'ended_at' IS NOT NULL THEN d->>'state' END,
               d->>'channel', d->>'queue', d->>'agent', (d->'customer'->>'id')::uuid,
               d->>'subject', (d->>'created_at')::timestamptz, d
        FROM unnest(item_expected, item_doc) AS u(e, d) WHERE e = 0 AND d->>'owner' = my_node;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE item AS t
        SET version = (d->>'version')::integer, owner = d->>'owner', state = d->>'state',
            ended_as = CASE WHEN d->>'ended_at' IS NOT NULL THEN d->>'state' END,
            queue = d->>'queue', agent = d->>'agent',
            customer = (d->'customer'->>'id')::uuid, subject = d->>'subject', doc = d
        FROM unnest(item_expected, item_doc) AS u(e, d)
        WHERE e > 0 AND t.id = (d->>'id')::uuid AND t.version = e AND t.owner = my_node;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('item', cardinality(item_doc), n + m);
    END IF;

    IF cardinality(message_doc) > 0 THEN
        INSERT INTO message (id, case_id, seq, direction, external_id, at, doc)
        SELECT (d->>'id')::uuid, (d->>'case')::uuid, (d->>'seq')::integer, d->>'direction',
               bounded(d->>'external_id'), (d->>'at')::timestamptz, d
        FROM unnest(message_doc) AS d
        ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, external_id = excluded.external_id;
    END IF;

    IF cardinality(file_id) > 0 THEN
        UPDATE attachment AS t SET message = m_id, expires_at = NULL
        FROM unnest(file_id, file_message) AS u(f_id, m_id)
        WHERE t.id = f_id;
    END IF;

    IF cardinality(delivery_doc) > 0 THEN
        UPDATE message AS t
        SET doc = t.doc || (d - 'id'),
            external_id = coalesce(bounded(d->>'external_id'), t.external_id)
        FROM unnest(delivery_doc) AS d
        WHERE t.id = (d->>'id')::uuid;
    END IF;

    IF cardinality(outbox_doc) > 0 THEN
        INSERT INTO outbox (id, node, version, state, settled_as, channel, case_id, message,
                            created_at, doc)
        SELECT (d->>'id')::uuid, my_node, (d->>'version')::integer, d->>'state',
               CASE WHEN d->>'state' IN ('sent', 'failed') THEN d->>'state' END, d->>'channel',
               (d->>'case')::uuid, (d->>'message')::uuid, (d->>'created_at')::timestamptz, d
        FROM unnest(outbox_expected, outbox_doc) AS u(e, d) WHERE e = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE outbox AS t
        SET version = (d->>'version')::integer, state = d->>'state',
            settled_as = CASE WHEN d->>'state' IN ('sent', 'failed') THEN d->>'state' END,
            doc = d
        FROM unnest(outbox_expected, outbox_doc) AS u(e, d)
        WHERE e > 0 AND t.id = (d->>'id')::uuid AND t.version = e AND t.node = my_node;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('outbox', cardinality(outbox_doc), n + m);
    END IF;

    IF cardinality(status_doc) > 0 THEN
        INSERT INTO agent_status (name, version, epoch, home, doc)
        SELECT d->>'name', (d->>'version')::integer, (d->>'epoch')::bigint, d->>'home', d
        FROM unnest(status_expected, status_doc) AS u(e, d) WHERE e = 0;
        GET DIAGNOSTICS n = ROW_COUNT;
        UPDATE agent_status AS t
        SET version = (d->>'version')::integer, epoch = (d->>'epoch')::bigint,
            home = d->>'home', doc = d
        FROM unnest(status_expected, status_doc) AS u(e, d)
        WHERE e > 0 AND t.name = d->>'name' AND t.version = e;
        GET DIAGNOSTICS m = ROW_COUNT;
        PERFORM require_rows('agent_status', cardinality(status_doc), n + m);
    END IF;

    IF cardinality(agent_doc) > 0 THEN
        INSERT INTO agent (name, active, doc)
        SELECT d->>'name', (d->>'active')::boolean, d FROM unnest(agent_doc) AS d
        ON CONFLICT (name) DO UPDATE
        SET active = excluded.active, doc = excluded.doc, changed_at = now();
    END IF;

    IF cardinality(queue_doc) > 0 THEN
        INSERT INTO queue (name, doc) SELECT d->>'name', d FROM unnest(queue_doc) AS d
        ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, changed_at = now();
    END IF;

    IF cardinality(command_id) > 0 THEN
        INSERT INTO command (agent, id, at, answer)
        SELECT * FROM unnest(command_agent, command_id, command_at, command_answer)
        ON CONFLICT (agent, id) DO NOTHING;
    END IF;

    IF cardinality(done_id) > 0 THEN
        UPDATE inbox AS t
        SET status = d->>'status', decided = d, decided_at = now()
        FROM unnest(done_id, done_doc) AS u(i, d)
        WHERE t.id = i;
        GET DIAGNOSTICS n = ROW_COUNT;
        PERFORM require_rows('inbox', cardinality(done_id), n);
    END IF;
END $$;

-- What goes into an index must be short: a page holds only so much, and outsiders choose these
-- texts. `codec.bounded` does the same.
CREATE FUNCTION bounded(t text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN octet_length(t) <= 400 THEN nullif(t, '')
                ELSE 'sha256:' || encode(sha256(convert_to(t, 'UTF8')), 'hex') END
$$;

-- The inbox commit: inbounds, who sent them, their bytes, and a channel's memory. A key that is
-- known already gets the row that stands there, touched, so that the answer itself is WAL.
-- `in_who` and `file_in` point into the arrays of senders and inbounds, counted from 1.
CREATE FUNCTION receive_batch(
    my_node text, my_epoch bigint,
    who_kind text[], who_value text[], who_verified boolean[], who_customer uuid[],
    who_name text[], who_language text[],
    blob_sha bytea[], blob_data bytea[],
    in_id uuid[], in_channel text[], in_key text[], in_at timestamptz[], in_who integer[],
    in_raw bytea[], in_doc jsonb[],
    file_id uuid[], file_in integer[], file_place integer[], file_sha bytea[], file_name text[],
    file_type text[], file_size bigint[], file_inline text[],
    memory_channel text[], memory_key text[], memory_value bytea[]
) RETURNS TABLE (place integer, id uuid, fresh boolean, customer jsonb, attachments jsonb,
                 decided jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    customers uuid[] := '{}';
    found_customer uuid;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);

    FOR i IN 1..cardinality(who_kind) LOOP
        INSERT INTO identity AS t (kind, value, verified, customer)
        VALUES (who_kind[i], who_value[i], who_verified[i], who_customer[i])
        ON CONFLICT ON CONSTRAINT identity_pkey DO UPDATE SET seen_at = now()
        RETURNING t.customer INTO found_customer;
        customers := customers || found_customer;
        IF found_customer = who_customer[i] THEN
            INSERT INTO customer (id, name, language, verified)
            VALUES (found_customer, who_name[i], who_language[i], who_verified[i]);
        ELSIF who_name[i] <> '' THEN
            UPDATE customer AS t SET name = who_name[i], changed_at = now()
            WHERE t.id = found_customer AND t.name = '';
        END IF;
    END LOOP;

    IF cardinality(blob_sha) > 0 THEN
        INSERT INTO blob (sha256, size, data)
        SELECT s, length(d), d FROM unnest(blob_sha, blob_data) AS u(s, d)
        ON CONFLICT (sha256) DO UPDATE SET seen_at = now();
    END IF;

    FOR i IN 1..cardinality(in_id) LOOP
        place := i;
        INSERT INTO inbox AS t (id, channel, key, node, customer, raw, at, doc)
        VALUES (in_id[i], in_channel[i], in_key[i], my_node, customers[in_who[i]], in_raw[i],
                in_at[i], in_doc[i])
        ON CONFLICT ON CONSTRAINT inbox_channel_key_key DO UPDATE SET seen_at = now()
        RETURNING t.id, t.id = in_id[i], t.customer, t.decided
        INTO id, fresh, found_customer, decided;

        IF fresh THEN
            INSERT INTO attachment (id, sha256, name, type, size, inline_id, inbound, place)
            SELECT f, s, n, t, z, l, in_id[i], p
            FROM unnest(file_id, file_in, file_place, file_sha, file_name, file_type, file_size,
                        file_inline) AS u(f, o, p, s, n, t, z, l)
            WHERE o = i;
        END IF;

        customer := customer_brief(found_customer);
        attachments := inbound_files(id);
        RETURN NEXT;
    END LOOP;

    IF cardinality(memory_key) > 0 THEN
        INSERT INTO channel_memory (channel, key, value)
        SELECT * FROM unnest(memory_channel, memory_key, memory_value)
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
