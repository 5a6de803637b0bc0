"""One running node: its parts, its vitals, how it lets people in and how it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Literal

import structlog
from aiohttp import web

from gateway.api import Api
from gateway.channelroom import ChannelRoom
from gateway.cluster.afar import Afar
from gateway.cluster.asking import Asking
from gateway.cluster.bell import Bell
from gateway.cluster.capacity import Publication
from gateway.cluster.conversing import Conversing
from gateway.cluster.directory import Directory
from gateway.cluster.duties import Duties
from gateway.cluster.editions import Editions
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.gate import still_ours
from gateway.cluster.handover import Handover
from gateway.cluster.homes import addresses, places
from gateway.cluster.joining import this_place
from gateway.cluster.looking import Looking
from gateway.cluster.membership import Membership
from gateway.cluster.overflow import Overflow
from gateway.cluster.places import Places
from gateway.cluster.release import Releases
from gateway.cluster.retention import Retention
from gateway.cluster.seats import Seat, UnderDuty
from gateway.cluster.sending import Sending
from gateway.cluster.tail import Tail
from gateway.cluster.takeover import Takeover
from gateway.config import Settings
from gateway.core import events as e
from gateway.core.duties import DutyState
from gateway.core.election import Look, Verdict
from gateway.core.ids import ChannelName, NodeName
from gateway.door import Door
from gateway.flow.feasts import Feasts
from gateway.flow.node import Node
from gateway.http import HttpMount
from gateway.lag import LoopLag
from gateway.origins import Pages
from gateway.ports import ChannelSettings
from gateway.sockets import Sockets
from gateway.store.contract import Card, StoreError
from gateway.store.opening import Store
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


def card_of(settings: Settings, state: Literal["joining", "serving", "leaving"]) -> Card:
    """What other nodes, and desktops that ask them, learn of this one."""
    ws_url = settings.public_url.replace("http", "ws", 1)
    return Card(
        state=state,
        region=settings.node.region,
        urls={
            "http": settings.public_url,
            "agent": f"{ws_url}/agent/v1",
            "chat": f"{ws_url}/chat/v1",
        },
        version=version("switchroom"),
        place=this_place(),
    )


class App:
    """One running node: its parts, and where it is reached."""

    def __init__(self, settings: Settings, store: Store, node: Node) -> None:
        self.settings = settings
        self.store = store
        self.node = node
        self.clock = node.ledger.clock
        self.url = settings.public_url
        self.ws_url = self.url.replace("http", "ws", 1)
        self.pages = Pages(self.url, settings.http.origins, lambda: places(self.lease.peers))
        self.lag = LoopLag()
        self.draining = False
        self.supervisor = Supervisor(self.clock, self._health_changed)
        self.bell = Bell(store.wires, settings.node_name, needed=lambda: self.lease.accompanied)
        node.ledger.subscribe(lambda _committed: self.bell.ring("journal"))
        self.tail = Tail(
            store.tail,
            settings.node_name,
            node.ends,
            lambda: self.lease.peers,
            gate=node.ledger.gate,
        )
        self.bell.on("journal", lambda _node, _payload: self.tail.wake())
        self.directory = Directory(node.ledger, store.directory, self.tail)
        self.editions = Editions(node.ledger, node.writer, store.cluster)
        self.takeover = Takeover(node, store.cluster, learn=self.directory.learn)
        self.lease = Membership(
            store.journal,
            node.writer,
            settings.node_name,
            self._looked,
            card=lambda: card_of(settings, "leaving" if self.is_leaving else "serving"),
        )
        self.retention = Retention(node.ledger, store.retention, settings.retention.content_days)
        self.feasts = Feasts(node.ledger)
        self.looks = Looking(
            "other nodes' channels", self._follow_rooms, needed=lambda: self.lease.accompanied
        )
        self.bell.on("channels", lambda _node, _payload: self.looks.wake())
        node.intake.ring = lambda to: self.bell.ring("inbox", to)
        node.whose.alone = lambda: self.lease.alone
        self.contacts = Looking(
            "what others received for us", node.intake.look, needed=lambda: self.lease.accompanied
        )
        self.bell.on("inbox", self._has_contact)
        self.tail.subscribe(node.intake.heard, [e.InboundDecided])
        self.conversing = Conversing(node, self.tail, self.bell)
        self.places = Places(
            self.bell, node.conversations.waiting_here, needed=lambda: self.lease.accompanied
        )
        node.conversations.elsewhere = self.places.elsewhere
        self.tail.subscribe(node.values.heard, [e.CustomerValued])
        self.asking = Asking(node.ledger, node.writer, store.relay, bell=self.bell)
        self.duties = Duties(
            store.duties,
            node.writer.current_term,
            settings.node_name,
            settings.node.region,
            record=lambda event: node.ledger.record([e.Change(event)]),
            tell=lambda: self.bell.ring("duties"),
        )
        self.bell.on("duties", lambda _node, _payload: self.duties.wake())
        self.figures = Publication(
            node.ledger,
            store.capacity,
            node.writer.current_term,
            lambda: self.lease.peers,
            settings.node.region,
        )
        self.handover = Handover(
            node, store.handover, self.asking, lambda: self.lease.peers, bell=self.bell
        )
        self.handover.arriving = lambda: self.takeover.under_way
        self.sending = Sending(node, self.handover, store.homes)
        self.releases = Releases(node, self.asking, self.handover)
        self.overflow = Overflow(
            node,
            self.figures,
            self.asking,
            self.handover,
            settings.node.region,
            accepts=lambda: not self.is_leaving,
            presences=store.homes,
        )
        self.afar = Afar(
            node, self.asking, self.handover, self.overflow, store.homes, store.contacts
        )
        node.desk.afar = self.afar
        self.evacuation = Evacuation(
            node,
            store.handover,
            self.handover,
            self.asking,
            lambda: self.lease.peers,
            settings.node.region,
            stop_taking=self._stop_taking,
            take_again=self._take_again,
        )
        self.api: Api
        self.rooms: ChannelRoom
        self.push: AgentPush
        self.sockets: Sockets
        self._door: Door | None = None
        self._runner: web.AppRunner | None = None
        self._loops: list[asyncio.Task[None]] = []

    def _looked(self, look: Look, verdicts: Sequence[Verdict]) -> None:
        self.editions.note(look)
        self.takeover.note(look, verdicts)
        self.duties.note(look.peers)

    def seat_of(self, settings: ChannelSettings, duty: str) -> tuple[Seat, UnderDuty]:
        """Where a channel waits until this node has its duty, and how it stores what it brings."""
        seat = self.duties.seat(
            duty, settings.name, label=f"channel {settings.name}", prefer=settings.prefer
        )
        return seat, UnderDuty(seat, self.node.intake, self.node.memory)

    def ready_line(self) -> str:
        """Where it serves, for whoever started the process."""
        return f"ready http={self.url} agent={self.ws_url}/agent/v1 chat={self.ws_url}/chat/v1"

    def peers(self, purpose: Literal["agent", "chat"]) -> tuple[str, ...]:
        """Where the other nodes that serve are reached; before the first look, as configured."""
        found = addresses(self.lease.peers, self.settings.node_name, purpose)
        return found or (self.settings.node.peers if purpose == "agent" else ())

    @property
    def is_leaving(self) -> bool:
        """Whether others are to take what would come here."""
        return self.draining or self.evacuation.leaving

    # -- vitals -----------------------------------------------------------------------------

    def trouble(self) -> str:
        """Why no work can be taken; empty: it can."""
        if self.draining:
            return "the node is stopping"
        if self.evacuation.leaving:
            return self.evacuation.said()
        if not self.node.ledger.writable:
            return self._because("the journal cannot be written")
        if not self.lease.held:
            return self._because("the lease was not renewed in time")
        return ""

    def _because(self, what: str) -> str:
        """With what the database said, if it said something."""
        return ": ".join(filter(None, [what, self.store.trouble()]))

    def connected(self) -> int:
        """Signed-in desktops."""
        return self.push.connected

    def _has_contact(self, _node: NodeName, whose: str) -> None:
        if whose == self.settings.node_name:
            self.contacts.wake()

    async def _follow_rooms(self) -> None:
        await self.rooms.follow()

    def duty_states(self) -> Sequence[DutyState]:
        """What only one node may do at a time, and who does."""
        return self.duties.states()

    def tallies(self) -> Mapping[str, int]:
        """How often since this life of the node began; ``rejoins`` since the process did."""
        return {
            "switchroom_duties_taken": self.duties.taken,
            "switchroom_takeovers": self.takeover.taken,
            "switchroom_takeovers_resumed": self.takeover.resumed,
            "switchroom_adopted_rows": self.takeover.adopted,
            "switchroom_overflow_asked": self.overflow.asked,
            "switchroom_overflow_granted": self.overflow.granted,
            "switchroom_overflow_moved": self.overflow.moved,
            "switchroom_handed_over_rows": self.handover.handed,
            "switchroom_taken_in_rows": self.handover.taken,
            "switchroom_handovers_returned": self.handover.returned,
            "switchroom_evacuations": self.evacuation.begun,
            "switchroom_releases": self.releases.released,
            "switchroom_questions_asked": self.asking.asked,
            "switchroom_questions_answered": self.asking.answered,
            "switchroom_errands": self.api.errands_sent,
            "switchroom_commands_done_elsewhere": self.afar.done,
            "switchroom_commands_brought_here": self.afar.brought,
            "switchroom_agents_followed_work": self.afar.followed,
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
        loops = {
            "node": self.node.run(),
            "lease": self.lease.run(),
            "editions": self.editions.run(),
            "takeover": self.takeover.run(),
            "duties": self.duties.run(),
            "retention": self.duties.perform("retention", lambda _term: self.retention.run()),
            "thresholds": self.duties.perform(
                "thresholds", lambda _: self.node.care.watch(self.figures.whole)
            ),
            "holidays": self.duties.perform("holidays", lambda _term: self.feasts.run()),
            "upkeep": self.duties.perform("upkeep", lambda _term: self.store.upkeep.run()),
            "capacity": self.figures.run(),
            "overflow": self.overflow.run(),
            "bell": self.bell.run(),
            "tail": self.tail.run(),
            "directory": self.directory.run(),
            "rooms": self.looks.run(),
            "contacts": self.contacts.run(),
            "asking": self.asking.run(),
            "places": self.places.run(),
            "handover": self.handover.run(),
            "release": self.releases.run(),
            "sending": self.sending.run(),
            "evacuation": self.evacuation.run(),
            "gate": self.node.ledger.gate.watch(
                lambda: still_ours(self.store.journal, self.node.writer)
            ),
            "push": self.push.run(),
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
                await self.evacuation.before_the_end("the node stops")
        except TimeoutError:
            _log.warning("not everything could be handed over in time; others take it over")
        self.rooms.stop()
        await self.duties.stand_down(seconds=GIVING_UP_SECONDS)
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
                await self.evacuation.leave_nothing()
        for task in self._loops:
            task.cancel()

    async def _stop_taking(self) -> None:
        """Shut the doors; who is here is sent on with what is in hand."""
        reason = "the node is being evacuated"
        self.push.turn_away(reason)
        self.rooms.rest(reason)
        await self.duties.stand_down(seconds=GIVING_UP_SECONDS)

    async def _take_again(self) -> None:
        self.push.turn_away("")
        self.rooms.go_on()
        self.duties.stand_up()

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
