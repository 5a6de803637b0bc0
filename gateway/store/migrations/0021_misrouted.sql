-- The routing report reads these few events of a period, and nothing else of it.
CREATE INDEX journal_misrouted ON journal (at) WHERE kind = 'item_misrouted';
