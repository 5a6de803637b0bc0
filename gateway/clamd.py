"""Uploads are looked at by ClamAV's daemon, if the house has one, before anybody can have them.

``INSTREAM`` of clamd(8): chunks with their length before them, an empty one at the end; the answer
is one line.
"""

import asyncio
import re
from contextlib import suppress

import structlog

from gateway.core.errors import Refused

CHUNK = 65_536
LONGEST_ANSWER = 4_096
_ANSWER = re.compile(r"stream: (?:(?P<found>.+) FOUND|OK)")
_AWAY = Refused("unavailable", "files cannot be looked at just now; try again", "file")
_log = structlog.get_logger("clamd")


class Clamd:
    """``address`` is HOST:PORT or ``unix:PATH``; one look may take ``seconds``."""

    def __init__(self, address: str, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def scan(self, data: bytes) -> str:
        """What is bad in it; empty: nothing. Raises ``Refused`` if nobody can tell."""
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(data)
        except (OSError, TimeoutError, asyncio.LimitOverrunError) as error:
            _log.error("clamd does not answer", address=self._address, reason=repr(error))
            raise _AWAY from error
        told = _ANSWER.fullmatch(answer)
        if told is None:
            _log.error("clamd cannot tell", address=self._address, answer=answer)
            raise _AWAY
        return told["found"] or ""

    async def _ask(self, data: bytes) -> str:
        reader, writer = await self._connected()
        try:
            # It may have said no before the end, and hung up: then its answer is there to be read.
            with suppress(ConnectionError):
                writer.write(b"zINSTREAM\0")
                for start in range(0, len(data), CHUNK):
                    part = data[start : start + CHUNK]
                    writer.write(len(part).to_bytes(4, "big") + part)
                    await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            answer = await reader.read(LONGEST_ANSWER)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return answer.decode(errors="replace").strip("\0 \n")

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("unix:"):
            return await asyncio.open_unix_connection(self._address.removeprefix("unix:"))
        host, _, port = self._address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))
