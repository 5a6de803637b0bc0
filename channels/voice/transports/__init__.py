"""The sockets of a voice channel: thin, bounded, and without any knowledge of calls.

``edges`` holds them all and knows which message goes where; ``datagrams`` and ``streams`` are the
asyncio protocols beneath. What comes in is handed on as octets with the flow they came by.
"""
