"""One customer's chat, over as many sockets and nodes as it takes (docs/protocols/chat.md)."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from bench.load.town.marks import mark_of, new_mark
from push.addresses import Addresses, loss

SUBPROTOCOL = Subprotocol("switchroom.chat.v1")
SILENT_BEATS = 2.5
FIRST_DELAY_SECONDS = 0.5
NUDGE_SECONDS = 20.0
"""Without an answer for so long they say something more."""
CONNECT_SECONDS = 10.0
ANSWERS = 2
READ_SECONDS = 15.0
_AWAY = (OSError, WebSocketException, TimeoutError)
Frame = dict[str, Any]


class Talk:
    """See the module's docstring. ``shown`` are [conversation, seq, id, kind, mark], in order."""

    def __init__(
        self,
        dice: random.Random,
        urls: Sequence[str],
        problems: Counter[str],
        outages: list[list[Any]],
        number: int,
    ) -> None:
        self.shown: list[list[Any]] = []
        self.acked: dict[str, list[Any]] = {}
        """mark → [begun, acknowledged, conversation, seq]"""
        self.twice: list[list[Any]] = []
        """What was told again although it had been shown: the protocol lets it, we count it."""
        self.over = self.online = self.ever_online = False
        self._dice = dice
        self._nodes = Addresses(
            [f"{url}/chat/v1" for url in urls], FIRST_DELAY_SECONDS, dice.random
        )
        self._problems, self._outages, self._number = problems, outages, number
        self._visitor: str | None = None
        self._conversation: str | None = None
        self._seq = 0
        self._state = ""
        self._pending: dict[str, tuple[float, Frame]] = {}
        self._changed = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._out: list[Any] | None = None

    def log(self) -> dict[str, Any]:
        return {
            "number": self._number,
            "conversation": self._conversation,
            "shown": self.shown,
            "acked": self.acked,
            "twice": self.twice,
            "over": self.over,
        }

    # -- what they do -----------------------------------------------------------------------

    async def run(self, pace: tuple[float, float], stop: asyncio.Event) -> None:
        """From the first word to the last."""
        async with asyncio.TaskGroup() as group:
            line = group.create_task(self._stay())
            await self._until(lambda: self.online)
            while self._answers() < ANSWERS and not stop.is_set():
                await self._say(new_mark())
                heard = self._answers()
                await self._until(lambda was=heard: self._answers() > was, NUDGE_SECONDS)
                await asyncio.sleep(self._dice.uniform(*pace))
            if self.acked:
                await self._leave()
            self.over = True
            line.cancel()

    def _answers(self) -> int:
        return sum(entry[3] == "agent" for entry in self.shown)

    async def _say(self, mark: str) -> None:
        self._pending[mark] = (time.monotonic(), {"t": "send", "id": mark, "body": mark})
        await self._flush(mark)
        await self._until(lambda: mark not in self._pending)

    async def _leave(self) -> None:
        name = f"end-{new_mark()}"
        self._pending[name] = (time.monotonic(), {"t": "end", "id": name})
        await self._flush(name)
        await self._until(lambda: name not in self._pending)

    async def _until(self, holds: Any, seconds: float | None = None) -> None:
        """Until it holds, or the time is over."""
        end = None if seconds is None else time.monotonic() + seconds
        while not holds():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return

    # -- the line ---------------------------------------------------------------------------

    async def _stay(self) -> None:
        """Connect again and again, where and when the widget would."""
        while True:
            pause = await self._one_socket()
            await asyncio.sleep(pause)  # as long as the widget waits before its next try

    async def _one_socket(self) -> float:
        """Until it is gone; how long to wait before the next."""
        url, moved, silent = self._nodes.url, None, False
        code: int | None = None
        try:
            async with (
                asyncio.timeout(CONNECT_SECONDS) as connecting,
                _line(url) as socket,
            ):
                connecting.reschedule(None)  # a conversation lasts as long as it lasts
                moved = await self._converse(socket)
        except _AWAY as error:
            silent = isinstance(error, TimeoutError)
            if isinstance(error, ConnectionClosed) and error.rcvd is not None:
                code = error.rcvd.code
            if silent or not isinstance(error, OSError):
                self._problems[type(error).__name__] += 1
        was_welcome, self.online, self._socket = self.online, False, None
        if was_welcome:
            self._out = [time.monotonic(), None, self._number, url]
            self._outages.append(self._out)
        if moved is not None:
            return self._nodes.moved(moved)
        return self._nodes.lost(loss(code, welcomed=was_welcome, waited=False, silent=silent))

    async def _converse(self, socket: ClientConnection) -> str | None:
        hello: Frame = {"t": "hello", "channel": "site", "profile": {"name": "Ada"}}
        if self._visitor is not None:
            hello["visitor"] = self._visitor
            if self._conversation is not None:
                hello["resume"] = {"seq": self._seq, "conversation": self._conversation}
        await socket.send(_encode(hello))
        silence = 10.0
        while True:
            async with asyncio.timeout(silence):
                frame = msgspec.json.decode(await socket.recv(decode=False))
            if frame["t"] == "welcome":
                silence = SILENT_BEATS * frame["heartbeat"]
                await self._welcomed(socket, frame)
            elif frame["t"] == "moved":
                return str(frame["url"])
            else:
                await self._hear(frame)
            self._changed.set()

    async def _welcomed(self, socket: ClientConnection, frame: Frame) -> None:
        self._nodes.welcomed(frame.get("peers", ()))
        self._visitor = frame["visitor"]
        if frame["conversation"] != self._conversation:
            self._conversation, self._seq = frame["conversation"], 0
        if self.online:
            return  # another conversation on the same socket
        self._socket, self.online, self.ever_online = socket, True, True
        if self._out is not None:
            self._out[1], self._out = time.monotonic(), None
        for name in list(self._pending):
            await self._flush(name)

    async def _flush(self, name: str) -> None:
        if self._socket is not None and name in self._pending:
            try:
                await self._socket.send(_encode(self._pending[name][1]))
            except _AWAY:
                return  # the reader notices too, and the next socket gets it again

    async def _hear(self, frame: Frame) -> None:
        match frame:
            case {"t": "message"}:
                self._show(frame)
            case {"t": "state", "state": state}:
                self._state = state
            case {"t": "ok", "re": name} if name in self._pending:
                begun, said = self._pending.pop(name)
                where = frame.get("conversation") or self._conversation
                if said["t"] == "send":
                    self.acked[name] = [begun, time.monotonic(), where, frame["seq"]]
            case {"t": "error", "re": name, "code": code}:
                self._problems[f"error: {code}"] += 1
                if code in {"unavailable", "too_fast", "internal"}:
                    await asyncio.sleep(min(frame.get("after") or 0.5, 2.0))
                    await self._flush(name)
                else:
                    self._pending.pop(name, None)
            case _:
                pass

    def _show(self, frame: Frame) -> None:
        entry = _entry(self._conversation, frame)
        if frame["seq"] <= self._seq:
            self.twice.append(entry)
            return
        self._seq = frame["seq"]
        self.shown.append(entry)

    # -- afterwards -------------------------------------------------------------------------

    async def transcript(self, urls: Sequence[str]) -> list[list[Any]] | None:
        """All of the conversation as a window without a memory is told it; None if it is not."""
        for url in [*urls, *urls]:
            try:
                async with asyncio.timeout(READ_SECONDS), _line(f"{url}/chat/v1") as socket:
                    return await self._read(socket)
            except _AWAY as error:
                self._problems[f"transcript: {type(error).__name__}"] += 1
        return None

    async def _read(self, socket: ClientConnection) -> list[list[Any]]:
        hello = {"t": "hello", "channel": "site", "visitor": self._visitor}
        await socket.send(_encode(hello))
        told: list[list[Any]] = []
        last, conversation = -1, self._conversation
        while last < 0 or (told[-1][1] if told else 0) < last:
            frame = msgspec.json.decode(await socket.recv(decode=False))
            if frame["t"] == "welcome":
                last = frame["seq"]
                conversation = frame["conversation"]
            elif frame["t"] == "message":
                told.append(_entry(conversation, frame))
        return told


def _line(url: str) -> connect:
    return connect(
        url,
        subprotocols=[SUBPROTOCOL],
        compression=None,
        ping_interval=None,
        close_timeout=1,
        proxy=None,
    )


def _encode(frame: Frame) -> str:
    return msgspec.json.encode(frame).decode()


def _entry(conversation: str | None, frame: Frame) -> list[Any]:
    return [
        conversation,
        frame["seq"],
        frame["id"],
        frame["author"]["kind"],
        mark_of(frame["body"]),
        time.monotonic(),
    ]
