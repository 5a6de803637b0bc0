"""Agents who act on whatever they are given, through the product's client, and keep a log.

A task or a mail is accepted, answered once and wrapped up. In a chat each thing that the customer
says is answered, until the customer ends it. Every answer carries a mark.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from bench.load.control import Answer, serve
from bench.load.town.marks import mark_of, new_mark
from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import ItemId, OfferId
from gateway.core.model import ChannelKind, ItemState, Presence
from gateway.core.view import ItemView
from push.client import AgentClient
from push.protocol import ItemFrame, MessageFrame, OfferFrame, ServerFrame, Snapshot, StateFrame

LOOK_SECONDS = 0.05
SIGNING_IN_AT_ONCE = 16
LEAVE_SECONDS = 60.0
Entry = list[Any]
"""A line of a log: the time first."""


class Clerks:
    """All agents of this process."""

    def __init__(self) -> None:
        self.pace = (0.0, 0.1)
        self.dice = random.Random(23)
        self.offers: list[Entry] = []
        """[time, item, agent, mark in the subject, node]"""
        self.accepted: list[Entry] = []
        """[time, item, agent]"""
        self.gone: list[Entry] = []
        """[time, item, agent]: it has left these hands, by whatever way."""
        self.answered: list[Entry] = []
        """[time, item, agent, mark, kind]"""
        self.wrapped: list[Entry] = []
        """[time, item, agent]"""
        self.outages: list[Entry] = []
        """[lost, back, agent, node it was lost at]; back is null while it lasts."""
        self.problems: Counter[str] = Counter()
        self._clerks: dict[str, Clerk] = {}
        self._hands: set[asyncio.Future[None]] = set()
        self._watch: asyncio.Future[None] | None = None

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "sign_in":
                return await self._sign_in(**said)
            case "sign_off":
                return await self._sign_off(**said)
            case "how":
                return self._how()
            case "log":
                return self._log()
            case other:
                raise ValueError(f"clerks cannot {other!r}")

    async def _sign_in(self, people: list[list[Any]], pace: list[float]) -> Answer:
        """``people``: [name, token, urls]; answers when all are in sync and ready."""
        self.pace = (pace[0], pace[1])
        began = time.monotonic()
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._look())
        waiting = iter(people)

        async def some() -> None:
            for name, token, urls in waiting:
                clerk = Clerk(self, name)
                clerk.client = AgentClient(urls, token, name="town", on_frame=clerk.see)
                await clerk.client.__aenter__()
                await clerk.client.in_sync()
                self._clerks[name] = clerk
                await clerk.client.ready()

        async with asyncio.TaskGroup() as group:
            for _ in range(SIGNING_IN_AT_ONCE):
                group.create_task(some())
        return {"seconds": time.monotonic() - began}

    async def _sign_off(self, names: list[str]) -> Answer:
        """They take nothing new, finish what they have, and go; answers who could not."""
        late: list[str] = []

        async def one(name: str) -> None:
            clerk = self._clerks[name]
            clerk.leaving = True
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await clerk.client.not_ready("going home")
                    await clerk.client.until(lambda desk: not (desk.items or desk.offers))
            except (TimeoutError, GatewayError):
                clerk.leaving = False
                self.spawn(clerk.be_ready())
                late.append(name)
            else:
                del self._clerks[name]
                await clerk.client.__aexit__(None, None, None)

        await asyncio.gather(*(one(name) for name in names))
        return {"late": late}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; a refusal is counted, not lost."""
        hand = asyncio.get_running_loop().create_task(self._guard(work))
        self._hands.add(hand)
        hand.add_done_callback(self._hands.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refused as refused:
            self.problems[f"refused: {refused.code}"] += 1
        except GatewayError as error:
            self.problems[f"{type(error).__name__}: {error}"] += 1

    async def _look(self) -> None:
        """Note when a desktop is out of sync, and when it is back."""
        out: dict[str, Entry] = {}
        while True:
            now = time.monotonic()
            for name, clerk in self._clerks.items():
                online = clerk.client.online
                if not online and name not in out:
                    welcome = clerk.client.desktop.welcome
                    out[name] = [now, None, name, welcome.node if welcome else ""]
                    self.outages.append(out[name])
                elif online and name in out:
                    out.pop(name)[1] = now
            await asyncio.sleep(LOOK_SECONDS)  # seen as a person would: no event tells of it

    def _how(self) -> Answer:
        desks = [clerk.client for clerk in self._clerks.values()]
        nodes = Counter(d.desktop.welcome.node for d in desks if d.online and d.desktop.welcome)
        return {
            "here": {
                name: c.client.desktop.welcome.node
                for name, c in self._clerks.items()
                if c.client.online and c.client.desktop.welcome
            },
            "nodes": dict(nodes),
            "offline": sum(not d.online for d in desks),
            "in_hand": sum(len(d.desktop.items) + len(d.desktop.offers) for d in desks),
            "at_work": len(self._hands),
        }

    def _log(self) -> Answer:
        return {
            "offers": self.offers,
            "accepted": self.accepted,
            "gone": self.gone,
            "answered": self.answered,
            "wrapped": self.wrapped,
            "outages": self.outages,
            "problems": dict(self.problems),
        }


class Clerk:
    """One agent's manner of working."""

    def __init__(self, all_of_them: Clerks, name: str) -> None:
        self.client: AgentClient
        self.leaving = False
        self._all = all_of_them
        self._name = name
        self._taking: set[OfferId] = set()
        self._busy: set[ItemId] = set()
        self._held: set[ItemId] = set()
        self._owed: Counter[ItemId] = Counter()
        """Answers that are due."""

    def see(self, frame: ServerFrame) -> None:
        match frame:
            case OfferFrame(offer=offer, item=item):
                self._offered(offer, item)
            case Snapshot():
                self._begin(frame)
            case ItemFrame(item=item, gone=True):
                self._lost(item.id)
            case ItemFrame(item=item):
                self._has(item)
            case MessageFrame(item=of, message=message) if message.direction == "in":
                self._heard(of)
            case StateFrame(state=Presence.NOT_READY) if not self.leaving:
                self._all.spawn(self.be_ready())
            case _:
                pass

    def _begin(self, frame: Snapshot) -> None:
        for one in frame.offers:
            self._offered(one.offer, one.item)
        for item in frame.items:
            self._has(item)
        for left in self._held - {item.id for item in frame.items}:
            self._lost(left)

    def _heard(self, item: ItemId) -> None:
        if item in self._held:
            self._owed[item] += 1
            self._work(item)

    async def be_ready(self) -> None:
        await self.client.ready()

    def _offered(self, offer: OfferId, item: ItemView) -> None:
        if offer in self._taking:
            return
        self._taking.add(offer)
        welcome = self.client.desktop.welcome
        node = welcome.node if welcome else ""
        entry = [time.monotonic(), item.id, self._name, mark_of(item.subject), node]
        self._all.offers.append(entry)
        self._all.spawn(self._take(offer))

    async def _take(self, offer: OfferId) -> None:
        try:
            await self._pause()
            if offer in self.client.desktop.offers:
                await self.client.accept(offer)
        finally:
            self._taking.discard(offer)

    def _has(self, item: ItemView) -> None:
        if item.state not in {ItemState.ASSIGNED, ItemState.WRAPPING}:
            return
        if item.id not in self._held:
            self._held.add(item.id)
            self._all.accepted.append([time.monotonic(), item.id, self._name])
            self._owed[item.id] = int(item.state is ItemState.ASSIGNED)
        self._work(item.id)

    def _lost(self, item: ItemId) -> None:
        if item in self._held:
            self._held.discard(item)
            self._owed.pop(item, None)
            self._all.gone.append([time.monotonic(), item, self._name])

    async def _pause(self) -> None:
        await asyncio.sleep(self._all.dice.uniform(*self._all.pace))  # as people take time

    def _work(self, item: ItemId) -> None:
        if item not in self._busy:
            self._busy.add(item)
            self._all.spawn(self._finish(item))

    async def _finish(self, item: ItemId) -> None:
        try:
            while await self._next_step(item):
                pass
        finally:
            self._busy.discard(item)

    async def _next_step(self, item: ItemId) -> bool:
        """Do what is due now; whether it may be that something more is."""
        await self._pause()
        view = self.client.desktop.items.get(item)
        if view is None or item not in self._held:
            return False
        if view.state is ItemState.ASSIGNED and self._owed[item] > 0:
            owed, said = self._owed[item], new_mark()
            await self.client.send(item, f"answer {said}")
            self._all.answered.append([time.monotonic(), item, self._name, said, view.kind])
            self._owed[item] -= owed
            return True
        chatting = view.kind is ChannelKind.WEBCHAT and view.state is ItemState.ASSIGNED
        if chatting or view.state not in {ItemState.ASSIGNED, ItemState.WRAPPING}:
            return False
        await self.client.wrapup(item, "done")
        self._all.wrapped.append([time.monotonic(), item, self._name])
        return False


if __name__ == "__main__":
    serve(lambda: Clerks().perform)
