"""One running node: its parts, its vitals, how it lets people in and how it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog
from aiohttp import web

from gateway.among import Among
from gateway.api import Api
from gateway.channelroom import ChannelRoom
from gateway.cluster.colleagues import Overhearing
from gateway.cluster.homes import places
from gateway.cluster.indexing import Indexing
from gateway.cluster.retention import Retention
from gateway.config import Settings
from gateway.core import events as e
from gateway.core.duties import DutyState
from gateway.core.ids import ChannelName
from gateway.door import Door
from gateway.flow.feasts import Feasts
from gateway.flow.node import Node
from gateway.http import HttpMount
from gateway.insight.board import WallboardNow
from gateway.insight.counting import Counting
from gateway.insight.days import DayKeeping
from gateway.lag import LoopLag
from gateway.origins import Pages
from gateway.sockets import Sockets
from gateway.store.contract import StoreError
from gateway.store.opening import Store
from gateway.store.tail import PgTail
from gateway.supervise import Health, Supervisor
from push.server import AgentPush

KEEPALIVE_SECONDS = 75.0
ENDING_SECONDS = 4.0
"""Of the time for an orderly stop, what is kept for ending what has begun."""
LEFT_SECONDS = 5.0
"""How long to hand over what nobody has in memory; others take the rest over."""
CLOSING_SECONDS = 2.0
"""What a request that is under way at the end of the drain still gets."""

GIVING_UP_SECONDS = 2.0
"""How long an orderly stop waits until its duties are given up; others take them all the same."""

_log = structlog.get_logger("app")


class App:
    """One running node: its parts, and where it is reached."""

    def __init__(self, settings: Settings, store: Store, node: Node) -> None:
        self.settings = settings
        self.store = store
        self.node = node
        self.clock = node.ledger.clock
        self.url = settings.public_url
        self.ws_url = self.url.replace("http", "ws", 1)
        self.pages = Pages(self.url, settings.http.origins, lambda: places(self.among.lease.peers))
        self.lag = LoopLag()
        self.draining = False
        self.supervisor = Supervisor(self.clock, self._health_changed)
        self.among = Among(settings, store, node, self)
        self.retention = Retention(
            node.ledger,
            store.retention,
            settings.retention.content_days,
            said=store.colleagues,
            said_days=settings.retention.colleague_days,
        )
        self.feasts = Feasts(node.ledger)
        self.indexing = Indexing(PgTail(store.pool, store.sql), store.search)
        figures = self.among.figures
        self.days = DayKeeping(
            node.ledger, store.wallboard, figures.board.days, node.writer.current_term
        )
        expectation = node.router.engine.expectation
        self.board = WallboardNow(node.ledger, figures.whole, self.days, expectation)
        self.counting = Counting(store.pool, store.sql, store.dsn)
        self.api: Api
        self.rooms: ChannelRoom
        self.push: AgentPush
        self.overhearing: Overhearing
        self.sockets: Sockets
        self._door: Door | None = None
        self._runner: web.AppRunner | None = None
        self._loops: list[asyncio.Task[None]] = []

    def ready_line(self) -> str:
        """Where it serves, for whoever started the process."""
        return f"ready http={self.url} agent={self.ws_url}/agent/v1 chat={self.ws_url}/chat/v1"

    # -- vitals -----------------------------------------------------------------------------

    def trouble(self) -> str:
        """Why no work can be taken; empty: it can."""
        if self.draining:
            return "the node is stopping"
        if self.among.evacuation.leaving:
            return self.among.evacuation.said()
        if not self.node.ledger.writable:
            return self._because("the journal cannot be written")
        if not self.among.lease.held:
            return self._because("the lease was not renewed in time")
        return ""

    def _because(self, what: str) -> str:
        """With what the database said, if it said something."""
        return ": ".join(filter(None, [what, self.store.trouble()]))

    def connected(self) -> int:
        """Signed-in desktops."""
        return self.push.connected

    async def follow_rooms(self) -> None:
        """See which channels other nodes have opened or closed."""
        await self.rooms.follow()

    def duty_states(self) -> Sequence[DutyState]:
        """What only one node may do at a time, and who does."""
        return self.among.duty_states()

    def tallies(self) -> Mapping[str, int]:
        """How often since this life of the node began; ``rejoins`` since the process did."""
        return {
            **self.among.tallies(),
            "switchroom_errands": self.api.errands_sent,
            "switchroom_search_pages": self.indexing.written,
            "switchroom_rejoins": self._door.rejoins if self._door is not None else 0,
        }

    def _health_changed(self, channel: ChannelName, health: Health) -> None:
        if health.state != "starting":
            changed = e.ChannelHealthChanged(
                channel=channel, health=health.state, reason=health.reason
            )
            self.node.ledger.record([e.Change(changed)])

    # -- running ----------------------------------------------------------------------------

    def start(self, scope: asyncio.TaskGroup) -> None:
        """Set every loop going in the root scope."""
        duties = self.among.duties
        loops = {
            "node": self.node.run(),
            **self.among.loops(),
            "retention": duties.perform("retention", lambda _term: self.retention.run()),
            "thresholds": duties.perform(
                "thresholds", lambda _: self.node.care.watch(self.among.figures.whole)
            ),
            "search": duties.perform("search", lambda _term: self.indexing.run()),
            "holidays": duties.perform("holidays", lambda _term: self.feasts.run()),
            "facts": duties.perform("facts", lambda _term: self.counting.run()),
            "upkeep": duties.perform("upkeep", lambda _term: self.store.upkeep.run()),
            "push": self.push.run(),
            "wallboard": self.board.run(),
            "wallboard days": self.days.run(),
            "colleagues": self.overhearing.run(),
            "lag": self.lag.run(),
        }
        self._loops = [scope.create_task(work, name=name) for name, work in loops.items()]
        self.rooms.start(scope)

    async def serve(self, scope: asyncio.TaskGroup, mount: HttpMount, door: Door) -> None:
        """Let everybody in."""
        self._door = door
        self._runner = web.AppRunner(
            mount.app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=CLOSING_SECONDS,
        )
        await self._runner.setup()
        if self._runner.server is not None:
            await door.admit(self._runner.server, self.sockets, self.node.ledger.gate)
        self._loops.append(scope.create_task(self.sockets.run(), name="heartbeat"))

    async def stop(self) -> None:
        """Hand everything over if others serve; else send desktops away, end what has begun.

        Bounded by ``node.drain_seconds``; what is left then is safe in the journal.
        """
        self.draining = True
        _log.info("draining")
        seconds = self.settings.node.drain_seconds
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until - min(ENDING_SECONDS, seconds / 2)):
                await self.among.evacuation.before_the_end("the node stops")
        except TimeoutError:
            _log.warning("not everything could be handed over in time; others take it over")
        self.rooms.stop()
        await self.among.duties.stand_down(seconds=GIVING_UP_SECONDS)
        try:
            async with asyncio.timeout_at(until):
                await self.push.drain("the node stops", seconds=1.0)
                await self.node.settled()
        except TimeoutError:
            _log.warning("not everything came to its end in time; the journal has it")
        if self._door is not None:
            await self._door.close()
        if self._runner is not None:
            await self._runner.cleanup()
        with suppress(TimeoutError, StoreError):
            async with asyncio.timeout(LEFT_SECONDS):
                await self.among.evacuation.leave_nothing()
        for task in self._loops:
            task.cancel()

    async def stop_taking(self) -> None:
        """Shut the doors; who is here is sent on with what is in hand."""
        reason = "the node is being evacuated"
        self.push.turn_away(reason)
        self.rooms.rest(reason)
        await self.among.duties.stand_down(seconds=GIVING_UP_SECONDS)

    async def take_again(self) -> None:
        """Open them: the evacuation was called off."""
        self.push.turn_away("")
        self.rooms.go_on()
        self.among.duties.stand_up()

    async def farewell(self) -> None:
        """Tell the others that it stopped on purpose: nobody need wait for its lease to lapse."""
        try:
            await self.store.cluster.leave(self.node.writer.term)
        except StoreError as error:
            _log.warning("the lease could not be given back", reason=str(error))

    def fall_silent(self) -> None:
        """From this moment on nothing that this incarnation believes reaches anybody."""
        reason = "the node begins anew"
        if self._door is not None:
            self._door.shut(reason)
        self.node.ledger.abandon(reason)

    async def leave(self) -> None:
        """Close whatever is open to it; nothing waits for a peer."""
        self.fall_silent()
        if self._door is not None:
            await self._door.turn_out()
        if self._runner is not None:
            await self._runner.cleanup()
