-- What reports count, made from the journal (docs/reports.md). None of it is on the way of a
-- contact: one process at a time writes it, out of what has been committed.

-- How far the journals of all nodes have been read.
CREATE TABLE fact_progress (
    node        text PRIMARY KEY,
    epoch       bigint NOT NULL,
    "offset"    bigint NOT NULL,
    at          timestamptz NOT NULL
);

-- Until when facts are known: what is not over yet has lasted until then. `shifted` is until when
-- the hours of agents are; `formula` by which version of the rules.
CREATE TABLE fact_head (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    horizon     timestamptz NOT NULL,
    shifted     timestamptz NOT NULL,
    formula     integer NOT NULL,
    computed_at timestamptz NOT NULL DEFAULT now()
);

-- Cases that are counted together, for they were merged, split or follow one another. `seen` are
-- the last entries of each node that their facts were made from.
CREATE TABLE fact_root (
    root        uuid PRIMARY KEY,
    began       timestamptz NOT NULL,
    seen        jsonb NOT NULL
);

CREATE TABLE fact_case (
    case_id     uuid PRIMARY KEY,
    root        uuid NOT NULL
);

CREATE INDEX fact_case_root ON fact_case (root);

-- What a fact is read by; `id` is a digest of all of it.
CREATE TABLE fact_cell (
    id          bigint PRIMARY KEY,
    queue       text NOT NULL,
    channel     text NOT NULL,
    medium      text NOT NULL,
    agent       text NOT NULL,
    node        text NOT NULL,
    category    text NOT NULL,
    type        text NOT NULL,
    level       integer NOT NULL,
    language    text NOT NULL,
    segment     text NOT NULL,
    code        text NOT NULL,
    stage       text NOT NULL,
    reason      text NOT NULL
);

CREATE TABLE fact_item (
    item        uuid PRIMARY KEY,
    root        uuid NOT NULL,
    case_id     uuid NOT NULL,
    number      bigint NOT NULL,
    cell        bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    answered_at timestamptz,
    replied_at  timestamptz,
    ended_at    timestamptz,
    outcome     text NOT NULL,
    talk        double precision NOT NULL,
    wrap        double precision NOT NULL
);

CREATE INDEX fact_item_root ON fact_item (root);
CREATE INDEX fact_item_created ON fact_item (created_at, item);

-- From when to when an item waited, was held, was in somebody's hands; a case in a stage.
CREATE TABLE fact_segment (
    root        uuid NOT NULL,
    item        uuid,
    what        text NOT NULL,
    agent       text NOT NULL,
    cell        bigint NOT NULL,
    began       timestamptz NOT NULL,
    ended       timestamptz,
    outcome     text NOT NULL
);

CREATE INDEX fact_segment_root ON fact_segment (root);
CREATE INDEX fact_segment_agent ON fact_segment (agent, (coalesce(ended, 'infinity')))
    WHERE what IN ('talk', 'wrap');
CREATE INDEX fact_segment_open ON fact_segment (agent)
    WHERE ended IS NULL AND what IN ('talk', 'wrap');
CREATE INDEX fact_segment_lasting ON fact_segment (what, (coalesce(ended, 'infinity')))
    WHERE what IN ('waiting', 'held', 'stage');

-- What happened to an item in the interval that began `at`. What did not happen is null: most of
-- a row is, and takes no room. One wait a row; `bucket` is its place in the histogram of waits.
CREATE TABLE fact (
    root        uuid NOT NULL,
    item        uuid,
    at          timestamptz NOT NULL,
    cell        bigint NOT NULL,
    bucket      smallint,
    contacts    integer,
    offered     integer,
    answered    integer,
    abandoned   integer,
    flowed_out  integer,
    callbacks_chosen integer,
    offers      integer,
    declined    integer,
    missed      integer,
    picked      integer,
    misrouted   integer,
    transferred integer,
    handled     integer,
    completed   integer,
    canceled    integer,
    breached    integer,
    solved      integer,
    solved_first integer,
    solved_at_one integer,
    first_replies integer,
    next_replies integer,
    first_replies_open integer,
    resolutions_open integer,
    promises_kept integer,
    promises_broken integer,
    callbacks   integer,
    callback_tries integer,
    callbacks_reached integer,
    told        integer,
    rated       integer,
    satisfied   integer,
    wait        double precision,
    first_reply double precision,
    next_reply  double precision,
    resolution  double precision,
    first_reply_open double precision,
    resolution_open double precision,
    promise_late double precision,
    told_wait   double precision,
    true_wait   double precision,
    told_off    double precision,
    score       double precision
);

CREATE INDEX fact_root_key ON fact (root);
CREATE INDEX fact_at ON fact (at);

-- What an agent did in the interval that began `at`, in seconds.
CREATE TABLE fact_shift (
    agent       text NOT NULL,
    at          timestamptz NOT NULL,
    cell        bigint NOT NULL,
    talk        double precision,
    wrap        double precision,
    talk_shared double precision,
    wrap_shared double precision,
    busy        double precision,
    idle        double precision,
    ready       double precision,
    not_ready   double precision
);

CREATE INDEX fact_shift_agent ON fact_shift (agent, at);
CREATE INDEX fact_shift_at ON fact_shift (at);

-- Hours of agents about which something more is known than was counted.
CREATE TABLE fact_dirty (
    agent       text NOT NULL,
    hour        timestamptz NOT NULL,
    PRIMARY KEY (agent, hour)
);

-- What the journal says of who is there. Without `agent` it is about all at that node.
CREATE TABLE fact_presence (
    node        text NOT NULL,
    epoch       bigint NOT NULL,
    "offset"    bigint NOT NULL,
    at          timestamptz NOT NULL,
    agent       text NOT NULL,
    event       json NOT NULL,
    stand       json,
    PRIMARY KEY (node, epoch, "offset")
);

CREATE INDEX fact_presence_agent ON fact_presence (agent, at);
CREATE INDEX fact_presence_at ON fact_presence (at);

-- What the journal says of agents, queues and nodes: how they were from then on.
CREATE TABLE fact_word (
    node        text NOT NULL,
    epoch       bigint NOT NULL,
    "offset"    bigint NOT NULL,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    doc         jsonb NOT NULL,
    PRIMARY KEY (node, epoch, "offset")
);

CREATE INDEX fact_word_name ON fact_word (kind, name, at);
