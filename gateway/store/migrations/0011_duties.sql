-- What only one node may do at a time (docs/decisions/0007).

-- A duty is held by one life of a node: `holder` is that life's mark on its fence row, so whoever
-- fences the node, or begins it anew, ends its duties with the same write. Without `node` it was
-- given up; `asked` is the life that asked to have it.
ALTER TABLE duty
    ALTER COLUMN node DROP NOT NULL,
    ADD COLUMN holder uuid,
    ADD COLUMN asked uuid;

-- Who can do what, and how well it suits: 0 the preferred node, 1 in the preferred region, 2 able.
CREATE TABLE duty_wish (
    duty        text NOT NULL,
    node        text NOT NULL,
    holder      uuid NOT NULL,
    rank        smallint NOT NULL,
    PRIMARY KEY (duty, node)
) WITH (fillfactor = 50);

-- What a channel remembers never goes back: a write that comes late, from a lost connection, is
-- below what is there and changes nothing.
ALTER TABLE channel_memory ADD COLUMN progress bigint NOT NULL DEFAULT 0;

CREATE TYPE note_in AS (channel text, key text, value bytea, progress bigint);

-- Returns the node's own name if it holds all of these duties under these epochs, and keeps them
-- its own until the statement has ended: who takes one over waits for that. SR003: some are not
-- held (any more); the detail says which.
CREATE FUNCTION require_duties(my_node text, my_epoch bigint, names text[], epochs bigint[])
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    lost json;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    IF cardinality(names) > 0 THEN
        PERFORM FROM duty WHERE name = ANY (names) ORDER BY name FOR SHARE;
        SELECT json_agg(u) INTO lost FROM unnest(names, epochs) AS u (name, epoch)
        WHERE NOT EXISTS (SELECT FROM duty AS d
                          WHERE d.name = u.name AND d.epoch = u.epoch AND d.node = my_node);
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION '% does not hold a duty that it writes under', my_node
                USING ERRCODE = 'SR003', DETAIL = lost::text;
        END IF;
    END IF;
    RETURN my_node;
END $$;
