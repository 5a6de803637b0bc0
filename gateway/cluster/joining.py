"""Coming among the others: is the name free, and is what this node had settled?

A process that is killed with -9 leaves a lease that looks alive. Whoever wants its name watches
the counter for a moment: if it moves, another process runs under the name, and this one refuses
to. And while a takeover of the name stands half way the node has begun but loads nothing: what it
had goes to one heir, all of it. Should the heir die meanwhile, it is taken over in its turn.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Never

import structlog

from gateway.cluster.gate import boottime
from gateway.core.edition import TooOld
from gateway.core.election import ROUND_SECONDS, Facts, Look, Peer, decide, observe
from gateway.core.errors import GatewayError
from gateway.core.ids import NodeName
from gateway.store.contract import (
    Card,
    CommitUnknown,
    Fenced,
    Journal,
    Seen,
    Term,
    Unavailable,
)
from gateway.store.takeover import Cluster

WATCH_SECONDS = 2.4
"""A living node renews within this, even a slow one."""
LOOK_SECONDS = 0.4

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("joining")


class NameTaken(GatewayError):
    """Another process runs under this node's name; the text says which."""


def this_place() -> str:
    """This process, as a person finds it."""
    return f"{socket.gethostname()}, process {os.getpid()}"


class Joining:
    """One coming of a node among the others."""

    def __init__(
        self,
        journal: Journal,
        cluster: Cluster,
        me: NodeName,
        card: Card,
        *,
        monotonic: Callable[[], float] = boottime,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._cluster = cluster
        self._me = me
        self._card = card
        self._monotonic = monotonic
        self._sleep = sleep
        self._facts = Facts(me=me)
        self._heirs: dict[NodeName, NodeName | None] = {}

    async def join(self, *, alone: bool = False) -> Term:
        """The right to write, with nothing of this node left in anybody's hands.

        ``alone``: nobody else can be running on this database (the lock on the data directory
        says so). Raises ``NameTaken``, ``TooOld``, ``Unavailable``, ``Fenced``.
        """
        if not alone:
            await self.check_name()
        term = await self._journal.begin(self._me, self._card.region)
        await self._require_known(term)
        waited = False
        while (heir := await self._heir(term)) is not None:
            if not waited:
                _log.warning("waits until it has been taken over", by=heir)
                waited = True
            try:
                await self._settle(term, heir)
            except (Unavailable, CommitUnknown) as error:
                # Done or not: the next look shows whose heir is who.
                _log.warning("the heir's turn is not over", heir=heir, reason=str(error))
            await self._sleep(ROUND_SECONDS)
        return term

    async def _require_known(self, term: Term) -> None:
        """Raises ``TooOld``, and then this node has not been there, if others write what is newer.

        It was all right when the schema was looked at; they may have been told since.
        """
        try:
            await self._cluster.require_known()
        except TooOld:
            await self._cluster.leave(term)
            raise

    # -- the name ---------------------------------------------------------------------------

    async def check_name(self) -> None:
        """Watch the row of our name. Raises ``NameTaken``, ``Unavailable``."""
        first = await self._cluster.row_of(self._me)
        if first is None or self._is_free(first):
            return
        until = self._monotonic() + WATCH_SECONDS
        while self._monotonic() < until:
            await self._sleep(LOOK_SECONDS)
            now = await self._cluster.row_of(self._me)
            if now is None or self._is_free(now):
                return
            if (now.epoch, now.counter) != (first.epoch, first.counter):
                raise NameTaken(
                    f"node {self._me!r} is running already ({_described(now)}): give each node a "
                    "name of its own in node.name, or stop that one"
                )

    def _is_free(self, row: Peer) -> bool:
        """Stopped on purpose, taken over since, or an earlier life of this very process."""
        return row.state == "stopped" or row.fenced or row.place == self._card.place != ""

    # -- what is in somebody's hands --------------------------------------------------------

    async def _heir(self, term: Term) -> NodeName | None:
        """Who takes what this node had; keeps the lease alive, and the watch over others."""
        while True:
            began = self._monotonic()
            try:
                seen: Seen = await self._journal.renew(term, self._card)
            except (Unavailable, CommitUnknown) as error:
                _log.warning("lease not renewed", reason=str(error))
                self._facts = observe(self._facts, None)
                await self._sleep(ROUND_SECONDS)
                continue
            look = Look(
                began=began, ended=self._monotonic(), timeline=seen.timeline, peers=seen.peers
            )
            self._facts = observe(self._facts, look)
            self._heirs = {peer.node: peer.heir for peer in seen.peers}
            return self._heirs[self._me]

    async def _settle(self, term: Term, heir: NodeName) -> None:
        """If the heir has lapsed too we become its heir, and have our own back."""
        if self._heirs.get(heir) == self._me:
            await self._cluster.inherit(term, heir)
        else:
            for verdict in decide(self._facts, self._monotonic()):
                if verdict.peer.node == heir and await self._cluster.fence(term, verdict.peer):
                    _log.warning("taken over", node=heir, reason=verdict.reason)


@asynccontextmanager
async def staying(
    journal: Journal, term: Term, card: Card, *, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[None]:
    """Keep the lease alive while the node loads, however long that takes; nobody else does yet.

    Raises ``Fenced``, at once, if the node was taken over all the same.
    """
    problem: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(_keep(journal, term, card, sleep), name="lease:joining")
            try:
                yield
            except Exception as raised:  # noqa: BLE001 - raised again below, not in a group
                problem = raised
            finally:
                keeping.cancel()
    except* Fenced as several:
        problem = several.exceptions[0]
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
    if problem is not None:
        raise problem


async def _keep(journal: Journal, term: Term, card: Card, sleep: Sleep) -> Never:
    while True:
        try:
            await journal.renew(term, card)
        except (Unavailable, CommitUnknown) as error:
            _log.warning("lease not renewed", reason=str(error))
        await sleep(ROUND_SECONDS)


def _described(row: Peer) -> str:
    said = [row.place, row.urls.get("http", ""), f"region {row.region}" if row.region else ""]
    return ", ".join(filter(None, said)) or f"epoch {row.epoch}"
