"""What the house knows about itself: the live wallboard, and the facts of reports.

``days`` keeps what was counted today over restarts, ``board`` adds up what all nodes say. Both read
figures that ``core.wallboard`` has counted already; nothing here walks over items or agents.
``counting`` has the facts made from the journal (``core.facts``) by a process of its own.
"""
