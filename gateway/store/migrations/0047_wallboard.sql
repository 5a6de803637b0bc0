-- What each node has counted today for the wallboard, so that a restart or the loss of a node does
-- not begin the day anew. A row a node, written every few seconds while there is something to count.
CREATE TABLE wallboard_day (
    node        text PRIMARY KEY,
    epoch       bigint NOT NULL,
    doc         json NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
