-- Each decision asks whether an older contact of the same customer waits anywhere: without this it
-- would look at all that waits, and a large backlog would be worked off ever more slowly.
CREATE INDEX inbox_waiting ON inbox (customer, arrival) WHERE status = 'received';
