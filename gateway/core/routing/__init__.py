"""Routing: who should get what, and why. Pure; the loop that acts on it is ``flow.router``.

``need``      what an item asks of an agent, as a value that many items share; ``rings`` relax it
``rank``      the order of waiting items: one line for all channels
``fit``       whether an agent meets a need, and if not, what is missing
``prices``    what each agent is worth to the house, so that what is scarce is kept
``standing``  available agents in the order of a policy, found by what they have
``waiting``   waiting items in order of rank, found in a tree of skills
``available`` who is free, over the node's state; ``pool``: who waits, and what somebody can take
``choose``    one item or one agent: affinity, then the queue's choice, with the reason in words
``many``      several at once: the most urgent of whatever can be served together (``batch``)
``engine``    what has changed, and what follows from it
``explain``   why an item waits, and for whom
"""
