-- What time makes superfluous, and what time will need. Harmless if several nodes do it at once.

-- name: partitions_ahead
SELECT journal_partitions($1)

-- name: forget_commands
DELETE FROM command WHERE at < now() - interval '25 hours'

-- name: forget_uploads
WITH gone AS (
    DELETE FROM attachment
    WHERE message IS NULL AND inbound IS NULL AND expires_at < now() - interval '1 day'
    RETURNING sha256
)
INSERT INTO blob_left (sha256) SELECT DISTINCT sha256 FROM gone ON CONFLICT DO NOTHING

-- name: forget_tokens
DELETE FROM token
WHERE expires_at < now() - interval '30 days' OR revoked_at < now() - interval '30 days'

-- name: forget_keys
DELETE FROM keyed_request WHERE at < now() - interval '25 hours'
