"""PostgreSQL: the one place where anything is kept.

``opening.open_store`` gives a ``Store``: with no DSN it starts the PostgreSQL that a wheel brings
(``embedded``), brings the schema up to date (``migrate``) and opens the connections (``pool``).
``journal.PgJournal`` is the node's only writer of current state; ``lookup.PgLookup`` answers
decisions; one module per aggregate (``people``, ``directory``, ``listing``, ``tokens``, …) answers
REST. ``contract`` says what the flow relies on; ``tests/store/conformance.py`` holds whoever
claims to fulfil it to that.

Who owns truth: the database. A node's memory is a picture of it, good while its fence holds.
Invariants: every write of current state is one statement in autocommit that checks the fence
epoch; every acknowledgement rests on a statement that wrote; nothing that leaves this package
is an asyncpg type. SQL stands in ``sql/*.sql`` as named blocks and in ``migrations/``.
"""
