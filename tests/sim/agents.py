"""Agents at their desktops: they connect, work, lose the connection, and repeat themselves."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.core import commands as c
from gateway.core.ids import AgentName, AttachmentId, CaseId, CommandId, CustomerId, ItemId
from gateway.core.model import ItemState, Presence
from gateway.core.view import ItemView
from gateway.ports import Clock, SocketClosed
from push.protocol import Error, Hello, Ok, Welcome, decode_server
from push.reducer import Desktop, Verdict
from tests.sim.colleagues import ALL, Asks, Ear, nothing_said
from tests.sim.house import MACROS, NUMBER, SECRET
from tests.support.builders import GENERAL, MAIL
from tests.support.simworld import Promise, Wire

AWAY_SECONDS = ((2.0, 12.0), (25.0, 45.0))
"""For a moment, or for about as long as a chat's grace lasts."""
AGAIN = frozenset({"unavailable", "too_many"})


class Seen(Struct):
    """What any of the agents has had on the screen: by lists and searches all know of it."""

    cases: dict[CaseId, None] = field(default_factory=dict)
    items: dict[ItemId, None] = field(default_factory=dict)
    customers: dict[CustomerId, None] = field(default_factory=dict)


class Door(Struct):
    """Where to connect, ``None`` while nobody is there; where to bring a file before it is sent.

    One agent's node may be away while those of others are there; ``unreachable`` are the URLs
    that a desktop has tried in vain.
    """

    upload: Callable[[AgentName], AttachmentId]
    connect: Callable[[AgentName], Wire | None] | None = None
    may_compose: Callable[[AgentName], bool] = lambda _name: True
    colleagues: tuple[AgentName, ...] = ()
    seen: Seen = field(default_factory=Seen)
    chats: Asks = nothing_said
    unreachable: Callable[[AgentName], tuple[str, ...]] = lambda _name: ()


class Agent:
    """One desktop; an agent may have several. ``calm`` ones finish what is there, no more."""

    def __init__(
        self,
        label: str,
        dice: random.Random,
        door: Door,
        clock: Clock,
        fault: Callable[[str], None],
    ) -> None:
        self.label = label
        self.name = AgentName(label.partition("'")[0])
        self.desktop = Desktop()
        self.ear = Ear(self.name)
        self.calm = False
        self.connected = False
        self.asked: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self._dice = dice
        self._door = door
        self._clock = clock
        self._fault = fault
        self._pending: dict[CommandId, Any] = {}
        self._again: dict[CommandId, None] = {}
        self._moods: dict[str, float] = {}
        self._busy_with: dict[str, CommandId] = {}
        self._unsent: list[AttachmentId] = []
        self._count = 0
        self._next_act = 0.0

    @property
    def idle(self) -> bool:
        return self.connected and not self._pending

    # -- the connection ---------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.02, 1.5))
            if self._door.connect is None:
                continue
            wire = self._door.connect(self.name)
            if wire is None:
                continue
            wire.to_server.put(self._hello())
            try:
                await self._talk(wire)
            except SocketClosed:
                self.connected = False
                if not self.calm and self._dice.random() < 0.15:
                    self._fault("desktop away")
                    await asyncio.sleep(self._dice.uniform(*self._dice.choice(AWAY_SECONDS)))

    def _hello(self) -> str:
        hello = Hello(
            token=self.name,
            versions=(1,),
            resume=self.desktop.resume_from,
            client="sim",
            pending=tuple(self._pending),
            unreachable=self._door.unreachable(self.name),
        )
        return msgspec.json.encode(hello).decode()

    async def _talk(self, wire: Wire) -> None:
        while True:
            self._next_act = max(self._next_act, self._clock.monotonic())
            text = await wire.to_client.get_before(self._next_act)
            if text is None:
                self._next_act = self._clock.monotonic() + self._dice.uniform(0.3, 4.5)
                if not self.calm and self._dice.random() < 0.015:
                    self._fault("desktop cut off")
                    wire.close(1001)
                elif self.connected:
                    self._repeat(wire)
                    self._act(wire)
            else:
                self._hear(wire, text)

    def _hear(self, wire: Wire, text: str) -> None:
        frame = decode_server.decode(text)
        verdict = self.desktop.apply(frame)
        if verdict in (Verdict.GAP, Verdict.STALE, Verdict.DUPLICATE):
            raise Promise(f"{self.name} was sent a frame with a {verdict}: {text}")
        self.ear.hear(frame, self._door.chats)
        match frame:
            case Welcome():
                self.connected = True
                self._again.clear()
                for command in list(self._pending.values()):
                    wire.to_server.put(msgspec.json.encode(command).decode())
            case Error(re=command_id, code=code) if code in AGAIN and command_id:
                self._again[command_id] = None
            case Ok(re=command_id) | Error(re=command_id):
                command = self._pending.pop(command_id, None) if command_id else None
                if command_id is None or command is None:
                    raise Promise(f"{self.name} got an answer that nobody asked for: {text}")
                self.answers[command_id] = frame
                if isinstance(frame, Error) and isinstance(command, c.Send):
                    if frame.field == "attachments":
                        raise Promise(f"{self.name} cannot send files of their own: {text}")
                    self._unsent += command.attachments
            case _:
                pass

    def _repeat(self, wire: Wire) -> None:
        """What the node could not write just now is asked for again, under the same id."""
        for command_id in self._again:
            if command_id in self._pending:
                wire.to_server.put(msgspec.json.encode(self._pending[command_id]).decode())
        self._again.clear()

    # -- the work ---------------------------------------------------------------------------

    def _say(self, wire: Wire, about: str, make: Callable[[CommandId], Any]) -> None:
        """Ask for something, one thing at a time about each item."""
        if self._busy_with.get(about) in self._pending:
            return
        self._count += 1
        command_id = CommandId(f"{self.label}-{self._count:06}")
        command = make(command_id)
        self._pending[command_id] = self.asked[command_id] = command
        self._busy_with[about] = command_id
        wire.to_server.put(msgspec.json.encode(command).decode())

    def _act(self, wire: Wire) -> None:
        state = self.desktop.state
        if state is None:
            return
        if state.state is not Presence.READY and (self.calm or self._dice.random() < 0.5):
            self._say(wire, "state", lambda i: c.State(id=i, state="ready"))
        for offer in list(self.desktop.offers.values()):
            self._answer(wire, offer.offer)
        for item in list(self.desktop.items.values()):
            self._door.seen.cases[item.case.id] = self._door.seen.items[item.id] = None
            if item.customer is not None:
                self._door.seen.customers[item.customer.id] = None
            if self.calm or self._dice.random() < 0.6:
                self._work(wire, item)
        if not self.calm:
            for make in self._whims():
                self._say(wire, "whim", make)

    def _answer(self, wire: Wire, offer: Any) -> None:
        mood = self._moods.setdefault(offer, 0.0 if self.calm else self._dice.random())
        if mood < 0.75:
            self._say(wire, offer, lambda i: c.Accept(id=i, offer=offer))
        elif mood < 0.88:
            self._say(wire, offer, lambda i: c.Decline(id=i, offer=offer, reason="no"))

    def _whims(self) -> Iterator[Callable[[CommandId], Any]]:
        mood = self._dice.random()
        if mood < 0.02:
            yield lambda i: c.State(id=i, state="not_ready", reason="tea")
        elif mood < 0.04 and self._door.may_compose(self.name):
            # To nobody we know, or to a customer whose contacts may be another node's.
            customer = self._dice.choice([None, *self._door.seen.customers])
            yield lambda i: c.Compose(
                id=i,
                channel=MAIL,
                to="kim@example.org",
                customer=customer,
                subject="News",
                body=f"composed {i}",
            )
        elif mood < 0.08 and self._door.seen.cases:
            case = self._dice.choice(list(self._door.seen.cases))
            yield lambda i: c.Reopen(id=i, case=case)
        elif mood < 0.12 and self._door.seen.cases:
            case = self._dice.choice(list(self._door.seen.cases))
            yield lambda i: c.TagCase(id=i, case=case, add=(f"t{self._count % 5}",))
        elif mood < 0.16 and self._door.seen.items:
            item = self._dice.choice(list(self._door.seen.items))
            yield lambda i: c.Take(id=i, item=item)
        elif mood < 0.17 and self._door.seen.customers:
            whom = self._dice.choice(list(self._door.seen.customers))
            yield lambda i: c.AskCallback(id=i, customer=whom, number=NUMBER)
        elif mood < 0.18:
            yield lambda i: c.Send(id=i, item=ItemId("nothing"), body=f"nothing {i}")
        elif mood < 0.36 and self._door.colleagues:
            to = self._dice.choice([None, *self._door.colleagues])
            group = ALL if to is None else ""
            yield lambda i: c.Peer(id=i, agent=to, group=group, body=f"psst {i}")

    def _work(self, wire: Wire, item: ItemView) -> None:
        key = item.id
        match item.state:
            case ItemState.ASSIGNED if self.calm and item.callback:
                self._say(wire, key, lambda i: c.Wrapup(id=i, item=key, code="reached"))
            case ItemState.ASSIGNED if self.calm:
                self._say(wire, key, lambda i: self._send(i, key, "close"))
            case ItemState.ASSIGNED if self._dice.random() < 0.25:
                self._say(wire, key, self._dice.choice(list(self._debts(key))))
            case ItemState.ASSIGNED:
                self._say(wire, key, self._dice.choice(list(self._deeds(item))))
            case ItemState.SCHEDULED if not self.calm and self._dice.random() < 0.05:
                self._say(wire, key, lambda i: c.Resume(id=i, item=key))
            case ItemState.WRAPPING:
                self._say(wire, key, lambda i: c.Wrapup(id=i, item=key, code=self._code(item)))
            case ItemState.HELD if self.calm or self._dice.random() < 0.1:
                self._say(wire, key, lambda i: c.Resume(id=i, item=key))
            case _:
                pass

    def _code(self, item: ItemView) -> str:
        """How it ends; of a call-back, how the call went."""
        if not item.callback:
            return self._dice.choice(["done", "done", "broken"]) if item.promise else "done"
        if self.calm:
            return "reached"
        return self._dice.choice(["reached", "not_reached", "not_reached", "wrong_number"])

    def _debts(self, key: ItemId) -> Iterator[Callable[[CommandId], Any]]:
        """The customer is to be called, or promised something; or a macro does it all."""
        soon = self._clock.now() + timedelta(seconds=self._dice.uniform(2, 14))
        at = self._dice.choice([None, soon])
        yield lambda i: c.AskCallback(
            id=i, item=key, number=NUMBER, at=at, mine=self._dice.random() < 0.3
        )
        yield lambda i: c.MakePromise(id=i, item=key, text="a new part", due_at=soon)
        macro = self._dice.choice(MACROS).name
        yield lambda i: c.RunMacro(id=i, item=key, name=macro)
        yield lambda i: self._send(i, key, self._dice.choice([None, "wait", "close"]), SECRET)

    def _deeds(self, item: ItemView) -> Iterator[Callable[[CommandId], Any]]:
        key, code = item.id, self._code(item)
        until = self._clock.now() + timedelta(seconds=self._dice.uniform(1, 15))
        yield lambda i: self._send(i, key, None)
        yield lambda i: self._send(i, key, "wait")
        yield lambda i: self._send(i, key, "close")
        yield lambda i: self._send(i, key, "close")
        yield lambda i: c.Note(id=i, item=key, body=f"note {i}")
        yield lambda i: c.Park(id=i, item=key, until=until)
        yield lambda i: c.Transfer(id=i, item=key, queue=GENERAL)
        if self._door.colleagues:
            colleague = self._dice.choice(self._door.colleagues)
            yield lambda i: c.Transfer(id=i, item=key, agent=colleague)
        yield lambda i: c.Wrapup(id=i, item=key, code=code, note=f"wrap-up {i}")
        if self.desktop.messages.get(key):
            message = self.desktop.messages[key][-1].id
            yield lambda i: c.Read(id=i, item=key, message=message)

    def _send(self, command_id: CommandId, item: ItemId, then: Any, more: str = "") -> c.Send:
        """Some words, sometimes with a file: a new one, or one that could not be sent before."""
        files, self._unsent = self._unsent, []
        if not files and self._dice.random() < 0.3:
            files = [self._door.upload(self.name)]
        body = f"said {command_id} {more}"
        return c.Send(id=command_id, item=item, body=body, then=then, attachments=tuple(files))
