"""One connection of a mail server that brings us mail: aiosmtpd's SMTP and LMTP, held to bounds.

What is ours here: any length of line is taken (real mails have megabytes in one), the bytes are
collected in one buffer, LMTP gets an answer for each recipient (RFC 2033 section 4.2), and a
connection has so much time.
"""

import asyncio
import contextlib
import ssl
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol, cast

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, TLSSetupException

from channels.email.budget import Budget
from channels.email.settings import Receive
from channels.email.text import one_line

COMMAND_SECONDS = 60.0
"""Between two whole commands, and without a byte of a mail."""
DATA_SECONDS = 600.0
"""For the whole of a mail (RFC 5321 section 4.5.3.2.6)."""
LIFE_SECONDS = 3_600.0
LAST_SECONDS = 5.0
"""To read what we have said, for whoever is sent away."""
MOST_COMMAND = 2_048
PIECE = 65_536
STEP = 4 * PIECE
"""By so much the room grows that a mail has, as it arrives."""

_log = structlog.get_logger("email")


class Host(Protocol):
    """What a connection knows of the address that it came to (``door.Door`` fits)."""

    said: Receive
    hostname: str
    tls: ssl.SSLContext | None
    budget: Budget
    sessions: "set[Session]"
    closing: bool

    async def taken(self, server: "Session", raw: bytes) -> list[str]:
        """An answer for each recipient, in their order."""
        ...


class Session(SMTP):
    """SMTP. What the peer has said of the mail that it is about to bring stands here."""

    line_length_limit = PIECE

    def __init__(self, host: Host) -> None:
        # Of each session: aiosmtpd's belongs to the class, and each new connection clears it.
        self.command_size_limits = defaultdict(lambda: MOST_COMMAND)
        self._host = host
        self.most = host.said.max_bytes
        self.helo = self.sender = self.peer = ""
        self.recipients: list[str] = []
        self.over = asyncio.Event()
        self._reserved = 0
        self._storing = False
        self._arrived = self._looked_at = 0
        self._until = 0.0
        super().__init__(
            host,
            data_size_limit=self.most,
            enable_SMTPUTF8=True,
            hostname=host.hostname,
            ident="Switchroom",
            tls_context=host.tls,
            timeout=COMMAND_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._life = self.loop.call_later(LIFE_SECONDS, self.abort)

    # -- the connection ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer = str((transport.get_extra_info("peername") or ("",))[0])
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._life.cancel()
        self._release()
        self._host.sessions.discard(self)
        self.over.set()
        super().connection_lost(error)

    @property
    def encrypted(self) -> bool:
        return self.session is not None and self.session.ssl is not None

    def farewell(self) -> None:
        """We stop: whoever waits for an answer gets it, anybody else goes."""
        if not self._storing and self.transport is not None:
            self._send_away("421 4.3.2 Stopping, come again")

    def _send_away(self, why: str) -> None:
        # A TLS connection that has just ended has nothing left to write to.
        with contextlib.suppress(RuntimeError, AttributeError):
            self._write(why)
            cast("asyncio.Transport", self.transport).close()
        # Who reads nothing would stay as long as there is something for them to read.
        self._life.cancel()
        self._life = self.loop.call_later(LAST_SECONDS, self.abort)

    def _timeout_cb(self) -> None:
        """A mail that goes on arriving has its time; anything else that takes so long is over."""
        if self._arrived > self._looked_at and self.loop.time() < self._until:
            self._looked_at = self._arrived
            self._reset_timeout()
        else:
            self._send_away("421 4.4.2 Silent for too long")

    async def handle_exception(self, error: Exception) -> str:
        """What the peer is told. That one cannot agree with us on TLS is no fault of ours."""
        if isinstance(error, TLSSetupException):
            why = str(error.__cause__) or type(error.__cause__).__name__
            _log.warning("no TLS with a mail server", peer=self.peer, reason=one_line(why, 300))
            return ""  # and there is nothing left to tell it by
        return await super().handle_exception(error)

    def abort(self) -> None:
        for wire in (self.transport, self._original_transport):
            if wire is not None:
                with contextlib.suppress(RuntimeError, AttributeError):
                    cast("asyncio.Transport", wire).abort()

    def _write(self, answer: str) -> None:
        cast("asyncio.Transport", self.transport).write(answer.encode() + b"\r\n")

    # -- a mail -----------------------------------------------------------------------------

    def room_for(self, announced: int) -> bool:
        """Whether there would be room for so many bytes now.

        Nothing is held for an announcement: whoever makes it may never send a byte.
        """
        return self._host.budget.has(self._host.budget.fit(announced))

    def _hold(self, count: int) -> bool:
        """Room for what is here now, until the mail is dealt with."""
        if count <= self._reserved:
            return True
        budget = self._host.budget
        more = budget.fit(min(self.most, max(count, self._reserved + STEP))) - self._reserved
        if not budget.take_now(more):
            return False
        self._reserved += more
        return True

    def begin(self, sender: str, options: list[str]) -> None:
        if self.envelope is not None:
            self.envelope.mail_from = sender
            self.envelope.mail_options.extend(options)
        self.sender = "" if sender == "<>" else sender

    def _set_post_data_state(self) -> None:
        self._release()
        self.recipients, self.sender = [], ""
        super()._set_post_data_state()  # type: ignore[no-untyped-call]  # theirs has no types

    def _release(self) -> None:
        reserved, self._reserved = self._reserved, 0
        if reserved:
            self._host.budget.give_back(reserved)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if self.encrypted:
            await self.push("503 5.5.1 TLS is there already")
            return
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, _arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Nobody signs in: who may come is said by networks."""
        await self.push("502 5.5.1 Not implemented")

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if await self.check_helo_needed():
            return
        if not self.recipients:
            await self.push("503 5.5.1 Need RCPT")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        self._until = self.loop.time() + DATA_SECONDS
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._reset_timeout()
        raw = await self._data()
        self._until = 0.0
        self._reset_timeout(DATA_SECONDS)
        self._storing = True
        try:
            for answer in await self._answers(raw):
                await self.push(answer)
        finally:
            self._storing = False
        self._set_post_data_state()
        self._reset_timeout()
        if self._host.closing:
            self.farewell()

    async def _answers(self, raw: bytes | str) -> list[str]:
        if isinstance(raw, str):
            told = [raw] * len(self.recipients)
        else:
            told = await self._host.taken(self, raw)
        return self._for(told)

    def _for(self, told: list[str]) -> list[str]:
        """One answer for all: it is taken once everybody's is; else the whole comes again."""
        return [next((one for one in told if not one.startswith("250")), told[0])]

    async def _data(self) -> bytes | str:
        """The mail without the dots of the transfer; or why it is not taken, as an answer."""
        raw, began, refusal = bytearray(), True, ""
        while True:
            try:
                piece = await self._reader.readuntil(b"\r\n")
                ends = True
            except asyncio.LimitOverrunError as long:
                piece, ends = await self._reader.read(long.consumed), False
            if began and piece == b".\r\n":
                return refusal or bytes(raw)
            if began and piece.startswith(b"."):
                piece = piece[1:]
            began = ends
            if refusal:
                continue
            count = len(raw) + len(piece)
            if count > self.most:
                refusal = f"552 5.3.4 More than {self.most} bytes"
            elif not self._hold(count):
                refusal = "452 4.3.1 Too much at once, come again"
            else:
                raw += piece
            if refusal:
                raw = bytearray()
                self._release()


class LmtpSession(LMTP, Session):
    """LMTP: after the mail an answer for each recipient that was taken."""

    def _for(self, told: list[str]) -> list[str]:
        return told


class Turned(asyncio.Protocol):
    """Looks who it is; the session begins only for who may come in."""

    def __init__(self, why_not: Callable[[str], str], begin: Callable[[], Session]) -> None:
        self._why_not, self._begin = why_not, begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast("asyncio.Transport", transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        if why := self._why_not(peer):
            wire.write(why.encode() + b"\r\n")
            wire.close()
            return
        session = self._begin()
        wire.set_protocol(session)
        session.connection_made(wire)
