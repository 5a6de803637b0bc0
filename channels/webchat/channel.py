"""The web chat channel: what it wants served, and what the node's events mean to its visitors."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Never, get_args

from channels.webchat.calls import Calls
from channels.webchat.connection import Connection
from channels.webchat.filedoor import FileDoor
from channels.webchat.house import House
from channels.webchat.hub import Hub
from channels.webchat.pace import Buckets
from channels.webchat.protocol import (
    MAX_BODY,
    MAX_FRAME,
    PATH,
    SUBPROTOCOL,
    Close,
    Moved,
    Tick,
    channel_of,
    encode,
)
from channels.webchat.settings import Settings, may_embed
from gateway.core.errors import GatewayError
from gateway.core.events import (
    CustomerBack,
    CustomerLeft,
    DeliveryChanged,
    Entry,
    ItemAdopted,
    ItemCared,
    ItemCreated,
    ItemMove,
    MessageAdded,
    MessageDeleted,
    MessageEdited,
)
from gateway.core.ids import CaseId, MessageId, NodeName
from gateway.core.model import ChannelKind, Delivery, Item, Message
from gateway.ports import Limits, Outbound, PeerEntry, Receipt, Route, Services, Socket, SocketRoute

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
QUEUE_LOOK_SECONDS = 2.0
CLOSING_SECONDS = 2.0
LOADS_AT_ONCE = 8
PLACES_AT_ONCE = 20
A_FEW = 200
"""How many connections are told something before others get their turn of the loop."""

TRY_AGAIN_SECONDS = 1.0

_MOVES: tuple[type, ...] = (
    ItemCreated,
    ItemAdopted,
    ItemCared,
    CustomerLeft,
    CustomerBack,
    *get_args(ItemMove),
)
_ELSEWHERE = (MessageAdded, MessageEdited, MessageDeleted, DeliveryChanged, *_MOVES)
_TICK = encode(Tick())


class WebChat:
    """One chat on one or more web sites.

    The journal and the feed are the delivery: whatever is said in a conversation reaches its
    connected windows as soon as it is committed, and the others when they come back.
    ``heartbeat`` and ``queue_look`` are seconds.
    """

    kind = ChannelKind.WEBCHAT
    limits = Limits(max_text=MAX_BODY)

    def __init__(
        self,
        settings: Settings,
        services: Services,
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        queue_look: float = QUEUE_LOOK_SECONDS,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._services = services
        self._queue_look = queue_look
        self._hub: Hub[Connection] = Hub(settings.per_address, settings.connections)
        self._house = House(
            settings=settings,
            services=services,
            hub=self._hub,
            messages=Buckets(settings.per_minute, settings.per_minute / 60),
            calls=Calls(
                queue=settings.queue,
                country=settings.country,
                openings=services.openings,
                callbacks=services.callbacks,
            ),
            loads=asyncio.Semaphore(LOADS_AT_ONCE),
            heartbeat=heartbeat,
            spawn=self._spawn,
        )
        self._files = FileDoor(settings, services, self._may_embed)
        self._tasks: asyncio.TaskGroup | None = None
        self._queue_moved = asyncio.Event()
        self._some_moved = asyncio.Event()
        self._moved: dict[CaseId, None] = {}
        self._some_moved_elsewhere = asyncio.Event()
        self._moved_elsewhere: dict[CaseId, None] = {}

    # -- serving ----------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """All web chats share their paths; the first frame, or the token, says which is meant."""
        return [
            *self._files.routes(),
            SocketRoute(
                path=PATH,
                subprotocol=SUBPROTOCOL,
                handle=self._handle,
                select=lambda first: channel_of(first) == self.name,
                max_frame=MAX_FRAME,
            ),
        ]

    async def _handle(self, socket: Socket) -> None:
        if not self._may_embed(socket.origin):
            reason = f"this chat is not open to {socket.origin}"
            await socket.close(Close.BAD_ORIGIN, reason[:120])
        elif self._tasks is None:
            if moved := self._elsewhere(0):
                socket.post(moved)
            await socket.close(Close.DRAIN, "the chat is paused")
        elif full := self._hub.refusal(socket.remote):
            await socket.close(Close.SLOW, full)
        else:
            await Connection(self._house, socket).serve()

    def _may_embed(self, origin: str | None) -> bool:
        services = self._services
        if origin is not None and services.own_page(origin):
            return True
        return may_embed(origin, self._settings.origins, services.public_url)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:
            work.close()
        else:
            self._tasks.create_task(work)

    async def run(self, ready: Callable[[], None]) -> Never:
        """Until cancelled; then every window is told to come back later."""
        ends = [
            self._services.feed.subscribe(self._on_commit),
            self._services.signals.subscribe(self._on_typing),
        ]
        if (others := self._services.others) is not None:
            ends.append(others.subscribe(self._on_commit_elsewhere, _ELSEWHERE))
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                try:
                    tasks.create_task(self._tick(), name=f"chat:{self.name}:tick")
                    tasks.create_task(self._watch_moves(), name=f"chat:{self.name}:places")
                    tasks.create_task(self._watch_elsewhere(), name=f"chat:{self.name}:elsewhere")
                    ready()
                    await self._watch_queue()
                finally:
                    self._tasks = None
        finally:
            for end in ends:
                end()
            await self._close_all()
        raise AssertionError("the watch over the queue never ends by itself")

    def _elsewhere(self, turn: int) -> str:
        """Where else a window finds its conversation; empty: nowhere."""
        peers = self._services.peers()
        return encode(Moved(url=peers[turn % len(peers)])) if peers else ""

    async def _close_all(self) -> None:
        for turn, connection in enumerate(self._hub):
            if moved := self._elsewhere(turn):
                connection.post(moved)
        closings = [c.leave(Close.DRAIN, "the chat pauses; please reconnect") for c in self._hub]
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.gather(*closings, return_exceptions=True)
        except TimeoutError:
            return  # whoever does not answer the close is dropped with the listener

    # -- what happens in the node -----------------------------------------------------------

    def _on_commit(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            match entry.event:
                case MessageAdded(case=case, message=message):
                    if self._hub.watched(case):
                        self._on_message(case, message, entry)
                case MessageEdited(case=case, seq=seq) | MessageDeleted(case=case, seq=seq):
                    self._on_amended(case, seq)
                case DeliveryChanged(case=case, message=message, state=state):
                    self._on_delivery(case, message, state)
                case event if isinstance(event, _MOVES):
                    self._queue_moved.set()
                    self._on_move(entry)
                case _:
                    pass

    def _on_message(self, case: CaseId, message: MessageId, entry: Entry) -> None:
        for row in entry.rows:
            if isinstance(row, Message) and row.id == message:
                for connection in self._hub.followers(case):
                    connection.committed(row)

    def _on_delivery(self, case: CaseId, message: MessageId, state: Delivery) -> None:
        for connection in self._hub.followers(case):
            connection.delivery_changed(message, state)

    def _on_amended(self, case: CaseId, seq: int) -> None:
        for connection in self._hub.followers(case):
            connection.amended(seq)

    def _on_move(self, entry: Entry) -> None:
        for row in entry.rows:
            if isinstance(row, Item) and self._hub.watched(row.case):
                self._moved[row.case] = None
                self._some_moved.set()
                for connection in self._hub.followers(row.case):
                    connection.item_changed(row)

    def _on_typing(self, case: CaseId, who: str, on: bool, by_customer: bool) -> None:  # noqa: FBT001 - the seam's form
        if not by_customer:
            for connection in self._hub.followers(case):
                connection.agent_typing(who, on=on)

    def _on_commit_elsewhere(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        """What another node has decided about conversations that are followed here."""
        for entry in entries:
            if isinstance(entry.event, _MOVES):
                self._queue_moved.set()
            if entry.case is None or not self._hub.watched(entry.case):
                continue
            match entry.event:
                case MessageAdded(seq=seq, direction=direction):
                    if direction != "note":
                        for connection in self._hub.followers(entry.case):
                            connection.said_elsewhere(seq)
                case MessageEdited(seq=seq) | MessageDeleted(seq=seq):
                    self._on_amended(entry.case, seq)
                case DeliveryChanged(message=message, state=state):
                    self._on_delivery(entry.case, message, state)
                case _:
                    self._moved_elsewhere[entry.case] = None
                    self._some_moved_elsewhere.set()

    async def _watch_elsewhere(self) -> Never:
        """Tell how conversations stand that another node has moved: as they are on disk."""
        while True:
            await self._some_moved_elsewhere.wait()
            self._some_moved_elsewhere.clear()
            moved, self._moved_elsewhere = self._moved_elsewhere, {}
            for case in moved:
                try:
                    item = await self._services.conversations.item_of(case)
                    owed = await self._services.conversations.promises_of(case)
                except GatewayError as problem:
                    log.warning("cannot tell how a chat stands: %s", problem)
                    self._moved_elsewhere[case] = None
                    self._some_moved_elsewhere.set()
                    await asyncio.sleep(TRY_AGAIN_SECONDS)
                    continue
                for connection in self._hub.followers(case):
                    connection.moved_elsewhere(item, owed)

    async def _watch_queue(self) -> Never:
        """Tell those who wait their new place, at most once in ``queue_look`` seconds."""
        while True:
            await self._queue_moved.wait()
            self._queue_moved.clear()
            waiting = {case for connection in self._hub if (case := connection.queued) is not None}
            await self._tell_places(sorted(waiting))
            await asyncio.sleep(self._queue_look)

    async def _watch_moves(self) -> Never:
        """Tell whoever has moved the place at once, without waiting for the next look."""
        while True:
            await self._some_moved.wait()
            self._some_moved.clear()
            moved, self._moved = list(self._moved), {}
            await self._tell_places(moved)

    async def _tell_places(self, cases: Sequence[CaseId]) -> None:
        for start in range(0, len(cases), PLACES_AT_ONCE):
            part = cases[start : start + PLACES_AT_ONCE]
            places = await self._services.conversations.waiting(part)
            for case in places:
                for connection in self._hub.followers(case):
                    connection.waiting_changed(places)
            await asyncio.sleep(0)

    async def _tick(self) -> Never:
        """A sign of life: a window that hears nothing for 2.5 beats reconnects."""
        while True:
            await asyncio.sleep(self._house.heartbeat)
            for done, connection in enumerate(self._hub, start=1):
                connection.post(_TICK)
                connection.look()
                if done % A_FEW == 0:
                    await asyncio.sleep(0)

    # -- what the node wants ----------------------------------------------------------------

    async def send(self, out: Outbound) -> Receipt:
        """The message is on disk already: hand it to whoever is connected.

        Delivered if a window took it; otherwise sent, for it is there when the visitor returns.
        """
        message = out.message
        if message is None:
            return Receipt()
        given = [c.committed(message) for c in self._hub.followers(message.case)]
        delivery = Delivery.DELIVERED if any(given) else Delivery.SENT
        return Receipt(external_id=message.id, delivery=delivery)

    async def check(self) -> list[tuple[str, str | None]]:
        """There is no other side to connect to; only the address may be wrong."""
        served = f"served at {self._services.public_url}{PATH} as {self.name!r}"
        fix = None
        if not self._services.public_url.startswith(("http://", "https://")):
            fix = "http.public_url must be the http(s) address that visitors' browsers reach"
        sites = ", ".join(self._settings.origins) or "no other site than the node's own pages"
        return [(served, fix), (f"open to {sites}", None)]


def open_webchat(settings: Settings, services: Services) -> WebChat:
    """The channel, ready to be run."""
    return WebChat(settings, services)
