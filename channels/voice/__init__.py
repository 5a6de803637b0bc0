"""Voice: calls by SIP as work items; docs/protocols/voice.md has the ladders.

``sip`` is the protocol, pure: messages, transactions, dialogs, with the time as an argument.
``transports`` are its sockets.
"""
