"""A node among others: it renews its lease each second, sees everybody, and judges who lapsed.

The counter that it raises tells other nodes that this one lives; the fence (its epoch) is what
commits check. What follows from a verdict is ``takeover``'s business, which never holds up a
renewal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.cluster.gate import boottime
from gateway.core.election import (
    LEASE_SECONDS,
    ROUND_SECONDS,
    Facts,
    Look,
    Peer,
    Verdict,
    decide,
    observe,
)
from gateway.core.ids import NodeName
from gateway.flow.writer import Writer
from gateway.store.contract import Card, CommitUnknown, Fenced, Journal, Unavailable

Sleep = Callable[[float], Awaitable[None]]
Act = Callable[[Look, Sequence[Verdict]], None]
_log = structlog.get_logger("membership")


def _nothing(_look: Look, _verdicts: Sequence[Verdict]) -> None:
    return


class Membership:
    """Renews until cancelled. Raises ``Fenced`` when the node has been taken over.

    ``act`` is told of every look and of who may be taken over; ``card`` gives what others see of
    this node.
    """

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        me: NodeName,
        act: Act = _nothing,
        *,
        card: Callable[[], Card] = Card,
        monotonic: Callable[[], float] = boottime,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.peers: tuple[Peer, ...] = ()
        self._me = me
        self._journal = journal
        self._writer = writer
        self._act = act
        self._card = card
        self._monotonic = monotonic
        self._sleep = sleep
        self._facts = Facts(me=me)
        self._renewed = monotonic()

    @property
    def held(self) -> bool:
        """Whether the last renewal is younger than the lease."""
        return self._monotonic() - self._renewed < LEASE_SECONDS

    @property
    def accompanied(self) -> bool:
        """Whether another node is there, or may be."""
        return any(
            peer.node != self._me and peer.state != "stopped" and not peer.fenced
            for peer in self.peers
        )

    @property
    def alone(self) -> bool:
        """Whether there never was another node, as last seen.

        One that is gone may have left us contacts that we have not looked at yet.
        """
        return bool(self.peers) and all(peer.node == self._me for peer in self.peers)

    async def run(self) -> None:
        while True:
            look = await self._look()
            self._facts = observe(self._facts, look)
            if look is not None:
                self.peers = look.peers
                self._renewed = look.began
                self._act(look, decide(self._facts, self._monotonic()))
            await self._sleep(ROUND_SECONDS)

    async def _look(self) -> Look | None:
        """One renewal; ``None``: it failed."""
        while True:
            term = await self._writer.current_term()
            began = self._monotonic()
            try:
                seen = await self._journal.renew(term, self._card())
            except (Unavailable, CommitUnknown) as error:
                _log.warning("lease not renewed", reason=str(error))
                return None
            except Fenced:
                if term == await self._writer.current_term():
                    raise
                continue  # the writer has raised our own epoch meanwhile
            ended = self._monotonic()
            return Look(
                began=began,
                ended=ended,
                timeline=seen.timeline,
                peers=seen.peers,
                written=seen.written,
            )
