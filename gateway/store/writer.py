"""The one connection that commits.

One statement in flight, no time-out on it: a client that gives up on a commit cancels the wait
for the standby and makes a loss look like a success. ``links.LinkWatch`` looks from outside
instead, and cuts a link that is dead.
"""

from typing import Any

import asyncpg

from gateway.store.pool import Connection, Connector
from gateway.store.trouble import FAILED, hearing_warnings, meaning

SEND_BUFFER = 4 * 1024 * 1024
"""Bytes. A whole commit fits; else the loop must come round for every 200 KB of it, while the
database waits for the rest."""


class Writer:
    """Opens its connection when it needs one."""

    def __init__(self, connect: Connector) -> None:
        self._connect = connect
        self._con: Connection | None = None

    async def run(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """One statement. Raises ``Unavailable`` if it was never sent, else see ``meaning``."""
        con = self._con
        if con is None or con.is_closed():
            con = self._con = await self._connect.connect()
            con.widen(SEND_BUFFER)
        try:
            with hearing_warnings(con):
                return await con.fetch(sql, *arguments)
        except FAILED as problem:
            if not isinstance(problem, asyncpg.PostgresError) or con.is_closed():
                self.cut()
            raise meaning(problem) from problem
        except BaseException:
            self.cut()  # cancelled, or warned: whatever it still does, nobody waits for it
            raise

    def cut(self) -> None:
        """Drop the connection; what was under way on it may or may not take effect."""
        if self._con is not None:
            self._con.terminate()
            self._con = None

    async def close(self) -> None:
        if self._con is not None:
            await self._con.close(timeout=5.0)
            self._con = None
