-- The report on what was not written by itself reads these few events of a period.
CREATE INDEX journal_withheld ON journal (at) WHERE kind = 'automatic_withheld';
