"""Does what the plan says, heals it, and notes when what began and was over."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct, field

from tests.chaos.plan import NODES, Fault, Kind
from tests.support.patroni import Member
from tests.support.proxy import Link
from tests.support.regions import Region, Regions

FROZEN_SECONDS = 20.0
LAST_LINES = 60
"""Of a node that had to be begun again: the report tells why, long after its log is gone."""
READY_SECONDS = 60.0
LAPSING_SECONDS = 3.5
"""Who is gone for so long may be taken over (the lease is five seconds)."""


class Happened(Struct, kw_only=True):
    """A fault that was done, in CLOCK_MONOTONIC and in the time of day."""

    fault: Fault
    began: float
    began_at: float
    healed: float = 0.0
    healed_at: float = 0.0
    gone: set[str] = field(default_factory=set)
    """Nodes that were away so long that others may take them over."""
    words: str = ""


class Hands:
    """Performs faults on two regions."""

    def __init__(self, both: Regions, say: Callable[[str], None]) -> None:
        self.both = both
        self.cluster = both.cluster
        self.happened: list[Happened] = []
        self.died: list[str] = []
        """Nodes that ended by themselves or never came back: there should be none."""
        self._say = say
        self._now: Happened | None = None

    async def run(self, faults: list[Fault], seconds: float) -> None:
        """One after the other; after ``seconds`` no other begins."""
        end = time.monotonic() + seconds
        for n, fault in enumerate(faults):
            if time.monotonic() > end:
                return
            await asyncio.sleep(fault.pause)
            if fault.kind in _OF_DATABASE:
                await self.cluster.whole(120)
            self._say(f"{n + 1}/{len(faults)} {fault.kind} ({fault.node}, {fault.seconds} s)")
            now = Happened(fault=fault, began=time.monotonic(), began_at=time.time())
            self._now = now
            self.happened.append(now)
            try:
                await self._DEEDS[fault.kind](self, fault)
            except (RuntimeError, TimeoutError) as error:
                # A node or a server that does not come up: noted, and mended by `_calm`.
                self._note(f"{type(error).__name__} in {fault.kind}: {error}")
            now.healed, now.healed_at = time.monotonic(), time.time()
            await self._calm()

    async def _calm(self) -> None:
        """Both nodes can take work again; the database may still be short of its second copy."""
        loop = asyncio.get_running_loop()
        end = loop.time() + READY_SECONDS
        for region in self.both.regions:
            while not await region.is_ready():
                if region.node.pid is None:
                    await self._begin_again(region, "ended by itself")
                elif loop.time() > end:
                    await self._begin_again(region, f"was not ready for {READY_SECONDS:.0f} s")
                await asyncio.sleep(0.1)

    async def _begin_again(self, region: Region, why: str) -> None:
        """What should never be needed: noted, and mended so that the plan goes on."""
        said = region.node.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
        last = "\n".join(["", *said])
        self._note(f"{region.name} {why} after {self.happened[-1].fault.kind}:{last}")
        await region.kill()
        await region.start()

    def _note(self, text: str) -> None:
        self._say(text)
        self.died.append(text)

    def _gone(self, *nodes: str) -> None:
        assert self._now is not None
        self._now.gone.update(nodes)

    def _pair(self, fault: Fault) -> tuple[Region, Region]:
        """The node that is hit, and the other."""
        (other,) = (name for name in NODES if name != fault.node)
        return self.both.named(fault.node), self.both.named(other)

    # -- nodes ------------------------------------------------------------------------------

    async def _node_killed(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        self._gone(one.name)
        await one.kill()
        await asyncio.sleep(fault.seconds)
        await one.start()

    async def _nodes_killed(self, fault: Fault) -> None:
        self._gone(*NODES)
        one, other = self._pair(fault)
        await asyncio.gather(one.kill(), other.kill())
        await asyncio.sleep(fault.seconds)
        await asyncio.gather(one.start(), other.start())

    async def _node_frozen(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        if fault.seconds >= LAPSING_SECONDS:
            self._gone(one.name)
        one.freeze()
        await asyncio.sleep(fault.seconds)
        one.thaw()

    async def _killed_in_takeover(self, fault: Fault) -> None:
        one, other = self._pair(fault)
        self._gone(one.name, other.name)
        await one.kill()
        await asyncio.sleep(fault.seconds)
        await other.kill()
        await asyncio.sleep(fault.other * 2)
        first, second = (one, other) if fault.other < 0.5 else (other, one)
        await asyncio.gather(first.start(), second.start())

    async def _frozen_in_takeover(self, fault: Fault) -> None:
        one, other = self._pair(fault)
        self._gone(one.name, other.name)
        await one.kill()
        await asyncio.sleep(fault.seconds)
        other.freeze()
        async with asyncio.TaskGroup() as group:
            starting = group.create_task(one.start())
            await asyncio.sleep(FROZEN_SECONDS * (0.2 + 0.8 * fault.other))
            other.thaw()
            await starting

    async def _killed_in_rejoin(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        self._gone(one.name)
        await one.kill()
        async with asyncio.TaskGroup() as group:
            starting = group.create_task(_tried(one.start()))
            await asyncio.sleep(fault.seconds)
            await one.kill()
            await starting
        await one.start()

    # -- the database -----------------------------------------------------------------------

    async def _database_crashed(self, fault: Fault) -> None:
        primary = await self.cluster.primary()
        self.cluster.kill_postgres(primary)
        await self._promoted(primary)

    async def _database_gone(self, fault: Fault) -> None:
        primary = await self.cluster.primary()
        self.cluster.kill_member(primary)
        began = time.monotonic()
        await self._promoted(primary)
        await asyncio.sleep(max(0.0, fault.seconds - (time.monotonic() - began)))
        self.cluster.start_member(primary)

    async def _database_frozen(self, fault: Fault) -> None:
        primary = await self.cluster.primary()
        self.cluster.freeze(primary, only_patroni=fault.kind is Kind.PATRONI_FROZEN)
        await asyncio.sleep(fault.seconds)
        self.cluster.thaw(primary)

    async def _standby_gone(self, fault: Fault) -> None:
        standby = await self.cluster.standby()
        self.cluster.kill_member(standby)
        await asyncio.sleep(fault.seconds)
        self.cluster.start_member(standby)

    async def _standby_slow(self, fault: Fault) -> None:
        standby = await self.cluster.standby()
        self.cluster.freeze(standby)
        await asyncio.sleep(fault.seconds)
        self.cluster.thaw(standby)

    async def _promoted(self, old: Member) -> None:
        """Until another server is the primary, or this one again (it was begun again in time)."""
        await self.cluster.until(self._has_primary, f"a primary after {old.name}", 60)

    async def _has_primary(self) -> bool:
        asked = await asyncio.gather(*(self.cluster.timeline(m) for m in self.cluster.members))
        return any(asked)

    # -- both -------------------------------------------------------------------------------

    async def _node_and_database(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        self._gone(one.name)
        primary = await self.cluster.primary()
        self.cluster.kill_postgres(primary)
        await one.kill()
        await self._promoted(primary)
        await asyncio.sleep(fault.seconds)
        await one.start()

    async def _blink_and_database(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        if fault.seconds >= LAPSING_SECONDS:
            self._gone(one.name)
        primary = await self.cluster.primary()
        one.freeze()
        await asyncio.sleep(fault.seconds * fault.other)
        self.cluster.kill_postgres(primary)
        await asyncio.sleep(fault.seconds * (1 - fault.other))
        one.thaw()
        await self._promoted(primary)

    # -- the way between them ---------------------------------------------------------------

    async def _cut(self, fault: Fault) -> None:
        one, _ = self._pair(fault)
        if fault.seconds >= LAPSING_SECONDS:
            self._gone(one.name)
        for link in one.links:
            _CUTS[fault.kind](link)
        await asyncio.sleep(fault.seconds)
        one.heal()

    async def _slow_commits(self, fault: Fault) -> None:
        for region in self.both.regions:
            for link in region.links:
                link.up.latency = link.down.latency = 0.1 + 0.15 * fault.other
                link.up.jitter = link.down.jitter = 0.05
        await asyncio.sleep(fault.seconds)
        for region in self.both.regions:
            region.heal()

    _DEEDS: dict[Kind, Callable[["Hands", Fault], Awaitable[None]]] = {  # noqa: RUF012 - a table
        Kind.NODE_KILLED: _node_killed,
        Kind.NODE_GONE: _node_killed,
        Kind.NODE_BLINKED: _node_frozen,
        Kind.NODE_FROZEN: _node_frozen,
        Kind.NODES_KILLED: _nodes_killed,
        Kind.KILLED_IN_TAKEOVER: _killed_in_takeover,
        Kind.FROZEN_IN_TAKEOVER: _frozen_in_takeover,
        Kind.KILLED_IN_REJOIN: _killed_in_rejoin,
        Kind.DATABASE_CRASHED: _database_crashed,
        Kind.DATABASE_GONE: _database_gone,
        Kind.DATABASE_BLINKED: _database_frozen,
        Kind.DATABASE_FROZEN: _database_frozen,
        Kind.PATRONI_FROZEN: _database_frozen,
        Kind.STANDBY_GONE: _standby_gone,
        Kind.NODE_AND_DATABASE: _node_and_database,
        Kind.BLINK_AND_DATABASE: _blink_and_database,
        Kind.CUT_SILENT: _cut,
        Kind.CUT_HALF_OPEN: _cut,
        Kind.CUT_RESET: _cut,
        Kind.CUT_TRICKLE: _cut,
        Kind.SLOW_COMMITS: _slow_commits,
        Kind.SLOW_STANDBY: _standby_slow,
    }


_CUTS: dict[Kind, Callable[[Link], None]] = {
    Kind.CUT_SILENT: Link.blackhole,
    Kind.CUT_HALF_OPEN: Link.half_open,
    Kind.CUT_RESET: Link.refuse,
    Kind.CUT_TRICKLE: Link.slow,
}
_OF_DATABASE = frozenset(
    {
        Kind.DATABASE_CRASHED,
        Kind.DATABASE_GONE,
        Kind.DATABASE_BLINKED,
        Kind.DATABASE_FROZEN,
        Kind.PATRONI_FROZEN,
        Kind.STANDBY_GONE,
        Kind.NODE_AND_DATABASE,
        Kind.BLINK_AND_DATABASE,
        Kind.SLOW_STANDBY,
    }
)


async def _tried(start: Awaitable[None]) -> None:
    """Starting something that is killed meanwhile."""
    try:
        await start
    except (RuntimeError, TimeoutError):
        return
