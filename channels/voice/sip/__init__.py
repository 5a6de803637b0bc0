"""SIP (RFC 3261 and its kin), pure: messages and the time in, messages and events out.

Nothing here opens a socket, starts a timer, reads a clock or throws dice: who uses it passes
``now`` (seconds that never jump) and a source of names, and asks for the next ``deadline``.
``grammar`` and ``message`` are what stands on the wire, ``reading`` decides what is accepted.
"""
