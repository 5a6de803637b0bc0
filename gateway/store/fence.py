"""A node's right to write: its fence row and its lease.

The fence is raised alone, before anything else, and waits at most a second for whoever holds the
row; whoever holds it longer is an earlier incarnation that froze or was cut off, and is ended.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from gateway.core.election import Peer
from gateway.core.ids import NodeName, Position
from gateway.store.codec import decode, encode
from gateway.store.contract import Card, Fenced, Seen, StoreError, Term, Unavailable
from gateway.store.pool import Connection, Connector, Pool
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED, hearing_warnings, meaning, reading

NIL = UUID(int=0)
ATTEMPTS = 10
POLITE_SECONDS = 0.3
PATIENCE_SECONDS = 60.0
"""For how long to wait for the next primary while an unknown commit keeps everything else back."""


class Fence:
    """The fence and lease of a node; each ``begin`` is a new incarnation with its own mark."""

    def __init__(self, connect: Connector, pool: Pool, sql: Queries) -> None:
        self._connect = connect
        self._pool = pool
        self._sql = sql
        self._holders: dict[NodeName, str] = {}
        self._card = Card()

    async def begin(self, node: NodeName, region: str) -> Term:
        """Raise the epoch and so end every earlier incarnation. Raises ``Unavailable``."""
        holder = str(uuid4())
        epoch = await self._raise("fence_take", (node, holder, region))
        if epoch is None:
            raise Unavailable("the fence row did not answer")
        self._holders[node] = holder
        self._card = Card(state="joining", region=region)
        return Term(node=node, epoch=epoch)

    async def raise_own(self, term: Term) -> Term:
        """Raise our own epoch: waits for, and ends, whatever still writes under the old one.

        Raises ``Fenced`` if another incarnation has begun or a node has taken over,
        ``Unavailable``.
        """
        epoch = await self._raise(
            "fence_raise_own", (term.node, self._mark(term.node)), PATIENCE_SECONDS
        )
        if epoch is None:
            raise Fenced(f"another incarnation of {term.node} has begun, or it was taken over")
        return Term(node=term.node, epoch=epoch)

    async def raise_dead(self, term: Term, dead: Peer) -> bool:
        """Raise the epoch of a node that still is as it was seen; false: it is not.

        Raises ``Fenced`` if it was not ours to do, ``Unavailable`` (it may have been done).
        """
        seen = (dead.node, term.node, term.epoch, dead.epoch, dead.counter, str(uuid4()))
        if await self._raise("fence_dead", seen) is not None:
            return True
        if await self.own_term(term) != term:
            raise Fenced(f"{term.node} no longer holds epoch {term.epoch}")
        return False

    async def renew(self, term: Term, card: Card | None = None) -> Seen:
        """See ``contract.Journal``."""
        self._card = card = card or self._card
        urls = encode(card.urls)
        shown = (card.state, card.region, urls, card.version, card.place, card.edition)
        with reading():
            rows = await self._pool.fetch(self._sql["lease_renew"], term.node, term.epoch, *shown)
        if not any(row["renewed"] for row in rows):
            own = await self.own_term(term)
            if own is None or own == term:
                raise Fenced(f"{term.node} no longer holds epoch {term.epoch}")
            return await self.renew(own, card)  # our own hand has raised it meanwhile
        first = rows[0]
        return Seen(
            timeline=first["timeline"], peers=tuple(map(peer, rows)), written=first["written"]
        )

    async def own_term(self, term: Term) -> Term | None:
        """Our term as the fence row has it; ``None`` if it is another incarnation's.

        While an unknown commit is resolved our epoch rises by our own hand: whoever is refused
        then with the old one has not been fenced.
        """
        with reading():
            epoch = await self._pool.fetchval(
                self._sql["fence_own_epoch"], term.node, self._mark(term.node)
            )
        return None if epoch is None else Term(node=term.node, epoch=epoch)

    async def present(self, term: Term, last: Position) -> bool:
        """Whether an entry is in the journal; ask only after ``raise_own``."""
        with reading():
            return bool(
                await self._pool.fetchval(
                    self._sql["position_present"], term.node, last.epoch, last.offset
                )
            )

    def _mark(self, node: NodeName) -> str:
        """What our last ``begin`` of the node has left on its fence row; else nobody's."""
        return self._holders.get(node, str(NIL))

    async def _raise(
        self, name: str, arguments: Sequence[Any], patience: float | None = None
    ) -> int | None:
        con: Connection = await self._connect.connect(patience)
        try:
            for _ in range(ATTEMPTS):
                answer = await self._raise_once(con, self._sql[name], arguments)
                if isinstance(answer, asyncpg.LockNotAvailableError):
                    continue
                if isinstance(answer, Exception):
                    raise Unavailable(str(meaning(answer))) from answer
                return answer
            raise Unavailable(f"the fence row of {arguments[0]} is held and does not come free")
        finally:
            con.terminate()

    async def _raise_once(
        self, con: Connection, sql: str, arguments: Sequence[Any]
    ) -> int | Exception | None:
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._end_blockers(con.get_server_pid()))
            answer = await self._ask(con, sql, arguments)
            ending.cancel()
        return answer

    async def _ask(
        self, con: Connection, sql: str, arguments: Sequence[Any]
    ) -> int | Exception | None:
        try:
            await con.execute("SET lock_timeout = '1s'")
            with hearing_warnings(con):
                epoch: int | None = await con.fetchval(sql, *arguments)
        except (*FAILED, StoreError) as problem:
            return problem
        return epoch

    async def _end_blockers(self, pid: int) -> None:
        """Terminate whatever the backend ``pid`` waits for, again and again, until cancelled."""
        await asyncio.sleep(POLITE_SECONDS)
        try:
            con: Connection = await self._connect.connect()
        except StoreError:
            return  # nobody can be ended now; the caller's own time-out speaks
        try:
            while True:
                await con.fetch(self._sql["terminate_blockers"], pid)
                await asyncio.sleep(0.1)
        except FAILED:
            return
        finally:
            con.terminate()


def peer(row: Any) -> Peer:
    """A row of ``node_row`` or ``lease_renew``."""
    return Peer(
        node=NodeName(row["node"]),
        epoch=row["epoch"],
        counter=row["counter"],
        fence=row["fence"],
        heir=None if row["heir"] is None else NodeName(row["heir"]),
        state=row["state"],
        region=row["region"],
        urls=decode(row["urls"], dict[str, str]),
        version=row["version"],
        place=row["place"],
        edition=row["edition"],
    )
