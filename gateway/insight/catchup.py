"""Brings the facts of reports up to date with the journal, in a process of its own.

``python -m gateway.insight.catchup`` reads the database's address from its first line of input.
The work is done with what processor time others leave, and its commits wait for no standby: what a
crash takes away is made again.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping

from gateway.store.facts import FactKeeper, Stepped, alone
from gateway.store.pool import Connection, connector, hosts_of
from gateway.store.queries import Queries

# Keys are looked up, always: what PostgreSQL knows of a table that has just been filled is little,
# and it would read all of it for each few hundred cases.
SESSION: Mapping[str, str] = {
    "application_name": "switchroom facts",
    "idle_in_transaction_session_timeout": "5min",
    "synchronous_commit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_NICE = 10


async def steps(dsn: str, *, anew: bool = False) -> AsyncIterator[Stepped]:
    """Count all that is new; ``anew``: all that the journal tells. Nothing if others do already.

    Raises ``Unavailable`` and what asyncpg does.
    """
    con: Connection = await connector(lambda: dsn, hosts_of(dsn), dict(SESSION)).connect()
    try:
        async with alone(con) as got:
            if not got:
                return
            keeper = FactKeeper(con, Queries.load())
            if anew:
                await keeper.begin_again()
            async for step in keeper.catch_up():
                yield step
    finally:
        con.terminate()


async def _all(dsn: str) -> None:
    async for _ in steps(dsn):
        pass


def main() -> None:
    os.nice(_NICE)
    asyncio.run(_all(sys.stdin.readline().strip()))


if __name__ == "__main__":
    main()
