"""What the house knows about itself: the live wallboard.

``days`` keeps what was counted today over restarts, ``board`` adds up what all nodes say. Both read
figures that ``core.wallboard`` has counted already; nothing here walks over items or agents.
"""
