"""The wire that bells hang on: NOTIFY and LISTEN, over one connection of its own.

A notification never rides in a journal commit, which it would serialise over all nodes for as long
as a standby takes to confirm. Here nobody waits for the disk: what is lost in a crash of the
database was a hint only.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gateway.store.contract import Unavailable
from gateway.store.pool import Connection, Connector
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED

BELL_SESSION = {"synchronous_commit": "off"}
CHANNEL = "switchroom"
SEND_SECONDS = 3.0
"""A server that does not answer for so long is not there: the link is cut and made anew."""

Hear = Callable[[str], None]
Lost = Callable[[], None]


class PgWire:
    """One connection that hears and tells. Implements ``cluster.bell.Wire``."""

    def __init__(self, con: Connection, sql: Queries) -> None:
        self._con = con
        self._sql = sql

    async def tell(self, texts: Sequence[str]) -> None:
        """To everybody who listens, ourselves too; none of them asks whether the link is alive.

        Raises ``Unavailable``.
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._con.execute(self._sql["bell_ring"], CHANNEL, list(texts))
        except FAILED as problem:
            raise Unavailable(str(problem) or type(problem).__name__) from problem

    def close(self) -> None:
        self._con.terminate()


class PgWires:
    """Implements ``cluster.bell.Wires``. ``connect`` gives links with ``BELL_SESSION``."""

    def __init__(self, connect: Connector, sql: Queries) -> None:
        self._connect = connect
        self._sql = sql

    async def open(self, hear: Hear, lost: Lost) -> PgWire:
        """A link that hears from now on; ``lost`` is called when it is gone.

        Raises ``Unavailable``.
        """
        con: Connection = await self._connect.connect()

        def heard(_con: object, _pid: int, _channel: str, text: Any) -> None:
            hear(str(text))

        try:
            con.add_termination_listener(lambda _con: lost())
            async with asyncio.timeout(SEND_SECONDS):
                await con.add_listener(CHANNEL, heard)
        except FAILED as problem:
            con.terminate()
            raise Unavailable(str(problem) or type(problem).__name__) from problem
        except BaseException:
            con.terminate()
            raise
        return PgWire(con, self._sql)
