"""A connection to an IMAP server: one command at a time, each answer awaited with patience.

Our own thin client rather than a library: see ``docs/protocols/email.md``. It holds no task.
Whatever goes wrong on the way raises a ``ChannelError`` whose class says what to do next.
"""

import asyncio
import base64
import ssl
from collections import deque

from channels.email import wire
from channels.email.settings import Imap
from channels.email.wire import Decoder, Literal, Response, Status, WireError
from gateway.core.errors import (
    BadCredentials,
    BadSetup,
    ChannelError,
    Throttled,
    Unreachable,
)

CONNECT_SECONDS = 15.0
PATIENCE = 30.0
"""Seconds without a byte from the server, while it owes us an answer, until we give it up."""

TEMPORARY = frozenset({"UNAVAILABLE", "SERVERBUG", "INUSE", "CONTACTADMIN"})
TOO_MUCH = frozenset({"LIMIT", "THROTTLED", "OVERQUOTA"})


class Refusal(Exception):
    """The server said NO or BAD to one command; the connection lives."""

    def __init__(self, status: Status) -> None:
        super().__init__(str(status))
        self.status = status


class Connection:
    """Commands and answers.

    ``grown`` is set when the server tells of new mail, at any time and with any answer; whoever
    clears it must search afterwards. A number of mails that has changed otherwise than by the
    deletions told of counts as well: some servers tell of those later, or never.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        where: str,
        max_literal: int,
    ) -> None:
        self._reader, self._writer, self._where = reader, writer, where
        self._decoder = Decoder(max_literal)
        self._ready: deque[Response] = deque()
        self._count = 0
        self.capabilities: frozenset[str] = frozenset()
        self.exists = 0
        self.grown = False

    def has(self, capability: str) -> bool:
        return capability in self.capabilities

    async def greeting(self) -> Status:
        """The server's first word. Raises ``Unreachable`` when it sends us away."""
        status = (await self._next(PATIENCE)).status()
        if status is None or status.kind not in {"OK", "PREAUTH"}:
            raise Unreachable(
                f"{self._where} does not let us in: {status or 'it is no IMAP server'}"
            )
        self._learn(status)
        return status

    async def command(self, *pieces: bytes | Literal) -> tuple[Status, list[Response]]:
        """Send one command and return how it ended with the untagged responses before that.

        Raises ``Refusal`` on NO and BAD, ``Unreachable`` when the connection is lost.
        """
        tag = self._begin()
        self._send(tag.encode())
        for piece in pieces:
            if isinstance(piece, Literal):
                self._send(b" {%d}\r\n" % len(piece.data))
                await self._flush()
                untagged, answer = await self._until(tag)
                if answer.tag != "+":
                    raise Refusal(_ended(answer))
                self._send(piece.data)
            else:
                self._send(b" " + piece)
        self._send(b"\r\n")
        await self._flush()
        untagged, answer = await self._until(tag)
        if answer.tag == "+":
            # A challenge that we cannot answer: XOAUTH2 reports its error so. Empty ends it.
            self._send(b"\r\n")
            await self._flush()
            untagged, answer = await self._until(tag)
        return self._judged(answer), untagged

    async def idle(self, seconds: float) -> None:
        """Wait until new mail is announced, at most ``seconds`` (RFC 2177)."""
        tag = self._begin()
        self._send(tag.encode() + b" IDLE\r\n")
        await self._flush()
        _, answer = await self._until(tag)
        if answer.tag != "+":
            raise Refusal(_ended(answer))
        try:
            async with asyncio.timeout(seconds):
                while not self.grown:
                    self._note(await self._next(None))
        except TimeoutError:
            pass
        self._send(b"DONE\r\n")
        await self._flush()
        _, answer = await self._until(tag)
        self._judged(answer)

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """STARTTLS; what the server said before it, in the clear, is forgotten (RFC 2595)."""
        await self.command(b"STARTTLS")
        if not self._decoder.clean or self._ready:
            raise Unreachable(f"{self._where} sent data ahead of TLS: somebody may be listening")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._writer.start_tls(context, server_hostname=host)
        except (OSError, TimeoutError) as fault:
            raise Unreachable(f"{self._where}: TLS failed: {_said(fault)}") from fault
        self.capabilities = frozenset()

    async def learn_capabilities(self) -> None:
        _, untagged = await self.command(b"CAPABILITY")
        for response in untagged:
            name, _, rest = response.text.partition(b" ")
            if name.upper() == b"CAPABILITY":
                self.capabilities = _capabilities(rest.decode("ascii", "replace"))

    async def close(self) -> None:
        """Say goodbye without waiting for an answer; never raises."""
        try:
            self._send(b"Z LOGOUT\r\n")
            self._writer.close()
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (OSError, TimeoutError, RuntimeError, Unreachable):
            self._writer.transport.abort()

    def _begin(self) -> str:
        self._count += 1
        return f"A{self._count}"

    def _send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
        except RuntimeError as fault:  # uvloop's word for a connection that was reset just now
            raise Unreachable(f"{self._where} has reset the connection") from fault

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._writer.drain()
        except (OSError, TimeoutError) as fault:
            raise Unreachable(f"{self._where}: {_said(fault)}") from fault

    async def _until(self, tag: str) -> tuple[list[Response], Response]:
        """Everything up to the end of the command, or up to a request to go on."""
        untagged: list[Response] = []
        while True:
            response = await self._next(PATIENCE)
            if response.tag in {tag, "+"}:
                return untagged, response
            if self._note(response):
                untagged.append(response)

    async def _next(self, patience: float | None) -> Response:
        while not self._ready:
            try:
                async with asyncio.timeout(patience):
                    data = await self._reader.read(262_144)
            except (OSError, TimeoutError) as fault:
                raise Unreachable(f"{self._where}: {_said(fault)}") from fault
            if not data:
                raise Unreachable(f"{self._where} closed the connection")
            try:
                self._ready.extend(self._decoder.feed(data))
            except WireError as fault:
                raise Unreachable(f"{self._where} sent what we do not take: {fault}") from fault
        return self._ready.popleft()

    def _note(self, response: Response) -> bool:
        """Learn from an untagged response; false when that was all there is to it."""
        exists = wire.counted(response, b"EXISTS")
        if exists is not None:
            self.grown = self.grown or exists != self.exists
            self.exists = exists
            return True
        if wire.counted(response, b"EXPUNGE") is not None:
            self.exists = max(0, self.exists - 1)
            return False
        status = response.status()
        if status is not None:
            self._learn(status)
            if status.kind == "BYE":
                raise Unreachable(f"{self._where} says goodbye: {status}")
        return True

    def _learn(self, status: Status) -> None:
        if status.code == "CAPABILITY":
            self.capabilities = _capabilities(status.value)

    def _judged(self, answer: Response) -> Status:
        status = _ended(answer)
        if status.kind != "OK":
            raise Refusal(status)
        self._learn(status)
        return status


def _ended(answer: Response) -> Status:
    return answer.status() or Status("BAD", "", "", answer.text.decode("ascii", "replace"))


def _capabilities(words: str) -> frozenset[str]:
    return frozenset(words.upper().split())


def _said(fault: BaseException) -> str:
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    return str(fault) or type(fault).__name__


async def connect(
    settings: Imap, max_bytes: int, context: ssl.SSLContext, token: str = ""
) -> Connection:
    """A connection that is signed in. ``token`` is the OAuth 2 access token, if one is used.

    Raises ``Unreachable``, ``Throttled``, ``BadCredentials`` or ``BadSetup``.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                settings.host,
                settings.port,
                ssl=context if settings.security == "tls" else None,
            )
    except (OSError, TimeoutError) as fault:
        raise Unreachable(f"{where}: {_said(fault)}") from fault
    connection = Connection(reader, writer, where, max_literal=max_bytes + 1_000_000)
    try:
        greeting = await connection.greeting()
        if settings.security == "starttls":
            await _secure(connection, settings, context, where)
        if not connection.capabilities:
            await connection.learn_capabilities()
        if greeting.kind != "PREAUTH":
            await _sign_in(connection, settings, where, token)
            await connection.learn_capabilities()
        if connection.has("ID"):
            await _introduce(connection)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _secure(
    connection: Connection, settings: Imap, context: ssl.SSLContext, where: str
) -> None:
    try:
        await connection.start_tls(context, settings.host)
    except Refusal as refusal:
        raise BadSetup(
            f'{where} offers no STARTTLS ({refusal}): try security = "tls", usually port 993'
        ) from refusal


async def _sign_in(connection: Connection, settings: Imap, where: str, token: str) -> None:
    if connection.has("LOGINDISABLED"):
        raise BadSetup(f'{where} lets nobody sign in without TLS: set security = "starttls"')
    try:
        if token:
            said = f"user={settings.user}\x01auth=Bearer {token}\x01\x01".encode()
            # Without SASL-IR a server would wait for a second line; all who know XOAUTH2 have it.
            await connection.command(b"AUTHENTICATE XOAUTH2 " + base64.b64encode(said))
        else:
            user, password = wire.string(settings.user), wire.string(settings.password)
            await connection.command(b"LOGIN", user, password)
    except Refusal as refusal:
        raise _why_not(refusal.status, settings.user, where) from refusal


def _why_not(status: Status, user: str, where: str) -> ChannelError:
    """Why signing in failed; only a plain NO is the password's fault."""
    if status.code in TEMPORARY:
        return Unreachable(f"{where} cannot sign {user} in just now: {status}")
    if status.code in TOO_MUCH or "too many" in status.text.lower():
        return Throttled(f"{where} asks us to slow down: {status}")
    if status.code == "PRIVACYREQUIRED":
        return BadSetup(f'{where} wants TLS: set security = "tls" or "starttls" ({status})')
    if status.kind == "BAD":
        return BadSetup(f"{where} does not understand how we sign in: {status}")
    return BadCredentials(
        f"{where} refuses {user}: {status}; check imap.user and imap.password "
        "(some providers want an app password)"
    )


async def _introduce(connection: Connection) -> None:
    """Some servers show no folder to who has not said a name (RFC 2971)."""
    try:
        await connection.command(b'ID ("name" "switchroom")')
    except Refusal:
        return
