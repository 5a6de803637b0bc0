"""What reports count, as a pure function of the journal. See docs/reports.md.

``values`` are the facts themselves; ``lives`` makes them from all entries of a case and of what it
was merged with, ``shifts`` from what an agent did and had in hand. Nothing here is added to
anything: facts of a case, or of an agent's hour, are made anew from all that is known whenever
something more is known, and take the place of those before. So it does not matter in which parts
the journal is read, nor how often.
"""
