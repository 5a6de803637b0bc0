"""Benchmarks: one module per row of the budget, one frame, one line of JSON each.

``python -m bench NAME`` measures ours and a peer on the same machine in the same call, tells its
progress on stderr and prints one JSON object as its last line on stdout. The result also goes to
``var/bench/NAME.json``; ``python -m bench table`` writes the table of ``docs/performance.md`` from
those.

``report``   the line; pure
``measure``  percentiles, processor time, memory, pauses of the loop
``node``     a real ``switchroom run`` process of our own
``compose``  the same node inside the benchmark's process, where entries must be counted
``load``     traffic, in processes of its own

Generators reach the node through sockets. Where one does not, ``details.generator`` says so.
A process may hold 20,000 descriptors here, and one core of a generator must not be the limit of
what is measured: so there are several generators. Linux only: figures are read from ``/proc``.
"""
