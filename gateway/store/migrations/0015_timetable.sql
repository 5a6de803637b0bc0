-- Parts of the directory that are a name and a document: calendars, service-level policies.
CREATE TABLE directory_entry (
    kind        text NOT NULL,
    name        text NOT NULL,
    doc         jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name)
);

CREATE TYPE entry_in AS (kind text, name text, doc jsonb);

-- Part of the journal's one statement, beside `commit_batch`, which has checked the fence: so that
-- nodes of the version before go on calling what they know.
CREATE FUNCTION commit_directory(entries entry_in[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(entries) > 0 THEN
        INSERT INTO directory_entry (kind, name, doc) SELECT u.* FROM unnest(entries) AS u
        ON CONFLICT (kind, name) DO UPDATE SET doc = excluded.doc, changed_at = now();
    END IF;
END $$;
