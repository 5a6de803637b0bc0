"""The one connection that commits.

One statement in flight, no time-out on it: a client that gives up on a commit cancels the wait
for the standby and makes a loss look like a success. ``watch`` looks from outside instead: when
the server no longer works on our statement, or answers nobody, the link is dead and is cut.
"""

import asyncio
from typing import Any, Never

import asyncpg

from gateway.store.contract import Unavailable
from gateway.store.pool import Connection, Connector
from gateway.store.trouble import FAILED, hearing_warnings, meaning

PATIENCE_SECONDS = 2.0
PROBE_EVERY_SECONDS = 1.0
PROBE_SECONDS = 2.0
SUSPICIONS = 3


class Writer:
    """Opens its connection when it needs one."""

    def __init__(self, connect: Connector, backend_state: str) -> None:
        self._connect = connect
        self._backend_state = backend_state
        self._con: Connection | None = None
        self._since: float | None = None

    async def run(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """One statement. Raises ``Unavailable`` if it was never sent, else see ``meaning``."""
        con = self._con
        if con is None or con.is_closed():
            con = self._con = await self._connect.connect()
        self._since = asyncio.get_running_loop().time()
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
        finally:
            self._since = None

    def cut(self) -> None:
        """Drop the connection; what was under way on it may or may not take effect."""
        if self._con is not None:
            self._con.terminate()
            self._con = None

    async def close(self) -> None:
        if self._con is not None:
            await self._con.close(timeout=5.0)
            self._con = None

    async def watch(self) -> Never:
        """Cut the link within ten seconds once it is dead. Runs until cancelled."""
        suspicions, about = 0, None
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            since, con = self._since, self._con
            now = asyncio.get_running_loop().time()
            if since is None or con is None or now - since < PATIENCE_SECONDS:
                suspicions = 0
                continue
            if since != about:
                suspicions, about = 0, since
            suspicions = 0 if await self._works_on(con) else suspicions + 1
            if suspicions >= SUSPICIONS and self._since == since:
                self.cut()

    async def _works_on(self, con: Connection) -> bool:
        """Whether the server is still busy with the statement that ``con`` waits for."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                pid = con.get_server_pid()
                probe = await self._connect.connect()
                try:
                    return bool(await probe.fetchval(self._backend_state, pid) == "active")
                finally:
                    probe.terminate()
        except (*FAILED, Unavailable):
            return False
