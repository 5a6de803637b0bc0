-- One virtual pool over all nodes, and sites where agents sit.

-- What each node can take and what waits there: a row a node, written anew each second. Nobody
-- waits for it and nobody misses it: it is not logged, so it costs no replication, and after a
-- failover of the database it is empty until the nodes write again. A reader knows by `counter`
-- that a row is fresh; no time stamp of any machine takes part.
CREATE UNLOGGED TABLE node_capacity (
    node        text PRIMARY KEY,
    epoch       bigint NOT NULL,
    counter     bigint NOT NULL,
    doc         json NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- How far each site is open. A site that nobody has ever acted on has no row.
CREATE TABLE site (
    name        text PRIMARY KEY,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TYPE site_in AS (name text, doc jsonb);

-- Part of the journal's one statement, beside `commit_batch`, which has checked the fence: so that
-- nodes of the version before go on calling what they know.
CREATE FUNCTION commit_sites(sites site_in[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(sites) > 0 THEN
        INSERT INTO site (name, doc) SELECT u.* FROM unnest(sites) AS u
        ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, changed_at = now();
    END IF;
END $$;
