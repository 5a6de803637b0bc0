-- Nodes of two adjacent editions over one database (docs/decisions/0010), and erasures that a
-- restored backup must not undo.

-- `newest`: the newest edition whose migrations this database has had. `written`: the edition whose
-- events, rows and questions may be written; every node that serves can read those.
CREATE TABLE edition (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    newest      integer NOT NULL,
    written     integer NOT NULL
);

INSERT INTO edition (newest, written) VALUES (1, 1);

-- Which edition a node knows, as it said under that epoch. A node of edition 1 says nothing, also
-- one that runs again under a name that a newer one had.
ALTER TABLE node_lease
    ADD COLUMN edition integer NOT NULL DEFAULT 1,
    ADD COLUMN edition_epoch bigint NOT NULL DEFAULT 0;

-- From now on `wanted` may be written, unless a node is there that does not know it; what may be.
-- Whoever begins writes its lease and then looks at this row with a lock, so either we see its
-- lease or it sees our edition.
CREATE FUNCTION raise_edition(my_node text, my_epoch bigint, wanted integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    before integer;
BEGIN
    PERFORM require_epoch(my_node, my_epoch);
    SELECT e.written INTO before FROM edition AS e FOR UPDATE;
    IF before >= wanted THEN
        RETURN before;
    END IF;
    IF EXISTS (SELECT FROM node_lease AS l JOIN node_fence AS f USING (node)
               WHERE l.state <> 'stopped' AND l.epoch = f.epoch
                 AND (l.edition < wanted OR l.edition_epoch <> l.epoch)) THEN
        RETURN before;
    END IF;
    UPDATE edition SET written = wanted;
    RETURN wanted;
END $$;
