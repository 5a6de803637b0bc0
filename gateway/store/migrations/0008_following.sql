-- One node decides about all contacts of a customer, whichever node they come to
-- (docs/decisions/0005).

-- A home is good until its node is taken over: `home_life` is how often that had happened when the
-- home was set. So after a takeover nobody need move the homes of all the customers of whom nothing
-- is open; whoever receives the next contact of one is the new home.
ALTER TABLE node_fence ADD COLUMN takeovers bigint NOT NULL DEFAULT 0;
ALTER TABLE customer ADD COLUMN home_life bigint NOT NULL DEFAULT 0;

-- Who decides about a case that has no customer, while none of its items is open.
ALTER TABLE ticket_case ADD COLUMN home text, ADD COLUMN home_life bigint NOT NULL DEFAULT 0;

CREATE FUNCTION life_of_home() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.home_life := coalesce((SELECT f.takeovers FROM node_fence AS f WHERE f.node = NEW.home), 0);
    RETURN NEW;
END $$;

CREATE TRIGGER customer_home_life BEFORE INSERT OR UPDATE OF home ON customer
FOR EACH ROW EXECUTE FUNCTION life_of_home();
CREATE TRIGGER ticket_case_home_life BEFORE UPDATE OF home ON ticket_case
FOR EACH ROW EXECUTE FUNCTION life_of_home();

-- The node that acts for `wanted` now: itself, or while it is taken over its heir; null: it has
-- been taken over, to the last row. Until the caller has ended nobody can fence that node: what is
-- written as its own is there to be adopted.
CREATE FUNCTION acting(wanted text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    asked text := wanted;
    its_heir text;
    is_fenced boolean;
BEGIN
    FOR n IN 1..8 LOOP
        PERFORM FROM node_fence AS f WHERE f.node = asked FOR SHARE;
        -- Two statements: who had to wait for the lock sees what was written meanwhile.
        SELECT f.heir, l.epoch <> f.epoch INTO its_heir, is_fenced
        FROM node_fence AS f JOIN node_lease AS l USING (node) WHERE f.node = asked;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF its_heir IS NULL THEN
            RETURN CASE WHEN is_fenced THEN NULL ELSE asked END;
        END IF;
        asked := its_heir;
    END LOOP;
    RETURN wanted;  -- two that are each other's heirs: whoever comes out of it has the row
END $$;

-- The same for a home that was set in that life of its node.
CREATE FUNCTION acting_home(wanted text, life bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    found text := acting(wanted);
BEGIN
    IF found = wanted AND NOT EXISTS (SELECT FROM node_fence AS f
                                      WHERE f.node = wanted AND f.takeovers = life) THEN
        RETURN NULL;
    END IF;
    RETURN found;
END $$;

-- Who decides about a customer. Of one whom nobody decides about any more: the node that has an
-- open item of theirs, else `my_node`, from now on.
CREATE FUNCTION home_of_customer(my_node text, wanted uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    SELECT acting_home(c.home, c.home_life) INTO found FROM customer AS c WHERE c.id = wanted;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    PERFORM FROM customer AS c WHERE c.id = wanted FOR UPDATE;
    SELECT acting_home(c.home, c.home_life) INTO found FROM customer AS c WHERE c.id = wanted;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    SELECT acting(i.owner) INTO found
    FROM ticket_case AS t JOIN item AS i ON i.case_id = t.id
    WHERE t.customer = wanted AND i.ended_as IS NULL LIMIT 1;
    found := coalesce(found, my_node);
    UPDATE customer AS c SET home = found WHERE c.id = wanted;
    RETURN found;
END $$;

-- Who decides about a case: the owner of its open items; without any the home of its customer;
-- without one the node that has claimed it, which is `my_node` if nobody has. `has_open` tells
-- that the answer is an owner.
CREATE FUNCTION decider_of_case(
    my_node text, my_epoch bigint, wanted uuid, OUT decider text, OUT has_open boolean
)
LANGUAGE plpgsql AS $$
DECLARE
    owner_now text;
    its_customer uuid;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    SELECT i.owner INTO owner_now FROM item AS i
    WHERE i.case_id = wanted AND i.ended_as IS NULL ORDER BY i.id DESC LIMIT 1;
    has_open := FOUND;
    IF has_open THEN
        decider := coalesce(acting(owner_now), owner_now);
        RETURN;
    END IF;
    SELECT t.customer, acting_home(t.home, t.home_life) INTO its_customer, decider
    FROM ticket_case AS t WHERE t.id = wanted;
    IF its_customer IS NOT NULL THEN
        decider := home_of_customer(my_node, its_customer);
    ELSIF decider IS NULL THEN
        PERFORM FROM ticket_case AS t WHERE t.id = wanted FOR UPDATE;
        SELECT acting_home(t.home, t.home_life) INTO decider FROM ticket_case AS t WHERE t.id = wanted;
        IF decider IS NULL THEN
            decider := my_node;
            UPDATE ticket_case AS t SET home = my_node WHERE t.id = wanted;
        END IF;
    END IF;
END $$;

-- An inbox row that is ours and undecided changes hands; whose it is then. Repeating it is
-- harmless, so an unknown outcome is repeated.
CREATE FUNCTION pass_on(my_node text, my_epoch bigint, inbound uuid, target text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    receiver text;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    receiver := coalesce(acting(target), my_node);
    UPDATE inbox AS t SET node = receiver
    WHERE t.id = inbound AND t.node = my_node AND t.status = 'received';
    IF NOT FOUND THEN
        SELECT t.node INTO receiver FROM inbox AS t WHERE t.id = inbound;
    END IF;
    RETURN receiver;
END $$;

-- A decision stands: a second one about the same row would be a second effect. (To be decided about
-- again a row is made undecided first.)
CREATE FUNCTION refuse_second_decision() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'inbound % has been decided about', OLD.id USING ERRCODE = 'SR002';
END $$;

CREATE TRIGGER inbox_decided_once BEFORE UPDATE OF decided ON inbox
FOR EACH ROW WHEN (OLD.decided IS NOT NULL AND NEW.decided IS NOT NULL)
EXECUTE FUNCTION refuse_second_decision();

-- The inbox commit also says who decides: the customer's home, which it sets where there is none
-- any more. What comes without a customer is decided about where it came to.
CREATE OR REPLACE FUNCTION receive_batch(
    my_node text, my_epoch bigint, senders sender_in[], blobs blob_in[], inbounds inbound_in[],
    uploads upload_in[], memories memory_in[]
) RETURNS TABLE (place integer, id uuid, fresh boolean, customer jsonb, attachments jsonb,
                 decided json, node text)
LANGUAGE plpgsql AS $$
DECLARE
    customers uuid[] := '{}';
    homes text[] := '{}';
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
            INSERT INTO customer (id, name, language, verified, home)
            VALUES (s.customer, s.name, s.language, s.verified, my_node);
            homes := homes || my_node;
        ELSE
            IF s.name <> '' THEN
                UPDATE customer AS t SET name = s.name, changed_at = now()
                WHERE t.id = found_customer AND t.name = '';
            END IF;
            homes := homes || home_of_customer(my_node, found_customer);
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
        VALUES (i.id, i.channel, i.key, coalesce(homes[i.who], my_node), customers[i.who], i.raw,
                i.at, turn, i.doc)
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

-- With the open items and the undecided contacts of customers goes their home.
CREATE OR REPLACE FUNCTION adopt_batch(
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

    IF cardinality(items) > 0 OR cardinality(inbounds) > 0 THEN
        UPDATE customer AS c SET home = my_node
        FROM (SELECT t.customer FROM item AS i JOIN ticket_case AS t ON t.id = i.case_id
              WHERE i.id = ANY(items)
              UNION
              SELECT b.customer FROM inbox AS b WHERE b.id = ANY(inbounds)) AS theirs
        WHERE c.id = theirs.customer AND c.home = dead;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION adopt_quiet(my_node text, my_epoch bigint, dead text, most integer)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    done integer;
BEGIN
    PERFORM require_heir(my_node, my_epoch, dead);

    UPDATE outbox SET node = my_node
    WHERE id IN (SELECT id FROM outbox
                 WHERE node = dead AND settled_as <> 'sent' LIMIT most);
    GET DIAGNOSTICS done = ROW_COUNT;

    UPDATE inbox SET node = my_node
    WHERE id IN (SELECT id FROM inbox
                 WHERE node = dead AND status = 'quarantined' LIMIT most);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN done + n;
END $$;
