-- Rules count what somebody has sent within a time (velocity): by customer and time, newest first.
-- What is old goes on being stored here without its content, so the customer alone would not do.
CREATE INDEX inbox_wrote ON inbox (customer, received_at) WHERE customer IS NOT NULL;
