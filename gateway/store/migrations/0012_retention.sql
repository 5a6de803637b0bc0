-- What was said goes when its time is over, or when a customer asks for it; what was counted stays.

-- When the content of a case was removed. Who writes such a case again fills it anew.
ALTER TABLE ticket_case ADD COLUMN emptied_at timestamptz;

CREATE INDEX ticket_case_full ON ticket_case (id) WHERE emptied_at IS NULL;

CREATE FUNCTION case_is_full_again() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.emptied_at := NULL;
    RETURN NEW;
END $$;

CREATE TRIGGER case_is_full_again BEFORE UPDATE ON ticket_case FOR EACH ROW
WHEN (OLD.emptied_at IS NOT NULL AND NEW.version <> OLD.version)
EXECUTE FUNCTION case_is_full_again();

-- What a case has in other tables. Each is written once in the life of a row.
CREATE INDEX inbox_case ON inbox ((decided->>'case')) WHERE decided IS NOT NULL;
CREATE INDEX inbox_odd_customer ON inbox (customer) WHERE status IN ('quarantined', 'ignored');
CREATE INDEX inbox_raw ON inbox (raw) WHERE raw IS NOT NULL;
CREATE INDEX outbox_case ON outbox (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX attachment_sha256 ON attachment (sha256);

-- Bytes that somebody had and let go. They are removed once nobody else has them, and nobody has
-- asked for them lately: an inbox commit that is under way may be about to.
CREATE TABLE blob_left (
    sha256      bytea PRIMARY KEY
);

-- An event without what was said in it; `forget` takes the customer as well.
CREATE FUNCTION scrubbed_event(event jsonb, forget boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    said CONSTANT text[] := '{subject,preview,address,thread,copies,attributes,payload,receipt}';
    part text;
BEGIN
    event := event - said;
    IF forget THEN
        event := event - 'customer'::text;
    END IF;
    FOREACH part IN ARRAY '{item,case,outbound}'::text[] LOOP
        IF jsonb_typeof(event->part) = 'object' THEN
            event := jsonb_set(event, ARRAY[part], (event->part) - said);
            IF forget THEN
                event := event #- ARRAY[part, 'customer'];
            END IF;
        END IF;
    END LOOP;
    RETURN event;
END $$;

-- Takes the content out of ended cases: what was said, by whom, every file, the raw mails. Numbers,
-- times, queues, agents and codes stay. They count as closed from then on, at the version that
-- they have: their owner need not know. Cases on which somebody works are left out. With `forget`
-- it is for good: the customer goes too, and nothing that arrives finds these cases any more.
CREATE FUNCTION empty_cases(wanted uuid[], forget boolean)
RETURNS TABLE (cases bigint[], messages integer, files integer, bytes bigint)
LANGUAGE plpgsql AS $$
DECLARE
    said CONSTANT text[] := '{body,html,subject,to,cc,attachments,client_id,fold_from}';
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

-- Inbounds keep their key, by which a repeat is known, and what became of them.
CREATE FUNCTION empty_inbounds(wanted uuid[], forget boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO blob_left (sha256)
    SELECT DISTINCT i.raw FROM inbox AS i WHERE i.id = ANY(wanted) AND i.raw IS NOT NULL
    ON CONFLICT DO NOTHING;
    UPDATE inbox AS i
    SET raw = NULL, doc = '{}',
        customer = CASE WHEN forget THEN NULL ELSE i.customer END,
        status = CASE WHEN i.status = 'quarantined' THEN 'dropped' ELSE i.status END
    WHERE i.id = ANY(wanted);
END $$;

-- Everything that is known of a customer, everywhere. `busy` are the tickets that somebody still
-- works on (0: something of theirs waits to be decided); then nothing was changed.
CREATE FUNCTION erase_customer(whom uuid)
RETURNS TABLE (busy bigint[], cases bigint[], messages integer, files integer, bytes bigint)
LANGUAGE plpgsql AS $$
DECLARE
    theirs uuid[];
    odd uuid[];
    n integer;
BEGIN
    PERFORM FROM customer AS c WHERE c.id = whom FOR UPDATE;
    theirs := ARRAY(SELECT t.id FROM ticket_case AS t WHERE t.customer = whom);
    busy := ARRAY(
        SELECT t.number FROM ticket_case AS t
        WHERE t.customer = whom
          AND (EXISTS (SELECT FROM item AS i WHERE i.case_id = t.id AND i.ended_as IS NULL)
               OR EXISTS (SELECT FROM outbox AS o
                          WHERE o.case_id = t.id AND o.settled_as IS NULL))
        ORDER BY t.number);
    IF EXISTS (SELECT FROM inbox AS i WHERE i.status = 'received' AND i.customer = whom) THEN
        busy := busy || 0::bigint;
    END IF;
    IF cardinality(busy) > 0 THEN
        cases := '{}';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT e.cases, e.messages, e.files, e.bytes INTO cases, messages, files, bytes
    FROM empty_cases(theirs, true) AS e;
    IF cardinality(cases) <> cardinality(theirs) THEN
        RAISE EXCEPTION 'somebody works on a case of customer %', whom
            USING ERRCODE = 'lock_not_available';
    END IF;

    odd := ARRAY(SELECT i.id FROM inbox AS i
                 WHERE i.customer = whom AND i.status IN ('quarantined', 'ignored'));
    WITH gone AS (
        DELETE FROM attachment AS a WHERE a.inbound = ANY(odd) RETURNING a.sha256, a.size
    ), noted AS (
        INSERT INTO blob_left (sha256) SELECT DISTINCT gone.sha256 FROM gone
        ON CONFLICT DO NOTHING
    )
    SELECT count(*), bytes + coalesce(sum(gone.size), 0) INTO n, bytes FROM gone;
    files := files + n;
    PERFORM empty_inbounds(odd, true);

    DELETE FROM identity AS i WHERE i.customer = whom;
    DELETE FROM customer AS c WHERE c.id = whom;
    RETURN NEXT;
END $$;
