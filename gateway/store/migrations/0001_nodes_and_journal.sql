-- Who may write, and what happened.

-- A node's right to write. Commits share-lock the row and require its epoch; whoever raises the
-- epoch ends every earlier holder. `holder` tells the incarnation that raised it last, so that
-- it may raise its own epoch again after an answer was lost. Nothing else ever touches the row.
CREATE TABLE node_fence (
    node        text PRIMARY KEY,
    epoch       bigint NOT NULL,
    holder      uuid NOT NULL,
    raised_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 50);

-- Whether a node lives: a counter, for clocks differ.
CREATE TABLE node_lease (
    node        text PRIMARY KEY,
    region      text NOT NULL DEFAULT '',
    epoch       bigint NOT NULL,
    counter     bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT now(),
    renewed_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 50);

-- What only one node may do at a time; writes under a duty require its epoch.
CREATE TABLE duty (
    name        text PRIMARY KEY,
    node        text NOT NULL,
    epoch       bigint NOT NULL,
    taken_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Every event, once. `payload` is the event as JSON, tagged by `kind`; bodies stand in `message`.
-- The key holds `at` because a partitioned table demands it: the same batch sent twice carries
-- the same times and is refused as a whole.
CREATE TABLE journal (
    node        text NOT NULL,
    epoch       bigint NOT NULL,
    "offset"    bigint NOT NULL,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    case_id     uuid,
    item_id     uuid,
    payload     json NOT NULL,
    PRIMARY KEY (node, epoch, "offset", at)
) PARTITION BY RANGE (at);

CREATE INDEX journal_case ON journal (case_id) WHERE case_id IS NOT NULL;

-- Where events go whose time no partition covers: a safety, empty in ordinary life.
CREATE TABLE journal_default PARTITION OF journal DEFAULT;

CREATE TABLE counter (
    name        text PRIMARY KEY,
    value       bigint NOT NULL
) WITH (fillfactor = 20);

INSERT INTO counter (name, value) VALUES ('ticket_number', 1000);

-- What an installation knows of itself: its secret, say.
CREATE TABLE setting (
    name        text PRIMARY KEY,
    value       bytea NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- One partition for each week (Monday to Monday, UTC) from this one to `weeks` ahead. A week
-- whose events already stand in the default partition stays there.
CREATE FUNCTION journal_partitions(weeks integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := date_trunc('week', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    start timestamptz;
    name  text;
    made  integer := 0;
BEGIN
    FOR n IN 0..weeks LOOP
        start := first + n * interval '7 days';
        name := 'journal_' || to_char(start AT TIME ZONE 'UTC', 'IYYY"w"IW');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT FROM journal_default
                              WHERE at >= start AND at < start + interval '7 days');
        EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%L) TO (%L)',
                       name, start, start + interval '7 days');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
