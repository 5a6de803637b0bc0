"""A node at work whose queue's order is changed in every way there is, and how long each takes.

Shared by ``tests/edge/test_rescoring.py``, which asserts what happened and in which order, and
``bench/rescore.py``, which measures it. A time begins when a change is asked for over REST and
ends when the offer that follows from it is at the agent's desktop. Where somebody has to become
free first to show it, the time is that of the change plus that from being free to the offer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from msgspec import Struct

from gateway.core.ids import ItemId
from push.client import AgentClient
from push.reducer import Desktop
from tests.support.process import TOKEN

AT_ONCE = 500
"""Tasks in one request."""
LONGEST_SECONDS = 120.0
"""Something has gone wrong, not merely slow."""
RANKS = {"priority_seconds": 600, "value_seconds": 600}
"""A policy under which priority and value put an item before thousands."""


class Seen(Struct, frozen=True, kw_only=True):
    """What the next offer was, what it had to be, and after how long."""

    what: str
    offered: str
    wanted: str
    seconds: float


class Scene:
    """One node, over REST and agents' sockets."""

    def __init__(self, url: str, http: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self._ws = f"{url.replace('http', 'ws', 1)}/agent/v1"
        self._http = http
        self._stack = stack
        self.seen: list[Seen] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request as the admin. Raises ``aiohttp.ClientError`` with what was said."""
        async with self._http.request(method, path, json=body) as answer:
            if answer.status >= 400:
                said = await answer.text()
                raise aiohttp.ClientError(f"{method} {path}: {answer.status} {said}")
            return await answer.json(content_type=None)

    async def file(self, tasks: Sequence[Mapping[str, Any]]) -> list[str]:
        """Their items, in this order."""
        filed: list[str] = []
        for start in range(0, len(tasks), AT_ONCE):
            part = {"tasks": tasks[start : start + AT_ONCE]}
            filed += [
                one["id"] for one in (await self.call("POST", "/api/v1/tasks/bulk", part))["items"]
            ]
        return filed

    async def waiting(self, queue: str = "general") -> int:
        """How many wait there."""
        live = await self.call("GET", "/api/v1/live")
        return next(int(one["waiting"]) for one in live["queues"] if one["name"] == queue)

    async def hire(self, name: str, **entry: Any) -> None:
        capacity = {"capacity": {"task": 1}}
        await self.call("PUT", f"/api/v1/agents/{name}", {**capacity, **entry})

    async def sign_in(self, name: str) -> AgentClient:
        """A desktop of the agent, in sync and not ready."""
        fresh = await self.call("POST", "/api/v1/tokens", {"agent": name, "role": "agent"})
        client = AgentClient([self._ws], fresh["token"])
        await self._stack.enter_async_context(client)
        await client.in_sync()
        return client

    async def next_of(self, client: AgentClient) -> str:
        """Accept what is offered, and answer which item it is."""

        def offered(desktop: Desktop) -> Any:
            return next(iter(desktop.offers.values()), None)

        async with asyncio.timeout(LONGEST_SECONDS):
            offer = await client.until(offered)
        await client.accept(offer.offer)
        return str(offer.item.id)

    async def changed(
        self, what: str, client: AgentClient, hand: str, change: Any, wanted: str
    ) -> str:
        """Make a change while the agent has ``hand``; then the agent ends it and is offered more.

        Answers what is in hand now.
        """
        began = time.monotonic()
        await change
        told = time.monotonic() - began
        began = time.monotonic()
        await client.wrapup(ItemId(hand), "done")
        async with asyncio.timeout(LONGEST_SECONDS):
            await client.until(lambda desktop: desktop.offers)
        seconds = told + time.monotonic() - began
        offered = await self.next_of(client)
        self.seen.append(Seen(what=what, offered=offered, wanted=wanted, seconds=seconds))
        return offered

    async def gets(self, what: str, client: AgentClient, change: Any, wanted: str) -> None:
        """Make a change that lets somebody who is free have something that waits."""
        began = time.monotonic()
        await change
        async with asyncio.timeout(LONGEST_SECONDS):
            await client.until(lambda desktop: desktop.offers)
        seconds = time.monotonic() - began
        offered = await self.next_of(client)
        self.seen.append(Seen(what=what, offered=offered, wanted=wanted, seconds=seconds))


@asynccontextmanager
async def scene(url: str) -> AsyncIterator[Scene]:
    """A way to a node that runs; its desktops are closed afterwards."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
    async with (
        aiohttp.ClientSession(url, headers=headers, timeout=timeout) as http,
        AsyncExitStack() as stack,
    ):
        yield Scene(url, http, stack)


async def play(one: Scene, count: int) -> None:
    """Everything that moves something in the line, while ``count`` tasks wait."""
    by_age = {"priority_seconds": 0, "value_seconds": 0}
    await one.call("PUT", "/api/v1/queues/general", {"policy": by_age})
    await one.call("PUT", "/api/v1/queues/special", {"skills": {"hungarian": 2}})
    await one.hire("ana", queues=["general"])
    ana = await one.sign_in("ana")
    mia = {"kind": "email", "value": "mia@example.com"}
    tasks: list[dict[str, Any]] = [
        {"title": f"task {n}", "priority": n % 50, "queue": "general"} for n in range(count)
    ]
    tasks[count // 2]["customer"] = mia
    items = await one.file(tasks)
    await ana.ready()
    hand = await one.next_of(ana)
    before = "nothing but age counts"
    one.seen.append(Seen(what=before, offered=hand, wanted=items[0], seconds=0.0))
    policy = one.call("PUT", "/api/v1/queues/general", {"policy": RANKS})
    hand = await one.changed("policy of the queue", ana, hand, policy, items[49])
    last = items[-1]
    path = f"/api/v1/items/{last}/priority"
    priority = one.call("POST", path, {"priority": 100, "reason": "now"})
    hand = await one.changed("priority of the last", ana, hand, priority, last)
    worth = one.call("PUT", "/api/v1/customers", {"identity": mia, "value": 200})
    hand = await one.changed("value of a customer", ana, hand, worth, items[count // 2])
    await _people(one)


async def _people(one: Scene) -> None:
    """A skill is granted to somebody who is free, and somebody new comes."""
    await one.hire("bob", queues=["special"])
    bob = await one.sign_in("bob")
    await bob.ready()
    first, second = await one.file([{"title": t, "queue": "special"} for t in ("one", "two")])
    granted = one.hire("bob", skills={"hungarian": 2})
    await one.gets("skill granted", bob, granted, first)
    await one.hire("eve", queues=["special"], skills={"hungarian": 3})
    eve = await one.sign_in("eve")
    await one.gets("somebody new", eve, eve.ready(), second)
