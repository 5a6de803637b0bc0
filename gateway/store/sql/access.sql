-- name: token_holder
SELECT id::text, principal, role, note, created_at, expires_at FROM token
WHERE sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())

-- name: tokens_dead
SELECT asked::text AS id FROM unnest($1::uuid[]) AS asked
WHERE NOT EXISTS (
  SELECT FROM token
  WHERE id = asked AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
)

-- name: token_add
INSERT INTO token (sha256, id, principal, role, note, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: token_revoke
UPDATE token SET revoked_at = now()
WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
RETURNING id::text, principal, role, note, created_at, expires_at

-- name: tokens_revoke_all
UPDATE token SET revoked_at = now() WHERE principal = $1 AND revoked_at IS NULL

-- name: tokens_listed
SELECT id::text, principal, role, note, created_at, expires_at FROM token
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
  AND ($1 = '' OR principal = $1)
  AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3

-- name: login_of
SELECT password, role FROM login WHERE name = $1

-- name: login_save
INSERT INTO login (name, password, role) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET password = $2, role = $3, changed_at = now()

-- name: login_drop
DELETE FROM login WHERE name = $1

-- name: setting_ensure
INSERT INTO setting (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET name = setting.name
RETURNING value

-- name: setting_load
SELECT value FROM setting WHERE name = $1

-- name: setting_save
INSERT INTO setting (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = $2, changed_at = now()

-- name: setting_drop
DELETE FROM setting WHERE name = $1

-- name: channels_made
SELECT name, settings FROM channel WHERE declared_in = '' AND kind <> ''

-- name: channels_paused
SELECT name FROM channel WHERE paused

-- name: channel_put
INSERT INTO channel (name, kind, settings) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET kind = $2, settings = $3, changed_at = now()

-- name: channel_drop
DELETE FROM channel WHERE name = $1 RETURNING name

-- name: channel_pause
INSERT INTO channel (name, kind, settings, paused) VALUES ($1, '', '{}', $2)
ON CONFLICT (name) DO UPDATE SET paused = $2, changed_at = now()

-- name: nodes_listed
SELECT node, region, epoch, started_at, renewed_at, state, version,
       CASE WHEN edition_epoch = epoch THEN edition ELSE 1 END AS edition,
       now() - renewed_at < interval '5 seconds' AS alive
FROM node_lease ORDER BY node

-- name: skills_listed
SELECT name, doc FROM skill ORDER BY name

-- name: skills_put
INSERT INTO skill (name, doc) SELECT n, d::jsonb FROM unnest($1::text[], $2::text[]) AS x (n, d)
ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, changed_at = now()

-- name: skill_drop
DELETE FROM skill WHERE name = $1 RETURNING name

-- name: codes_listed
SELECT name, doc FROM code ORDER BY name

-- name: codes_put
INSERT INTO code (name, doc) SELECT n, d::jsonb FROM unnest($1::text[], $2::text[]) AS x (n, d)
ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, changed_at = now()

-- name: code_drop
DELETE FROM code WHERE name = $1 RETURNING name

-- name: key_begin
-- Whoever is there first has the key for 24 hours; the answer tells who that is.
INSERT INTO keyed_request AS t (principal, route, key, digest, attempt) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (principal, route, key) DO UPDATE SET
    (digest, attempt, at, answer) = (
        SELECT CASE WHEN old THEN excluded.digest ELSE t.digest END,
               CASE WHEN old THEN excluded.attempt ELSE t.attempt END,
               CASE WHEN old THEN excluded.at ELSE t.at END,
               CASE WHEN old THEN NULL ELSE t.answer END
        FROM (SELECT t.at < now() - interval '24 hours' AS old) AS x
    )
RETURNING attempt::text, digest, answer

-- name: key_settle
UPDATE keyed_request SET answer = $5
WHERE principal = $1 AND route = $2 AND key = $3 AND attempt = $4

-- name: key_free
DELETE FROM keyed_request
WHERE principal = $1 AND route = $2 AND key = $3 AND attempt = $4 AND answer IS NULL
