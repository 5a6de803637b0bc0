"""One socket of a visitor: carries out what its session asks for."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, assert_never
from uuid import uuid4

from msgspec.structs import replace

from channels.webchat.cards import files_card
from channels.webchat.effects import (
    Bring,
    Effect,
    Enter,
    Entered,
    Greet,
    Leave,
    Load,
    Mark,
    Post,
    Typed,
)
from channels.webchat.house import House
from channels.webchat.pace import Bucket
from channels.webchat.presence import Presence
from channels.webchat.protocol import (
    ERROR_CODES,
    HELLO_SECONDS,
    Brought,
    Close,
    End,
    Error,
    Hello,
    Site,
    encode,
)
from channels.webchat.session import Session
from channels.webchat.translate import Person, inbound_of
from channels.webchat.visitor import (
    BadIdentity,
    Identity,
    Visitor,
    identify,
    issue,
    recognise,
    returning,
)
from gateway.core.calendars import Closed
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, MessageId
from gateway.core.model import Delivery, Item, Message
from gateway.ports import Socket, SocketClosed

log = logging.getLogger(__name__)

PAGE = 200
FRAMES_PER_SECOND = 20.0
FRAMES_AT_ONCE = 60.0
TRY_AGAIN_SECONDS = 2.0


class Connection:
    """Reads one frame after the other, and one after the other takes them to the intake.

    A visitor who writes faster than the node commits waits in the socket, not in memory. What
    the feed brings is posted at once, from ``committed`` and its siblings, which never wait.
    """

    def __init__(self, house: House, socket: Socket) -> None:
        self._house = house
        self._socket = socket
        files = house.settings.files.per_message
        self._session = Session(
            house.services.agent_name, self._closed, house.calls, files, self._question
        )
        self._frames = Bucket(FRAMES_AT_ONCE, FRAMES_PER_SECOND, house.services.clock.monotonic())
        self._identity: Identity | None = None
        self._over = False
        self._presence = Presence(house, self._session)

    # -- the reader -------------------------------------------------------------------------

    async def serve(self) -> None:
        """Until the connection ends."""
        hub = self._house.hub
        hub.add(self, self._socket.remote)
        try:
            await self._read()
        except SocketClosed:
            pass
        except Exception:  # one visitor's trouble: named, logged, and only theirs
            log.exception("chat connection failed", extra={"channel": self._house.settings.name})
            await self.leave(Close.INTERNAL, "a fault of ours; please reconnect")
        finally:
            self._over = True
            hub.remove(self)
            self._carry(self._session.gone())
            self._presence.gone(self._person())

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                text = await self._socket.receive()
        except TimeoutError:
            await self.leave(Close.BAD_HELLO, "no hello within five seconds")
            return
        clock = self._house.services.clock
        while True:
            await self._carry_out(self._session.receive(text))
            text = await self._socket.receive()
            if wait := self._frames.take(clock.monotonic()):
                await asyncio.sleep(wait)

    async def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Greet(hello=hello):
                    await self._greet(hello)
                case Enter(conversation=conversation):
                    await self.enter(conversation)
                    self._bring_tabs(conversation)
                case Bring(said=said):
                    await self._bring(said)
                case _:
                    self._carry((effect,))

    # -- who and where ----------------------------------------------------------------------

    async def _greet(self, hello: Hello) -> None:
        settings, services = self._house.settings, self._house.services
        if hello.channel != settings.name:  # where this is the only chat, nobody has looked yet
            await self.leave(Close.BAD_HELLO, "no such channel")
            return
        now = services.clock.now()
        if hello.identity:
            try:
                self._identity = identify(settings.identity_key, settings.name, hello.identity, now)
            except BadIdentity as bad:
                error = Error(re=None, code="bad_frame", detail=str(bad), field="identity")
                self.post(encode(error))
        token = hello.visitor or ""
        known = recognise(services.secret, settings.name, token, now) if token else None
        account = self._identity.account if self._identity else None
        same = returning(known, self._identity)
        visitor = same or Visitor(id=str(uuid4()), account=account)
        self._house.hub.know(self, visitor.id)
        conversation = await self._conversation_of(visitor)
        await self._entered(visitor, conversation, anew=bool(token) and same is None)

    async def _conversation_of(self, visitor: Visitor) -> CaseId | None:
        """Where this visitor goes on: the open conversation, else the last one."""
        services, name = self._house.services, self._house.settings.name
        names = [("visitor", visitor.id)]
        if visitor.account:
            names.insert(0, ("account", visitor.account))
        for kind, value in names:
            case = await services.conversations.open_case_of(kind, value, name)
            if case is not None:
                return case.id
        return visitor.conversation

    async def enter(self, conversation: CaseId) -> None:
        """Go over to a conversation that has begun, here or in another tab."""
        if self._session.visitor is not None:
            await self._entered(self._session.visitor, conversation)

    async def _entered(
        self, visitor: Visitor, conversation: CaseId | None, *, anew: bool = False
    ) -> None:
        """Follow first, then read: what is committed in between is seen at least once."""
        house, services = self._house, self._house.services
        case = item = waiting = None
        promises: list[Item] = []
        if conversation is not None:
            house.hub.follow(self, conversation)
            case = await services.conversations.case(conversation)
            places = await services.conversations.waiting((conversation,))
            waiting = places.get(conversation)
            item = await services.conversations.item_of(conversation)
            promises = await services.conversations.promises_of(conversation)
        known = frozenset[str]()
        if case is not None and case.customer is not None:
            known = await services.conversations.known_as(case.customer.id)
        bound = Visitor(
            id=visitor.id, account=visitor.account, conversation=case.id if case else None
        )
        locale = self._session.hello.locale if self._session.hello else ""
        words = house.settings.words(locale)
        entered = Entered(
            visitor=bound,
            token=issue(services.secret, house.settings.name, bound, services.clock.now()),
            site=Site(
                title=words.title,
                greeting=words.greeting,
                locale=house.settings.locale,
                offline_email=house.settings.offline_email,
                files=files_card(house.settings.files),
                consent=words.consent,
                ask=house.settings.ask,
            ),
            heartbeat=house.heartbeat,
            case=case,
            known=known,
            item=item,
            promises=tuple(promises),
            waiting=waiting,
            anew=anew,
            peers=services.peers(),
        )
        self._carry(self._session.entered(entered))
        self._here()

    def _bring_tabs(self, conversation: CaseId) -> None:
        """The visitor's other tabs go to the new conversation too."""
        visitor = self._session.visitor
        for tab in self._house.hub.tabs(visitor.id) if visitor else ():
            if tab is not self:
                self._house.spawn(tab.guarded(tab.enter(conversation)))

    # -- what the visitor says --------------------------------------------------------------

    async def _bring(self, said: Brought) -> None:
        clock, visitor = self._house.services.clock, self._session.visitor
        if not isinstance(said, End) and visitor is not None:
            wait = self._house.messages.take(visitor.id, clock.monotonic())
            if wait:
                detail = f"at most {self._house.settings.per_minute} messages a minute"
                self._carry(self._session.refused(said, "too_fast", detail, round(wait, 1)))
                return
        await self._carry_out(await self._decide(said))

    async def _decide(self, said: Brought) -> list[Effect]:
        """To the intake, and back when it is on disk what became of it."""
        session, services = self._session, self._house.services
        person = self._person()
        if person is None:
            raise AssertionError("nothing can be said before the visitor is known")
        about = session.item.id if session.item else session.conversation or ""
        here, now = session.conversation, services.clock.now()
        inbound = inbound_of(self._house.settings, person, said, here, about, now)
        inbound = replace(inbound, origin=self._socket.remote)
        try:
            (accepted,) = await services.intake.receive([inbound])
            decided = await services.intake.decided(accepted)
        except Refused as refused:
            code = refused.code if refused.code in ERROR_CODES else "refused"
            after = TRY_AGAIN_SECONDS if code == "unavailable" else None
            return session.refused(said, code, refused.detail, after)
        return session.decided(said, decided)

    def _person(self) -> Person | None:
        """Who this is; ``None`` before the greeting."""
        visitor, hello = self._session.visitor, self._session.hello
        if visitor is None or hello is None:
            return None
        return Person(visitor=visitor, identity=self._identity, hello=hello)

    def _here(self) -> None:
        if not self._over:
            self._presence.here(self._person())

    # -- what the node tells ----------------------------------------------------------------

    def committed(self, message: Message) -> bool:
        """A message of the followed conversation; true once this connection has been given it."""
        self._carry(self._session.committed(message))
        return not self._over and self._session.position >= message.seq

    def look(self) -> None:
        """Time has passed."""
        self._carry(self._session.look())
        self._here()

    def _closed(self, item: Item | None) -> Closed | None:
        queue = self._house.settings.queue if item is None else item.queue
        return self._house.services.closed(queue)

    def amended(self, seq: int) -> None:
        """A message of the followed conversation says something else now, or nothing."""
        self._carry(self._session.amended(seq))

    def _question(self) -> str | None:
        """What the visitor is asked when the chat has ended; ``None``: nothing."""
        hello, settings = self._session.hello, self._house.settings
        return settings.words(hello.locale if hello else "").question if settings.survey else None

    def said_elsewhere(self, seq: int) -> None:
        """Another node has added a message to the followed conversation."""
        self._carry(self._session.said_elsewhere(seq))

    def moved_elsewhere(self, item: Item | None, promises: Sequence[Item] = ()) -> None:
        """Another node has moved the conversation's item, or ended it."""
        self._carry(self._session.promises_are(promises))
        self._carry(self._session.item_changed(item) if item else self._session.item_ended())
        self._here()

    def item_changed(self, item: Item) -> None:
        self._carry(self._session.item_changed(item))
        self._here()

    def delivery_changed(self, message: MessageId, delivery: Delivery) -> None:
        self._carry(self._session.delivery_changed(message, delivery))

    def agent_typing(self, who: str, *, on: bool) -> None:
        self._carry(self._session.agent_typing(who, on=on))

    @property
    def queued(self) -> CaseId | None:
        """The conversation, while it waits for someone."""
        return self._session.conversation if self._session.queued else None

    def waiting_changed(self, places: Mapping[CaseId, tuple[int, float]]) -> None:
        """Others left the queue or came: tell the new place, if this one waits."""
        if (case := self.queued) is not None and case in places:
            self._carry(self._session.waiting_changed(places[case]))

    # -- effects that do not wait -----------------------------------------------------------

    def _carry(self, effects: Sequence[Effect]) -> None:
        services = self._house.services
        for effect in effects:
            match effect:
                case Post(frame=frame):
                    self.post(encode(frame))
                case Mark(message=message, delivery=delivery):
                    services.delivered(message, delivery, "")
                case Typed(conversation=conversation, on=on):
                    who = self._person_name()
                    services.signals.typing(conversation, who, on=on, by_customer=True)
                case Load():
                    self._house.spawn(self.guarded(self._load(effect)))
                case Leave(code=code, reason=reason):
                    self._house.spawn(self.guarded(self.leave(code, reason)))
                case Greet() | Enter() | Bring():
                    raise AssertionError(f"{effect} waits; only the reader may carry it out")
                case _:
                    assert_never(effect)

    def post(self, frame: str) -> None:
        """Write an encoded frame, unless the connection is over."""
        if self._over:
            return
        try:
            self._socket.post(frame)
        except SocketClosed:
            self._over = True

    def _person_name(self) -> str:
        hello = self._session.hello
        claimed = hello.profile.name if hello and hello.profile else ""
        return self._identity.name if self._identity and self._identity.name else claimed

    async def _load(self, load: Load) -> None:
        async with self._house.loads:
            if self._over:
                return
            messages = await self._house.services.conversations.messages(
                load.conversation, load.after, customer_view=True, limit=PAGE
            )
        more = len(messages) >= PAGE
        self._carry(self._session.loaded(load.conversation, messages, more=more))

    async def guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Something done beside the reader: its failure ends this connection, no other."""
        try:
            await work
        except SocketClosed:
            self._over = True
        except Exception:  # named, logged, and only this visitor's; they reconnect and resume
            log.exception("chat connection failed", extra={"channel": self._house.settings.name})
            await self.leave(Close.INTERNAL, "a fault of ours; please reconnect")

    async def leave(self, code: Close, reason: str) -> None:
        """Close; the visitor's window comes back by itself unless the code forbids it."""
        if not self._over:
            self._over = True
            await self._socket.close(code, reason)
