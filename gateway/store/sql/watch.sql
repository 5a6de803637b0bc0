-- How the servers and the connections to them are.

-- name: backends_working
SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND state = 'active'

-- name: database_standing
-- Of walsenders a role without pg_read_all_stats sees that they are there, nothing more.
SELECT CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
       END AS timeline,
       current_setting('synchronous_standby_names') <> ''
           AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS waits,
       pg_has_role('pg_read_all_stats', 'usage') AS sees,
       count(pid) FILTER (WHERE state = 'streaming' OR state IS NULL)::int AS standbys,
       count(pid) FILTER (WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))::int
           AS confirming
FROM pg_stat_replication
