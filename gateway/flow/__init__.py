"""The loops: they look up, let the core decide, record, and act only on what has committed.

``ledger``    the node's state and the entries that wait for their commit
``writer``    commits them, one batch in flight, and publishes what has committed
``intake``    from the inbox commit to the decision
``desk``      agents' commands, each once
``router``    offers items to agents when something has changed
``timers``    deadlines
``dispatch``  the outbox: attempts to bring things to the outside
``reconcile`` looks for what should be impossible
``node``      all of them together, over one store
"""
