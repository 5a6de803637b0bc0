"""Routing: who should get what, and why. Pure; the loop that acts on it is ``flow.router``.

``need``   what an item asks of an agent, as a value that many items share
``rank``   the order of waiting items: one line for all channels
``fit``    whether an agent meets a need, and if not, what is missing
``pool``   the indexes: waiting items by need, available agents by need
``engine`` the choice: affinity, then fit against scarcity, then longest idle
"""
