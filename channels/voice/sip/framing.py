"""Where a message ends on a stream (RFC 3261 §18.3, RFC 5626 §3.5.1): pure, bounded."""

import re

from channels.voice.sip.reading import MAX_MESSAGE

MAX_HEAD = 32_768
PING = b"\r\n\r\n"
PONG = b"\r\n"
_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,6})[ \t]*$")


class Unframed(Exception):
    """The stream cannot be divided any further: close it."""


class Framer:
    """One stream's octets in, whole messages out; ``pings`` counts keep-alives to be answered.

    Not more than one message is kept, and searching goes on where it stopped.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._looked = 0
        self._need = 0
        self.pings = 0

    @property
    def begun(self) -> bool:
        """Whether a message has begun that is not whole yet."""
        return bool(self._buffer.strip(b"\r\n"))

    def feed(self, data: bytes) -> list[bytes]:
        """Raises ``Unframed``: no end of the header, no length in it, or too much of either."""
        self._buffer += data
        whole: list[bytes] = []
        while (message := self._next()) is not None:
            whole.append(message)
        return whole

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if not self._need and not self._head():
            return None
        if len(buffer) < self._need:
            return None
        message = bytes(buffer[: self._need])
        del buffer[: self._need]
        self._need = self._looked = 0
        return message

    def _head(self) -> bool:
        """Whether the header is whole; then ``_need`` is the message's length."""
        buffer = self._buffer
        if not self._looked:
            self._skip_line_ends()
            if not self.begun:
                return False
        at = buffer.find(b"\r\n\r\n", max(0, self._looked - 3))
        if at < 0:
            self._looked = len(buffer)
            if self._looked > MAX_HEAD:
                raise Unframed("the header does not end")
            return False
        if at > MAX_HEAD:
            raise Unframed("the header is too long")
        found = _LENGTH.findall(bytes(buffer[:at]).replace(b"\r\n", b"\n"))
        if len(found) != 1:
            raise Unframed("Content-Length is missing, no number, or stands twice")
        self._need = at + 4 + int(found[0])
        if self._need > MAX_MESSAGE:
            raise Unframed("the message is too long")
        return True

    def _skip_line_ends(self) -> None:
        """Before a message: two are a ping, one the answer to ours."""
        buffer = self._buffer
        while buffer[:4] == PING:
            del buffer[:4]
            self.pings += 1
        if buffer[:2] == PONG and bytes(buffer[2:3]) not in {b"", b"\r"}:
            del buffer[:2]
