-- For each mail we ask whether the same one has come to another mailbox, by its Message-ID. Some
-- programs give one to all that they send: with `id` the newest of them are found without the rest.
CREATE INDEX message_outside ON message (external_id, id) WHERE external_id IS NOT NULL;
DROP INDEX message_external;
