-- Who writes to us, about what, in which words. A `doc` holds the whole value as the program
-- knows it; the columns beside it are what queries ask for. Tables that change often leave room
-- in their pages, and no index holds a column that changes with every step, so that most updates
-- stay in the page and touch no index. `json`, not `jsonb`: measured on the journal's own rows,
-- taking `jsonb` in costs the server twice as much, and nothing on the way of a contact reads
-- inside a document.

CREATE TABLE customer (
    id          uuid PRIMARY KEY,
    name        text NOT NULL DEFAULT '',
    language    text NOT NULL DEFAULT '',
    verified    boolean NOT NULL DEFAULT false,
    value       integer NOT NULL DEFAULT 0,
    attributes  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 85);

-- A claimed identity and a verified one are different persons to us.
CREATE TABLE identity (
    kind        text NOT NULL,
    value       text NOT NULL,
    verified    boolean NOT NULL,
    customer    uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, value, verified)
) WITH (fillfactor = 85);

CREATE INDEX identity_customer ON identity (customer);

CREATE TABLE ticket_case (
    id          uuid PRIMARY KEY,
    number      bigint NOT NULL UNIQUE,
    version     integer NOT NULL,
    channel     text NOT NULL,
    status      text NOT NULL,
    customer    uuid,
    doc         json NOT NULL
) WITH (fillfactor = 75);

CREATE INDEX ticket_case_customer ON ticket_case (customer, id) WHERE customer IS NOT NULL;

-- `ended_as` is the state of an ended item and null while it is open: it changes once, where
-- `state` changes with every step.
CREATE TABLE item (
    id          uuid PRIMARY KEY,
    case_id     uuid NOT NULL,
    version     integer NOT NULL,
    owner       text NOT NULL,
    state       text NOT NULL,
    ended_as    text,
    channel     text NOT NULL,
    queue       text NOT NULL,
    agent       text,
    doc         json NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX item_case ON item (case_id, id);
CREATE INDEX item_open ON item (id) WHERE ended_as IS NULL;
CREATE INDEX item_agent ON item (agent, id) WHERE agent IS NOT NULL;

CREATE TABLE message (
    id          uuid PRIMARY KEY,
    case_id     uuid NOT NULL,
    seq         integer NOT NULL,
    direction   text NOT NULL,
    external_id text,
    doc         json NOT NULL,
    UNIQUE (case_id, seq)
) WITH (fillfactor = 90);

CREATE INDEX message_external ON message (external_id) WHERE external_id IS NOT NULL;

-- Bytes under their SHA-256: the same file twice is stored once.
CREATE TABLE blob (
    sha256      bytea PRIMARY KEY,
    size        bigint NOT NULL,
    data        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now()
);
-- Files come compressed as a rule; trying again costs more than it brings.
ALTER TABLE blob ALTER COLUMN data SET STORAGE EXTERNAL;

-- A file by name. An upload is good for one message, until `expires_at`; one that came with an
-- inbound belongs to it for good.
CREATE TABLE attachment (
    id          uuid PRIMARY KEY,
    sha256      bytea NOT NULL,
    name        text NOT NULL,
    type        text NOT NULL,
    size        bigint NOT NULL,
    inline_id   text NOT NULL DEFAULT '',
    owner       text NOT NULL DEFAULT '',
    inbound     uuid,
    place       integer NOT NULL DEFAULT 0,
    message     uuid,
    claimed_at  timestamptz,
    expires_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX attachment_inbound ON attachment (inbound) WHERE inbound IS NOT NULL;

-- What arrived, once for each key of a channel. `doc` is the inbound without its bytes.
CREATE TABLE inbox (
    id          uuid PRIMARY KEY,
    channel     text NOT NULL,
    key         text NOT NULL,
    node        text NOT NULL,
    status      text NOT NULL DEFAULT 'received'
                CHECK (status IN ('received', 'processed', 'ignored', 'quarantined', 'dropped')),
    customer    uuid,
    raw         bytea,
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    decided     json,
    decided_at  timestamptz,
    doc         json NOT NULL,
    UNIQUE (channel, key)
) WITH (fillfactor = 80);

CREATE INDEX inbox_open ON inbox (status, id) WHERE status IN ('received', 'quarantined');

-- `settled_as` is null until the row is sent or failed for good.
CREATE TABLE outbox (
    id          uuid PRIMARY KEY,
    node        text NOT NULL,
    version     integer NOT NULL,
    state       text NOT NULL,
    settled_as  text,
    channel     text NOT NULL,
    case_id     uuid,
    doc         json NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX outbox_settled ON outbox (settled_as, id)
    WHERE settled_as IS NULL OR settled_as <> 'sent';

-- Commands that took effect, with their answers, for 24 hours.
CREATE TABLE command (
    agent       text NOT NULL,
    id          text NOT NULL,
    at          timestamptz NOT NULL,
    answer      bytea NOT NULL,
    PRIMARY KEY (agent, id)
);

CREATE INDEX command_at ON command USING brin (at);

-- A channel's own memory (a mailbox cursor), written with what it is about.
CREATE TABLE channel_memory (
    channel     text NOT NULL,
    key         text NOT NULL,
    value       bytea NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, key)
) WITH (fillfactor = 50);
