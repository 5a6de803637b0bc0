"""Channels as the node knows them, in front of the world outside. One set per life."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal, Never

from msgspec import Struct

from gateway.cluster.seats import Seat, UnderDuty
from gateway.core import events as e
from gateway.core.errors import OutcomeUnknown, Refused, StoodDown, TryAgain
from gateway.core.ids import CaseId, ChannelName, SkillName
from gateway.core.inbound import Claim, Inbound
from gateway.core.model import ChannelKind, Message
from gateway.core.owed import CallbackWish
from gateway.flow.node import Node
from gateway.ports import Accepted, Clock, Intake, Limits, Memory, Outbound, Receipt
from gateway.store.contract import Unavailable
from tests.sim.house import NUMBER
from tests.sim.outside import CALL, CALL_LATER, END, Filed, Mail, Outside, Post, Visitor
from tests.sim.promises import Causes
from tests.sim.questions import ANSWERS
from tests.support.builders import MAIL, OFFICE, SITE
from tests.support.simworld import Life


class Whereabouts:
    """At which node the outside turns up: a visitor, who files tasks. Here: always this one."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def has(self, node: Node, who: str) -> bool:
        return True

    def listen(self, listener: Callable[[], None]) -> None:
        """Be told when somebody turns up at another node."""
        self._listeners.append(listener)

    def changed(self) -> None:
        for listener in self._listeners:
            listener()


class Scene(Struct, frozen=True):
    """What every channel of a life has at hand."""

    life: Life
    node: Node
    clock: Clock
    outside: Outside
    causes: Causes
    dice: random.Random
    trouble: Callable[[], float]
    fault: Callable[[str], None]
    whereabouts: Whereabouts

    def mine(self, who: str) -> bool:
        return self.life.alive and self.whereabouts.has(self.node, who)


class _Channel:
    name: ChannelName
    kind: ChannelKind
    limits = Limits()

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.intake: Intake = scene.node.intake
        self._something = asyncio.Event()
        scene.outside.listen(self._something.set)
        scene.whereabouts.listen(self._something.set)

    async def until(self, there_is: Callable[[], object]) -> None:
        """There is something to do; nobody turns up for nothing, which would cost most of a day."""
        while not there_is():
            self._something.clear()
            await self._something.wait()

    async def run(self, ready: Callable[[], None] = lambda: None) -> Never:
        raise NotImplementedError

    async def store(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        """Until it is on disk; while the journal is away it is held back at the source."""
        while True:
            try:
                return list(await self.intake.receive(inbounds, memory))
            except Refused:
                await asyncio.sleep(self.scene.dice.uniform(0.05, 0.5))

    async def bring(self, out: Outbound, identity: str, post: Post) -> Receipt:
        """One attempt with all that can happen to it."""
        life, dice = self.scene.life, self.scene.dice
        await life.step(f"send.{self.kind}.begin")
        self.scene.causes.attempt(out)
        fate = dice.random()
        await asyncio.sleep(dice.uniform(0.0, 0.3))
        if fate < self.scene.trouble():
            self.scene.fault("delivery refused")
            raise TryAgain("not now")
        if fate < 2 * self.scene.trouble():
            self.scene.fault("delivery unknown")
            post.doubt(identity)
            if dice.random() < 0.5 and life.alive:
                post.arrive(identity, repeat=out.repeat, life=life.number)
            raise OutcomeUnknown("the answer was lost")
        await life.step(f"send.{self.kind}.arrive")
        post.arrive(identity, repeat=out.repeat, life=life.number)
        await life.step(f"send.{self.kind}.end")
        return Receipt(external_id=f"{identity}@there")


class MailChannel(_Channel):
    """A mailbox that keeps mail until it is flagged; sends may have unknown outcomes.

    Of several nodes that one reads which has the duty: it has taken a seat.
    """

    name, kind = MAIL, ChannelKind.EMAIL
    seat: Seat | None = None

    def sit(self, seat: Seat, under_duty: UnderDuty) -> None:
        """Read only while it is our turn, and store only under the duty."""
        self.seat, self.intake = seat, under_duty

    async def run(self, ready: Callable[[], None] = lambda: None) -> Never:
        if self.seat is None:
            await self._read()
        while True:
            await self.seat.turn()
            with suppress(StoodDown):
                await self.seat.work(lambda _term: self._read())

    async def _read(self) -> Never:
        scene = self.scene
        while True:
            await self.until(lambda: scene.life.alive and scene.outside.unseen())
            await asyncio.sleep(scene.dice.uniform(0.1, 2.0))
            if found := scene.outside.unseen()[: scene.dice.randint(1, 4)]:
                inbounds = [self._translate(mail) for mail in found]
                uid = found[-1].uid
                cursor = Memory(key="cursor", value=str(uid).encode(), progress=uid)
                await self.store(inbounds, cursor)
                for mail in found:
                    scene.life.do("mail.flag", lambda mail=mail: self._flag(mail))  # type: ignore[misc]

    def _flag(self, mail: Mail) -> None:
        self.scene.causes.stored(MAIL, mail.key)
        mail.seen = True

    def _translate(self, mail: Mail) -> Inbound:
        return Inbound(
            channel=MAIL,
            kind=ChannelKind.EMAIL,
            key=mail.key,
            at=self.scene.clock.now(),
            identity=Claim(kind="email", value=mail.sender, verified=mail.verified),
            subject=mail.subject,
            body=mail.body,
            references=mail.references,
            external_id=mail.message_id,
            address=mail.sender,
            machine=mail.machine,
        )

    async def send(self, out: Outbound) -> Receipt:
        assert out.message is not None
        return await self.bring(out, out.message.id, self.scene.outside.post)


class ChatChannel(_Channel):
    """Visitors who repeat what was not acknowledged, with the same id, and follow by ``seq``."""

    name, kind = SITE, ChannelKind.WEBCHAT

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        visitors = scene.outside.visitors
        self._news = {name: asyncio.Event() for name in visitors}
        self._signs = {name: asyncio.Event() for name in visitors}
        scene.node.ledger.subscribe(self._committed)
        scene.whereabouts.listen(self.look_all)
        scene.outside.listen(self.look_all)

    def _committed(self, entries: Sequence[e.Entry]) -> None:
        if any(isinstance(entry.event, e.MessageAdded | e.CustomerLeft) for entry in entries):
            self.look_all()

    def look_all(self) -> None:
        """Somebody may have said something, here or at another node."""
        for news in (*self._news.values(), *self._signs.values()):
            news.set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> Never:
        async with asyncio.TaskGroup() as group:
            for visitor in self.scene.outside.visitors.values():
                group.create_task(self._listen(visitor))
                group.create_task(self._show(visitor))
                group.create_task(self._attend(visitor))
        raise AssertionError

    async def _listen(self, visitor: Visitor) -> Never:
        scene = self.scene
        while True:
            await self.until(lambda: visitor.unsent and self._has(visitor))
            await asyncio.sleep(scene.dice.uniform(0.2, 1.2))
            if visitor.unsent and self._has(visitor):
                await self._take(visitor, *visitor.unsent[0])

    async def _take(self, visitor: Visitor, client_id: str, body: str) -> None:
        scene = self.scene
        ends = body == END
        conversation = CaseId(visitor.conversation) if visitor.conversation else None
        inbound = Inbound(
            channel=SITE,
            kind=ChannelKind.WEBCHAT,
            key=f"{visitor.name}:{client_id}",
            at=scene.clock.now(),
            identity=Claim(kind="visitor", value=visitor.name, verified=True),
            body="" if ends else body,
            conversation=conversation,
            client_id=client_id,
            attributes={"chat": "ended"} if ends else {},
            callback=self._wish(body),
        )
        (accepted,) = await self.store([inbound])

        def acknowledge() -> None:
            scene.causes.stored(SITE, inbound.key)
            if visitor.unsent[:1] == [(client_id, body)]:  # else a second node was as quick
                visitor.unsent.pop(0)
                visitor.acknowledged.append(client_id)
                if decided.status == "ignored":
                    visitor.refused.add(client_id)
                elif inbound.callback is not None:
                    assert decided.item is not None
                    scene.causes.item(decided.item)
                    visitor.wishes[client_id] = decided.item

        decided = await scene.node.intake.decided(accepted)
        scene.life.do("chat.ok", acknowledge)
        if scene.life.alive and decided.case and decided.case != visitor.conversation:
            scene.causes.case(decided.case)
            visitor.conversation, visitor.seq = decided.case, 0
            visitor.shown = []
            self._news[visitor.name].set()

    def _wish(self, body: str) -> CallbackWish | None:
        if body not in (CALL, CALL_LATER):
            return None
        seconds = self.scene.dice.uniform(3.0, 12.0) if body == CALL_LATER else None
        at = self.scene.clock.now() + timedelta(seconds=seconds) if seconds else None
        return CallbackWish(number=NUMBER, at=at)

    async def _show(self, visitor: Visitor) -> Never:
        scene, news = self.scene, self._news[visitor.name]
        news.set()
        while True:
            await news.wait()
            news.clear()
            await asyncio.sleep(scene.dice.uniform(0.1, 0.5))
            if visitor.conversation is None or not self._has(visitor):
                continue
            case = CaseId(visitor.conversation)
            try:
                found = await scene.node.conversations.messages(
                    case, visitor.seq, customer_view=True
                )
            except Unavailable:
                news.set()
                continue
            for message in found:
                known = visitor.conversation != case or message.seq <= visitor.seq
                if not known and scene.life.passes("chat.message"):
                    scene.causes.message(message.id)
                    visitor.shown.append(message.seq)
                    visitor.seq = message.seq
                    self._answer(visitor, message)

    def _answer(self, visitor: Visitor, message: Message) -> None:
        """Who is given answers to choose from takes one, says something else, or nothing."""
        labels, dice = message.quick_replies, self.scene.dice
        if labels and dice.random() < 0.7:
            self.scene.outside.say(visitor, dice.choice([*labels, *labels, *ANSWERS]))

    def _has(self, visitor: Visitor) -> bool:
        """Whether there is a window at this node."""
        return visitor.there and self.scene.mine(visitor.name)

    async def _attend(self, visitor: Visitor) -> Never:
        """As a chat's connections do: a window that goes is told of once; and that there is one,
        as long as somebody says otherwise.
        """
        scene, news = self.scene, self._signs[visitor.name]
        had = False
        while True:
            await news.wait()
            news.clear()
            case, has = visitor.conversation, self._has(visitor)
            if had and not has and scene.life.alive and case is not None:
                with suppress(Refused):
                    await self._sign(visitor, "left", CaseId(case))
            had = has
            if has and case is not None:
                try:
                    item = await scene.node.conversations.item_of(CaseId(case))
                    if item is not None and item.gone is not None:
                        await self._sign(visitor, "back", CaseId(case))
                except (Refused, Unavailable):
                    await asyncio.sleep(0.5)
                    news.set()

    async def _sign(self, visitor: Visitor, sign: Literal["left", "back"], case: CaseId) -> None:
        visitor.signs += 1
        inbound = Inbound(
            channel=SITE,
            kind=ChannelKind.WEBCHAT,
            key=f"{visitor.name}:{sign}:{visitor.signs}",
            at=self.scene.clock.now(),
            identity=Claim(kind="visitor", value=visitor.name, verified=True),
            conversation=case,
            address=visitor.name,
            sign=sign,
        )
        await self.intake.receive([inbound])

    async def send(self, out: Outbound) -> Receipt:
        raise AssertionError("a chat has no outbox")


class TaskChannel(_Channel):
    """Another system that files tasks with idempotency keys and is called back."""

    name, kind = OFFICE, ChannelKind.TASK

    async def run(self, ready: Callable[[], None] = lambda: None) -> Never:
        scene = self.scene
        while True:
            await self.until(scene.outside.unfiled)
            await asyncio.sleep(scene.dice.uniform(0.1, 1.5))
            for task in scene.outside.unfiled():
                if self._is_tried_here(task):
                    await self._file(task)

    def _is_tried_here(self, task: Filed) -> bool:
        """Who filed it may repeat it anywhere; what is new comes to whoever has the duty."""
        known = (OFFICE, task.key) in self.scene.causes.inbox
        return self.scene.mine(OFFICE) or (known and self.scene.dice.random() < 0.3)

    async def _file(self, task: Filed) -> None:
        scene = self.scene
        inbound = Inbound(
            channel=OFFICE,
            kind=ChannelKind.TASK,
            key=task.key,
            at=scene.clock.now(),
            subject=task.title,
            body=task.title,
            skills={SkillName(task.skill): 1} if task.skill else {},
            address=f"https://erp.example.org/{task.key}",
            client_id=task.key,
        )
        (accepted,) = await self.store([inbound])
        decided = await scene.node.intake.decided(accepted)

        def created() -> None:
            assert decided.item is not None
            scene.causes.stored(OFFICE, task.key)
            scene.causes.item(decided.item)
            task.acknowledged = decided.item

        scene.life.do("task.201", created)

    async def send(self, out: Outbound) -> Receipt:
        identity = out.message.id if out.message is not None else out.id
        receipt = await self.bring(out, identity, self.scene.outside.post)
        if self.scene.life.alive and out.purpose == "status":
            key = out.address.rsplit("/", 1)[1]
            self.scene.outside.tasks[key].told.append(str(out.payload["event"]))
        return receipt
