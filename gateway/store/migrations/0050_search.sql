-- Search over what was said and over customers. Pages are made behind the way of a contact, by
-- whoever has the duty, from the journal on; nothing on that way waits for them. Each page is
-- what a message or a customer can be found by; `search_place` is how far each journal was read.
CREATE TABLE search_message (
    message     uuid PRIMARY KEY,
    words       tsvector NOT NULL
);
CREATE INDEX search_message_words ON search_message USING gin (words);

CREATE TABLE search_customer (
    customer    uuid PRIMARY KEY,
    words       tsvector NOT NULL
);
CREATE INDEX search_customer_words ON search_customer USING gin (words);

CREATE TABLE search_place (
    node        text PRIMARY KEY,
    epoch       bigint NOT NULL,
    "offset"    bigint NOT NULL
);

-- Messages from before there was a search, up to which id they have been read; gone when all are.
CREATE TABLE search_past (
    after       uuid NOT NULL
);
INSERT INTO search_past SELECT '00000000-0000-0000-0000-000000000000'
WHERE EXISTS (SELECT FROM message);

-- Customers who are new or not the same any more; who is named twice is read once.
CREATE TABLE search_due (
    customer    uuid NOT NULL
);
CREATE INDEX search_due_customer ON search_due (customer);
INSERT INTO search_due SELECT id FROM customer;

CREATE FUNCTION search_customer_due() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_due VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION search_identity_due() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO search_due VALUES (OLD.customer);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO search_due VALUES (NEW.customer);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER search_customer_new AFTER INSERT ON customer
FOR EACH ROW EXECUTE FUNCTION search_customer_due();
CREATE TRIGGER search_customer_named AFTER UPDATE OF name ON customer
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION search_customer_due();
CREATE TRIGGER search_identity_new AFTER INSERT OR DELETE ON identity
FOR EACH ROW EXECUTE FUNCTION search_identity_due();
CREATE TRIGGER search_identity_moved AFTER UPDATE OF customer ON identity
FOR EACH ROW WHEN (OLD.customer <> NEW.customer) EXECUTE FUNCTION search_identity_due();

-- What is gone is not found any more: erased, or emptied when it has had its time.
CREATE FUNCTION search_forget_messages() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_message AS s USING gone WHERE s.message = gone.id;
    RETURN NULL;
END $$;

CREATE FUNCTION search_forget_customers() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_customer AS s USING gone WHERE s.customer = gone.id;
    DELETE FROM search_due AS d USING gone WHERE d.customer = gone.id;
    RETURN NULL;
END $$;

CREATE FUNCTION search_forget_case() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_message AS s USING message AS m
    WHERE m.case_id = NEW.id AND s.message = m.id;
    RETURN NULL;
END $$;

CREATE TRIGGER search_message_gone AFTER DELETE ON message
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION search_forget_messages();
CREATE TRIGGER search_customer_gone AFTER DELETE ON customer
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION search_forget_customers();
CREATE TRIGGER search_case_emptied AFTER UPDATE OF emptied_at ON ticket_case
FOR EACH ROW WHEN (NEW.emptied_at IS NOT NULL) EXECUTE FUNCTION search_forget_case();
