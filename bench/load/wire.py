"""A websocket client that costs next to nothing, so that load does not measure itself.

Only what a load generator needs of RFC 6455: text frames, ping, close, no fragments. The masking
key is zero, which is valid on the wire and saves the masking; no browser may do that.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_NO_MASK = b"\0\0\0\0"


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455 §5.2)."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + _NO_MASK + payload


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames at the beginning of what a server sent, and the rest."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, begins = data[at + 1] & 0x7F, at + 2
        if size >= 126:
            begins += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : begins], "big")
        ends = begins + size
        if begins > end or ends > end:
            break
        found.append((data[at] & 0x0F, data[begins:ends]))
        at = ends
    return found, data[at:]


class Wire(asyncio.Protocol):
    """One connection. ``text`` gets each text frame, ``lost`` is told when it is gone."""

    __slots__ = ("_buffer", "_head", "_opened", "_text", "closed", "lost", "transport")

    def __init__(
        self,
        request: bytes,
        text: Callable[["Wire", bytes], None],
        opened: Callable[["Wire"], None],
    ) -> None:
        self.transport: asyncio.Transport
        self.lost: Callable[[Wire], None] | None = None
        self.closed = 0
        self._head: bytes | None = request
        self._text = text
        self._opened = opened
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._head:
            self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if self._head is not None:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            if b" 101 " not in head[:16]:
                self.closed = int(head[9:12] or 0)
                self.transport.abort()
                return
            self._head = None
            self._opened(self)
        frames, self._buffer = split(data)
        for opcode, payload in frames:
            if opcode == TEXT:
                self._text(self, payload)
            elif opcode == PING:
                self.transport.write(frame(PONG, payload))
            elif opcode == CLOSE:
                self.closed = int.from_bytes(payload[:2], "big")
                self.transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.lost is not None:
            self.lost(self)

    def send(self, text: bytes) -> None:
        self.transport.write(frame(TEXT, text))


def request(host: str, path: str, subprotocol: str = "") -> bytes:
    """The opening handshake (RFC 6455 §4.1)."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
