"""The world outside with a good memory: what it was promised, what it saw, and when.

Four kinds of people, each in a process of its own (``bench.load.control``), for days on which
nodes and databases die: they repeat what was not acknowledged under the same identity, find
another node when theirs is gone, and keep a log of everything that was acknowledged to them and
of everything that reached them. ``audit`` compares the logs with each other and with nothing of
ours. Times are CLOCK_MONOTONIC, which is one for the whole machine.
"""
