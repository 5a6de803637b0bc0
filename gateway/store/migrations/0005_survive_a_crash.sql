-- What must survive a crash between two steps: in which order contacts came, for which command
-- files were claimed, which keyed requests were made.

-- The order of arrival. Rows are inserted in the order of their keys, so that two commits which
-- share some lock them alike; what came first is told by `arrival`, one number for each inbox
-- commit, and within a commit by the id, which is made in the order of arrival.
CREATE SEQUENCE inbox_arrival;
ALTER TABLE inbox ADD COLUMN arrival bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION receive_batch(
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

-- The command that claimed a file: its repeat, after a crash say, may claim it again at once.
ALTER TABLE attachment ADD COLUMN claimed_by text;

-- Requests with an `Idempotency-Key`, for 24 hours. One without an answer was begun, and nobody
-- knows what became of it.
CREATE TABLE keyed_request (
    principal   text NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL,
    digest      bytea NOT NULL,
    attempt     uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    answer      bytea,
    PRIMARY KEY (principal, route, key)
);

CREATE INDEX keyed_request_at ON keyed_request USING brin (at);
