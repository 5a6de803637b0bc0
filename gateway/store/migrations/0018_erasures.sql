-- Erasing reaches what a person dropped from the quarantine, and can be done again after a restore.

-- Who was erased and when, for a backup that is older than that (`switchroom erasures`).
CREATE INDEX journal_erased ON journal (at) WHERE kind = 'customer_erased';

CREATE INDEX inbox_put_aside ON inbox (customer)
WHERE status IN ('quarantined', 'ignored', 'dropped');
DROP INDEX inbox_odd_customer;

-- As in 0012, and what was dropped as well.
CREATE OR REPLACE FUNCTION erase_customer(whom uuid)
RETURNS TABLE (busy bigint[], cases bigint[], messages integer, files integer, bytes bigint)
LANGUAGE plpgsql AS $$
DECLARE
    theirs uuid[];
    odd uuid[];
    n integer;
BEGIN
    PERFORM FROM customer AS c WHERE c.id = whom FOR UPDATE;
    theirs := ARRAY(SELECT t.id FROM ticket_case AS t WHERE t.customer = whom);
    busy := ARRAY(
        SELECT t.number FROM ticket_case AS t
        WHERE t.customer = whom
          AND (EXISTS (SELECT FROM item AS i WHERE i.case_id = t.id AND i.ended_as IS NULL)
               OR EXISTS (SELECT FROM outbox AS o
                          WHERE o.case_id = t.id AND o.settled_as IS NULL))
        ORDER BY t.number);
    IF EXISTS (SELECT FROM inbox AS i WHERE i.status = 'received' AND i.customer = whom) THEN
        busy := busy || 0::bigint;
    END IF;
    IF cardinality(busy) > 0 THEN
        cases := '{}';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT e.cases, e.messages, e.files, e.bytes INTO cases, messages, files, bytes
    FROM empty_cases(theirs, true) AS e;
    IF cardinality(cases) <> cardinality(theirs) THEN
        RAISE EXCEPTION 'somebody works on a case of customer %', whom
            USING ERRCODE = 'lock_not_available';
    END IF;

    odd := ARRAY(SELECT i.id FROM inbox AS i
                 WHERE i.customer = whom AND i.status IN ('quarantined', 'ignored', 'dropped'));
    WITH gone AS (
        DELETE FROM attachment AS a WHERE a.inbound = ANY(odd) RETURNING a.sha256, a.size
    ), noted AS (
        INSERT INTO blob_left (sha256) SELECT DISTINCT gone.sha256 FROM gone
        ON CONFLICT DO NOTHING
    )
    SELECT count(*), bytes + coalesce(sum(gone.size), 0) INTO n, bytes FROM gone;
    files := files + n;
    PERFORM empty_inbounds(odd, true);

    DELETE FROM identity AS i WHERE i.customer = whom;
    DELETE FROM customer AS c WHERE c.id = whom;
    RETURN NEXT;
END $$;
