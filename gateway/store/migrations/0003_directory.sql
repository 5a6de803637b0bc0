-- Who works here, and with what.

CREATE TABLE agent (
    name        text PRIMARY KEY,
    active      boolean NOT NULL,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agent_status (
    name        text PRIMARY KEY,
    version     integer NOT NULL,
    epoch       bigint NOT NULL,
    home        text,
    doc         json NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE queue (
    name        text PRIMARY KEY,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE skill (
    name        text PRIMARY KEY,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Wrap-up codes.
CREATE TABLE code (
    name        text PRIMARY KEY,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Canned replies.
CREATE TABLE canned (
    name        text PRIMARY KEY,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE login (
    name        text PRIMARY KEY,
    password    text NOT NULL,
    role        text NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin')),
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Only the SHA-256 of a token is kept.
CREATE TABLE token (
    sha256      bytea PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,
    principal   text NOT NULL,
    role        text NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin')),
    note        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);

CREATE INDEX token_principal ON token (principal);

-- `declared_in` names the file that declares the channel; empty for one made by an admin.
CREATE TABLE channel (
    name        text PRIMARY KEY,
    kind        text NOT NULL,
    settings    jsonb NOT NULL,
    declared_in text NOT NULL DEFAULT '',
    paused      boolean NOT NULL DEFAULT false,
    changed_at  timestamptz NOT NULL DEFAULT now()
);
