"""Thousands of desktops that are connected and listen, in one process.

They speak one of three dialects: ``switchroom`` (``/agent/v1``), ``bare`` (any websocket server
that sends a frame on connect) and ``socketio`` (Engine.IO 4 over websocket). A frame may carry a
mark ``@t=NUMBER;`` in a text; of frames whose kind is asked for, the number and the time of
arrival (CLOCK_MONOTONIC, one for the whole machine) are kept.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from time import monotonic
from typing import Any

from bench.load.control import Answer, serve
from bench.load.wire import Wire, request

MARK = b"@t="
_SEQ = b'"seq":'
_KIND_AT = len(b'{"t":"')
_MARK_BYTES, _SEQ_BYTES = len(MARK), len(_SEQ)


def mark_in(text: bytes) -> int | None:
    """The number behind the mark, if the text has one."""
    at = text.find(MARK)
    return None if at < 0 else int(text[at + _MARK_BYTES : text.find(b";", at)])


def seq_in(text: bytes) -> int:
    """The ``seq`` of a numbered frame of ours, which another field always follows."""
    at = text.find(_SEQ) + _SEQ_BYTES
    return int(text[at : text.find(b",", at)])


def kind_of(text: bytes) -> bytes:
    """The ``t`` of a frame of ours, which comes first."""
    return text[_KIND_AT : text.find(b'"', _KIND_AT)]


class Desktop:
    """One of them."""

    __slots__ = ("crowd", "seq", "synced", "token", "wire")

    def __init__(self, crowd: "Crowd", token: str) -> None:
        self.crowd = crowd
        self.token = token
        self.seq = -1
        self.synced: asyncio.Future[None] | None = None
        self.wire: Wire | None = None

    async def connect(self) -> None:
        """Connect, sign in, and wait until in sync."""
        crowd = self.crowd
        loop = asyncio.get_running_loop()
        self.synced = loop.create_future()
        self.seq = -1
        _, self.wire = await loop.create_connection(
            lambda: Wire(crowd.request, self._hearing(), self.opened), crowd.host, crowd.port
        )
        self.wire.lost = self.lost
        async with asyncio.timeout(120):
            await self.synced
        self.synced = None

    def _hearing(self) -> Callable[[Wire, bytes], None]:
        dialects = {"switchroom": self._heard, "socketio": self._heard_socketio}
        return dialects.get(self.crowd.dialect, self._heard_bare)

    def opened(self, wire: Wire) -> None:
        self.wire = wire
        if self.crowd.dialect == "switchroom":
            hello = {"t": "hello", "token": self.token, "versions": [1], "pending": []}
            wire.send(json.dumps(hello).encode())

    def lost(self, wire: Wire) -> None:
        self.crowd.drops[wire.closed] = self.crowd.drops.get(wire.closed, 0) + 1
        if self.synced is not None and not self.synced.done():
            self.synced.set_exception(ConnectionResetError(f"closed with {wire.closed}"))

    def _heard(self, _wire: Wire, text: bytes) -> None:
        crowd = self.crowd
        kind = kind_of(text)
        kinds = crowd.kinds
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind in crowd.stamped:
            self._take(text)
        if kind not in _UNNUMBERED:
            number = seq_in(text)
            if number != self.seq + 1:
                crowd.gaps += number > self.seq + 1
                crowd.repeats += number <= self.seq
            self.seq = number
        elif kind == b"snapshot":
            self.seq = seq_in(text)
            self._in_sync()
        elif kind == b"error":
            crowd.errors.append(text.decode(errors="replace")[:300])

    def _heard_bare(self, _wire: Wire, text: bytes) -> None:
        self._take(text)
        self._in_sync()

    def _heard_socketio(self, wire: Wire, text: bytes) -> None:
        if text[:1] == b"0":  # Engine.IO open: ask for the default namespace
            wire.send(b"40")
        elif text[:1] == b"2":
            wire.send(b"3")
        elif text[:2] == b"40":
            self._in_sync()
        else:
            self._take(text)

    def _take(self, text: bytes) -> None:
        number = mark_in(text)
        if number is not None:
            self.crowd.marks.append((number, monotonic()))

    def _in_sync(self) -> None:
        if self.synced is not None and not self.synced.done():
            self.synced.set_result(None)


_UNNUMBERED = frozenset(
    {b"welcome", b"tick", b"waiting", b"snapshot", b"ok", b"error", b"typing", b"moved", b"peer"}
)


class Crowd:
    """All of them, and what they have heard since it was last asked for."""

    def __init__(self) -> None:
        self.host, self.port, self.dialect = "127.0.0.1", 0, "switchroom"
        self.request = b""
        self.stamped: frozenset[bytes] = frozenset()
        self.desktops: list[Desktop] = []
        self._forget()

    def _forget(self) -> None:
        self.kinds: dict[bytes, int] = {}
        self.marks: list[tuple[int, float]] = []
        self.drops: dict[int, int] = {}
        self.errors: list[str] = []
        self.gaps = 0
        self.repeats = 0

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "connect":
                return await self._connect(**said)
            case "again":
                return await self._again(**said)
            case "ready":
                return await self._ready()
            case "take":
                return self._taken()
            case other:
                raise ValueError(f"a crowd of desktops cannot {other!r}")

    async def _connect(
        self,
        *,
        host: str,
        port: int,
        path: str,
        tokens: list[str],
        dialect: str = "switchroom",
        subprotocol: str = "",
        stamped: tuple[str, ...] = (),
        in_flight: int = 100,
    ) -> Answer:
        self.host, self.port, self.dialect = host, port, dialect
        self.request = request(f"{host}:{port}", path, subprotocol)
        self.stamped = frozenset(kind.encode() for kind in stamped)
        self.desktops = [Desktop(self, token) for token in tokens]
        return {"seconds": await self._all(in_flight)}

    async def _all(self, in_flight: int) -> float:
        began = time.monotonic()
        waiting = iter(self.desktops)

        async def some() -> None:
            for desktop in waiting:
                await desktop.connect()

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(some())
        return time.monotonic() - began

    async def _again(self, in_flight: int = 512) -> Answer:
        """Lose all connections at once, and come back."""
        for desktop in self.desktops:
            if desktop.wire is not None:
                desktop.wire.lost = None
                desktop.wire.transport.abort()
        await asyncio.sleep(0)
        return {"seconds": await self._all(in_flight)}

    async def _ready(self) -> Answer:
        """Everybody takes work from now on; returns when all have been told so."""
        before = self.kinds.get(b"ok", 0)
        for n, desktop in enumerate(self.desktops):
            command = {"t": "state", "id": str(uuid.uuid4()), "state": "ready"}
            if desktop.wire is not None:
                desktop.wire.send(json.dumps(command).encode())
            if n % 50 == 0:
                await asyncio.sleep(0.002)
        async with asyncio.timeout(120):
            # One look for all answers costs less than an event for each.
            while self.kinds.get(b"ok", 0) - before < len(self.desktops):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return {"ready": len(self.desktops)}

    def _taken(self) -> Answer:
        answer = {
            "kinds": {kind.decode(): count for kind, count in self.kinds.items()},
            "marks": self.marks,
            "drops": self.drops,
            "errors": self.errors[:5],
            "gaps": self.gaps,
            "repeats": self.repeats,
        }
        self._forget()
        return answer


if __name__ == "__main__":
    serve(lambda: Crowd().perform)
