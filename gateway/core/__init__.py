"""The pure core: what Switchroom decides, without doing any of it.

Purpose
    Values (``model``), what can happen to them (``events``), which moves are allowed
    (``lifecycle``), and the decisions themselves: intake, routing, desk, deadlines.
Rules
    A decision is a function ``(state, input, context) -> changes``. The context carries the
    time and a source of new ids; nothing in here reads a clock, draws a random number, opens
    a socket or knows asyncio. The import contract in CI holds that.
Who owns truth
    ``state.NodeState`` is one node's picture, folded from events. The database owns the
    truth; a state is rebuilt from it after a restart.
"""
