-- Cases that agents have merged and split.

-- A case that is part of another one. What was said in it stays where it is, under its own numbers:
-- who reads the other case reads both.
CREATE TABLE case_place (
    id          uuid PRIMARY KEY,
    into_case   uuid NOT NULL
);
CREATE INDEX case_place_into ON case_place (into_case);

-- Where a message stood that is in another case now.
CREATE TABLE message_place (
    case_id     uuid NOT NULL,
    seq         integer NOT NULL,
    message     uuid NOT NULL,
    PRIMARY KEY (case_id, seq)
);
CREATE INDEX message_place_message ON message_place (message);

CREATE TYPE case_place_in AS (id uuid, into_case uuid);
CREATE TYPE message_place_in AS (message uuid, case_id uuid, seq integer, to_case uuid,
                                 to_seq integer);
CREATE TYPE item_place_in AS (id uuid, case_id uuid);

-- Part of the journal's one statement, after `commit_batch`, which has checked the fence and the
-- versions; nodes of the version before go on calling what they know.
CREATE FUNCTION commit_ties(cases case_place_in[], messages message_place_in[],
                            items item_place_in[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(cases) > 0 THEN
        DELETE FROM case_place AS k USING unnest(cases) AS u
        WHERE k.id = u.id AND u.into_case IS NULL;
        INSERT INTO case_place AS k (id, into_case)
        SELECT u.id, u.into_case FROM unnest(cases) AS u WHERE u.into_case IS NOT NULL
        ON CONFLICT (id) DO UPDATE SET into_case = excluded.into_case;
    END IF;
    IF cardinality(messages) > 0 THEN
        INSERT INTO message_place (case_id, seq, message)
        SELECT u.case_id, u.seq, u.message FROM unnest(messages) AS u
        ON CONFLICT (case_id, seq) DO NOTHING;
        UPDATE message AS m
        SET case_id = u.to_case, seq = u.to_seq,
            doc = (m.doc::jsonb || jsonb_build_object('case', u.to_case, 'seq', u.to_seq))::json
        FROM unnest(messages) AS u WHERE m.id = u.message;
    END IF;
    IF cardinality(items) > 0 THEN
        UPDATE item AS i SET case_id = u.case_id FROM unnest(items) AS u WHERE i.id = u.id;
    END IF;
END $$;
