"""Following the journals of the other nodes: what they have committed, in the order of each.

It begins where they stood when this node loaded its state, or at the start of a journal that was
not there then; a peer that begins again under a new epoch, or raises its own, is simply followed
on. The bell wakes it, and it looks once a second anyway. Nothing is told while the gate is shut.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Never, Protocol, get_args

import structlog

from gateway.core import events as e
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import NodeName, Position
from gateway.flow.gate import Gate
from gateway.flow.naps import news_within
from gateway.ports import PeerEntry
from gateway.store.contract import Unavailable
from gateway.store.tail import Portion

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.01
"""Between two looks, however often the bell rings."""
START = Position(0, 0)
"""Before the first entry of any journal."""

Consumer = Callable[[NodeName, Sequence[PeerEntry]], None]
Sleep = Callable[[float], Awaitable[None]]
_EVERY = frozenset(get_args(e.Event))
_log = structlog.get_logger("tail")


class Journals(Protocol):
    """The journals of all nodes (``store.tail``; the simulation has its own)."""

    async def read(
        self, after: Mapping[NodeName, Position], kinds: Collection[type[Any]]
    ) -> Mapping[NodeName, Portion]:
        """Raises ``Unavailable``."""
        ...


class Tail:
    """Implements ``ports.PeerFeed``; ``run`` reads until cancelled.

    ``ends`` is where each journal stood when the node began, ``peers`` who is there as of now.
    """

    def __init__(
        self,
        journals: Journals,
        me: NodeName,
        ends: Mapping[NodeName, Position],
        peers: Callable[[], Iterable[Peer]],
        *,
        gate: Gate | None = None,
        every: float = LOOK_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.read = 0
        self._every = every
        self._journals = journals
        self._me = me
        self._ends = {node: end for node, end in ends.items() if node != me}
        self._peers = peers
        self._gate = gate or Gate()
        self._sleep = sleep
        self._consumers: list[tuple[Consumer, frozenset[type[Any]]]] = []
        self._over: dict[NodeName, int] = {}
        self._rung = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def subscribe(
        self, consumer: Consumer, kinds: Collection[type[Any]] | None = None
    ) -> Callable[[], None]:
        """``consumer`` sees what peers commit, of these types of event (``None``: of all).

        It must not block; if it raises that is logged. Returns what ends it.
        """
        wanted = consumer, _EVERY if kinds is None else frozenset(kinds)
        self._consumers.append(wanted)

        def leave() -> None:
            self._consumers.remove(wanted)

        return leave

    def wake(self) -> None:
        """Somebody has committed."""
        self._rung.set()

    async def run(self) -> Never:
        failures = 0
        while True:
            try:
                await self.catch_up()
            except Unavailable as error:
                if failures == 0:
                    _log.warning("the others' journals cannot be read", reason=str(error))
                failures += 1
                await self._sleep(LOOK_SECONDS)
                continue
            failures = 0
            await self._sleep(PAUSE_SECONDS)
            await news_within(self._rung, self._every)
            self._rung.clear()

    async def catch_up(self) -> None:
        """Return when all has been told that was committed before. Raises ``Unavailable``."""
        async with self._one_at_a_time:
            while await self._read():
                pass

    async def _read(self) -> bool:
        """Read and tell the next part; whether there is more."""
        asked = {peer.node: peer for peer in self._peers() if peer.node != self._me}
        after = {
            node: self._ends.get(node, START)
            for node, peer in asked.items()
            if not (_is_silent(peer) and self._over.get(node) == peer.fence)
        }
        if not after:
            return False
        kinds: frozenset[type[Any]] = frozenset().union(*(kinds for _, kinds in self._consumers))
        found = await self._journals.read(after, kinds)
        if not self._gate.open:
            try:
                await self._gate.passed()
            except Refused:
                return False  # the node ends, and what it would tell is nobody's business
        for node, portion in found.items():
            self._ends[node] = portion.end
            self.read += len(portion.entries)
            self._tell(node, portion.entries)
        for node in after.keys() - found.keys():
            if _is_silent(asked[node]):
                self._over[node] = asked[node].fence
        return any(portion.more for portion in found.values())

    def _tell(self, node: NodeName, entries: Sequence[PeerEntry]) -> None:
        for consumer, kinds in tuple(self._consumers):
            part = [entry for entry in entries if type(entry.event) in kinds]
            if not part:
                continue
            try:
                consumer(node, part)
            except Exception:  # noqa: BLE001 - its own failure, nobody else's
                _log.exception("who follows the others failed", consumer=repr(consumer))


def _is_silent(peer: Peer) -> bool:
    """Nothing new can come from it until it begins again, which raises its epoch."""
    return peer.fenced
