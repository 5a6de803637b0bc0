"""Played agents: they take offers, answer in the customer's language, and wrap up."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from gateway.core.errors import Refused
from gateway.core.ids import OfferId
from gateway.core.view import ItemView
from gateway.demo.words import ANSWERS
from push.client import AgentClient, SignedOut
from push.protocol import MessageFrame, OfferFrame, ServerFrame, Snapshot

_log = structlog.get_logger("demo")


async def work(urls: Sequence[str], token: str, dice: random.Random) -> None:
    """One agent's day, until cancelled."""
    async with (
        AgentClient(urls, token, name="played agent") as client,
        asyncio.TaskGroup() as hands,
    ):
        worker = _Worker(client, dice, hands)
        await client.ready()
        async for frame in client.events():
            worker.see(frame)


class _Worker:
    def __init__(self, client: AgentClient, dice: random.Random, hands: asyncio.TaskGroup) -> None:
        self._client = client
        self._dice = dice
        self._hands = hands

    def see(self, frame: ServerFrame) -> None:
        match frame:
            case OfferFrame():
                self._do(self._serve(frame.offer, frame.item))
            case Snapshot():
                for offer in frame.offers:
                    self._do(self._serve(offer.offer, offer.item))
            case MessageFrame(message=message) if message.direction == "in":
                item = self._client.desktop.items.get(frame.item)
                if item is not None:
                    self._do(self._answer(item))
            case _:
                pass

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._hands.create_task(self._patiently(work))

    async def _patiently(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refused as refused:
            # Somebody was faster, or the item has gone; the desktop shows it already.
            _log.debug("a played agent was refused", code=refused.code)
        except SignedOut:
            _log.warning("a played agent was signed out")

    async def _serve(self, offer: OfferId, item: ItemView) -> None:
        await asyncio.sleep(self._dice.uniform(1, 3))
        await self._client.accept(offer)
        await self._answer(item)

    async def _answer(self, item: ItemView) -> None:
        await asyncio.sleep(self._dice.uniform(3, 9))
        words = ANSWERS.get(item.language.partition("-")[0], ANSWERS["en"])
        chat = item.kind == "webchat"
        await self._client.send(item.id, words, then=None if chat else "close")
        if chat:
            await asyncio.sleep(self._dice.uniform(15, 25))
        await asyncio.sleep(self._dice.uniform(1, 3))
        await self._client.wrapup(item.id, self._dice.choice(("solved", "explained", "refund")))
