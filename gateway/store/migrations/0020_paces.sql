-- Rules count who writes how often: by address, domain, block of numbers and network address. Each
-- node has its own rows, `start` is in seconds since 1970, `key` a hash. `change` orders what others
-- have yet to read; a count may be written again and only rises.
CREATE SEQUENCE pace_change;

CREATE TABLE pace (
    what    text NOT NULL,
    key     text NOT NULL,
    node    text NOT NULL,
    start   bigint NOT NULL,
    count   integer NOT NULL,
    change  bigint NOT NULL DEFAULT nextval('pace_change'),
    PRIMARY KEY (what, key, node, start)
);

CREATE INDEX pace_changed ON pace (change);
