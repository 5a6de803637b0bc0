"""One TCP, TLS or WebSocket connection: framing, keep-alive, and patience that ends."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from msgspec import Struct

from channels.voice.sip.flow import Flow, Transport
from channels.voice.sip.framing import PONG, Framer, Unframed


class Patience(Struct, frozen=True, kw_only=True):
    """Seconds: to finish a message that has begun, and to say nothing at all. Bytes unread."""

    message: float = 10.0
    silence: float = 900.0
    connect: float = 5.0
    unread: int = 1_048_576


class Owner(Protocol):
    """Who has the connections."""

    def opened(self, connection: "Connection") -> Flow | None:
        """Its flow; ``None``: there are too many."""
        ...

    def received(self, data: bytes, flow: Flow) -> None: ...

    def closed(self, connection: "Connection") -> None: ...

    def counted(self, reason: str) -> None: ...


class Connection(asyncio.Protocol):
    """``wanted`` is the flow that it was opened for, if we did."""

    def __init__(
        self, owner: Owner, transport: Transport, patience: Patience, wanted: Flow | None = None
    ) -> None:
        self.kind: Transport = transport
        self.wanted = wanted
        self.flow: Flow | None = None
        self._owner = owner
        self._patience = patience
        self._framer = Framer()
        self._socket: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._armed = self._late = 0.0

    @property
    def peer(self) -> tuple[str, int]:
        found: Any = self._socket.get_extra_info("peername") if self._socket else None
        return (str(found[0]), int(found[1])) if found else ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = stream = cast("asyncio.Transport", transport)
        self.flow = self._owner.opened(self)
        if self.flow is None:
            stream.abort()
        else:
            self._watch(self._patience.silence)

    def data_received(self, data: bytes) -> None:
        if self.flow is None:
            return
        framer, waiting = self._framer, self._framer.begun
        try:
            for message in framer.feed(data):
                self._owner.received(message, self.flow)
                waiting = False
        except Unframed as wrong:
            self._drop(str(wrong))
            return
        if framer.pings:
            pongs, framer.pings = PONG * framer.pings, 0
            if not self.send(pongs):
                return
        if not framer.begun:
            self._watch(self._patience.silence)
        elif not waiting:
            # From its first octet on: who sends one now and then gets no more time for it.
            self._watch(self._patience.message)

    def send(self, data: bytes) -> bool:
        """False: it does not read, and is closed."""
        if self._socket is None or self._socket.is_closing():
            return False
        if self._socket.get_write_buffer_size() > self._patience.unread:
            self._drop("it does not read")
            return False
        self._socket.write(data)
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.flow is not None:
            self._owner.closed(self)

    def _watch(self, seconds: float) -> None:
        """Close it then, unless something happens before; one timer, moved when it fires."""
        loop = asyncio.get_running_loop()
        self._late = loop.time() + seconds
        if self._alarm is None or self._armed > self._late:
            if self._alarm is not None:
                self._alarm.cancel()
            self._arm()

    def _look(self) -> None:
        self._alarm = None
        loop = asyncio.get_running_loop()
        if loop.time() >= self._late:
            self._drop("a message was not finished" if self._framer.begun else "it was silent")
        else:
            self._arm()

    def _arm(self) -> None:
        self._armed = self._late  # uvloop's handles do not tell
        self._alarm = asyncio.get_running_loop().call_at(self._late, self._look)

    def _drop(self, reason: str) -> None:
        self._owner.counted(reason)
        if self._socket is not None:
            self._socket.abort()


class Websocket:
    """A ``ports.Socket`` as a connection: one message a frame (RFC 7118 §5)."""

    kind: Transport

    def __init__(self, post: Callable[[bytes], None], kind: Transport, flow: Flow) -> None:
        self.kind = kind
        self.flow = flow
        self._post = post

    def send(self, data: bytes) -> bool:
        self._post(data)
        return True

    def close(self) -> None:
        """Its handler ends it."""
