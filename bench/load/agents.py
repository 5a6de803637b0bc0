"""Agents who work: the product's own Python client, acting after one to three seconds each time.

Accept, then answer (a task gets a note, for nobody waits for words), then wrap up. Times of
offers whose subject carries a mark are kept.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from bench.load.control import Answer, serve
from bench.load.desktops import mark_in
from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import OfferId
from gateway.core.model import ChannelKind
from gateway.core.view import ItemView
from push.client import AgentClient
from push.protocol import OfferFrame, ServerFrame, Snapshot

ANSWER = "Thank you for writing. The charge is a hold that ends by itself within three days. " * 4


class Staff:
    """All agents of this process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.marks: list[tuple[int, float]] = []
        self.pace = (1.0, 3.0)
        self.dice = random.Random(23)
        self._clients: list[AgentClient] = []
        self._hands: set[asyncio.Future[None]] = set()

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "connect":
                return await self._connect(**said)
            case "take":
                return self._taken()
            case "leave":
                return await self._leave()
            case other:
                raise ValueError(f"agents cannot {other!r}")

    async def _connect(self, url: str, tokens: list[str], pace: list[float]) -> Answer:
        self.pace = (pace[0], pace[1])
        began = time.monotonic()
        waiting = iter(tokens)

        async def some() -> None:
            for token in waiting:
                await self._sign_in(url, token)

        async with asyncio.TaskGroup() as group:
            for _ in range(32):
                group.create_task(some())
        return {"seconds": time.monotonic() - began}

    async def _sign_in(self, url: str, token: str) -> None:
        agent = Agent(self)
        client = AgentClient([url], token, name="bench", on_frame=agent.see)
        agent.client = client
        await client.__aenter__()
        await client.in_sync()
        await client.ready()
        self._clients.append(client)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; a failure is counted, not lost."""
        hand = asyncio.get_running_loop().create_task(self._guard(work))
        self._hands.add(hand)
        hand.add_done_callback(self._hands.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refused as refused:
            self.counts[f"refused_{refused.code}"] += 1
        except GatewayError as error:
            self.counts[f"failed_{type(error).__name__}"] += 1

    def _taken(self) -> Answer:
        counts, self.counts = dict(self.counts), Counter()
        marks, self.marks = self.marks, []
        counts["connects"] = sum(client.connects for client in self._clients)
        return {"counts": counts, "marks": marks, "at_work": len(self._hands)}

    async def _leave(self) -> Answer:
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in self._clients))
        self._clients.clear()
        return {}


class Agent:
    """One agent's manner of working."""

    __slots__ = ("_staff", "client")

    def __init__(self, staff: Staff) -> None:
        self._staff = staff
        self.client: AgentClient

    def see(self, frame: ServerFrame) -> None:
        match frame:
            case OfferFrame(offer=offer, item=item):
                mark = mark_in(item.subject.encode())
                if mark is not None:
                    self._staff.marks.append((mark, time.monotonic()))
                self._staff.spawn(self._serve(offer, item))
            case Snapshot(offers=offers, items=items):
                for one in offers:
                    self._staff.spawn(self._serve(one.offer, one.item))
                for item in items:
                    self._staff.spawn(self._finish(item))
            case _:
                pass

    async def _pause(self) -> None:
        await asyncio.sleep(self._staff.dice.uniform(*self._staff.pace))

    async def _serve(self, offer: OfferId, item: ItemView) -> None:
        self._staff.counts["offers"] += 1
        await self._pause()
        await self.client.accept(offer)
        self._staff.counts["accepted"] += 1
        await self._finish(item)

    async def _finish(self, item: ItemView) -> None:
        await self._pause()
        if item.kind is ChannelKind.TASK:
            await self.client.note(item.id, ANSWER)
        else:
            await self.client.send(item.id, ANSWER)
        self._staff.counts["answered"] += 1
        await self._pause()
        await self.client.wrapup(item.id, "solved")
        self._staff.counts["wrapped"] += 1


if __name__ == "__main__":
    serve(lambda: Staff().perform)
