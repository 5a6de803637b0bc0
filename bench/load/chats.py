"""Customers who chat over ``/chat/v1``: each comes, writes, waits for the agent's words, leaves."""

import asyncio
import json
import random
from typing import Any

from bench.load.control import Answer, serve
from bench.load.tally import Tally
from bench.load.wire import Wire, request
from bench.work import body


class Chat:
    """One visitor."""

    __slots__ = ("_chats", "_key", "_wire")

    def __init__(self, chats: "Chats", key: str) -> None:
        self._chats = chats
        self._key = key
        self._wire: Wire | None = None

    async def begin(self) -> None:
        chats = self._chats
        _, self._wire = await asyncio.get_running_loop().create_connection(
            lambda: Wire(chats.request, self._heard, self._opened), "127.0.0.1", chats.port
        )
        self._wire.lost = self._lost

    def _opened(self, wire: Wire) -> None:
        self._wire = wire
        self._say({"t": "hello", "channel": self._chats.channel, "profile": {"name": "Ada"}})

    def _say(self, frame: dict[str, Any]) -> None:
        if self._wire is not None:
            self._wire.send(json.dumps(frame).encode())

    def _heard(self, wire: Wire, text: bytes) -> None:
        self._wire = wire
        frame = json.loads(text)
        match frame["t"]:
            case "welcome" if frame["conversation"] is None:
                self._say({"t": "send", "id": f"chat-{self._key}", "body": self._chats.text()})
            case "message" if frame["author"]["kind"] == "agent":
                self._chats.tally.finish(self._key, frame["id"])
                wire.transport.close()
            case "error":
                self._chats.errors.append(text.decode()[:300])
            case _:
                pass

    def _lost(self, wire: Wire) -> None:
        self._chats.note_closed(self._key, wire.closed)


class Chats:
    """All visitors of this process."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.errors: list[str] = []
        self.drops: dict[int, int] = {}
        self.port, self.channel = 0, "site"
        self.request = b""
        self._dice = random.Random(31)

    def text(self) -> str:
        return body(self._dice, 200)

    def note_closed(self, _key: str, code: int) -> None:
        if code:
            self.drops[code] = self.drops.get(code, 0) + 1

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "run":
                return await self._run(**said)
            case other:
                raise ValueError(f"chats cannot {other!r}")

    async def _run(self, port: int, channel: str, count: int, at_once: int) -> Answer:
        self.port, self.channel = port, channel
        self.request = request(f"127.0.0.1:{port}", "/chat/v1", "switchroom.chat.v1")
        self.tally.begin(count, at_once)
        while (key := await self.tally.next()) is not None:
            await Chat(self, key).begin()
        return {**await self.tally.done(), "errors": self.errors[:5], "drops": self.drops}


if __name__ == "__main__":
    serve(lambda: Chats().perform)
