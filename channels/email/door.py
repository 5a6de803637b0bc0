"""Where a mail server brings us mail itself, by SMTP or LMTP, instead of our fetching it.

A ``Door`` is one address that we listen on; all channels that name it share it, and the recipient
tells them apart. The answer 250 comes after the journal has the mail. Whoever may come in is held
to so many connections, so many bytes at once and so much time.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from aiosmtpd.smtp import Session as Peer
from msgspec import Struct

from channels.email.budget import Budget
from channels.email.serving import LmtpSession, Session, Turned
from channels.email.settings import Receive
from channels.email.text import one_line
from gateway.core.errors import BadSetup, Unreachable

ANSWER_SECONDS = 60.0
"""How long a mail server waits for 250 until it is told to come again; it would wait longer."""
FAREWELL_SECONDS = 5.0
MOST_RECIPIENTS = 100

_log = structlog.get_logger("email")


class Delivered(Struct, frozen=True, kw_only=True):
    """A mail as it was handed to us. ``raw`` is what came, without anything of ours."""

    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    helo: str
    peer: str
    by: str
    protocol: str


class NotNow(Exception):
    """It cannot be stored just now; in words for whoever brought it."""


class Taker(Protocol):
    """A channel, as the door knows it."""

    addresses: frozenset[str]

    async def take(self, mail: Delivered) -> str:
        """Store it; returns what it is called here. Raises ``NotNow``."""
        ...


def owner(address: str, own: Collection[str]) -> str:
    """Which of our addresses this one means: itself, or without what stands behind a plus."""
    local, at, domain = address.strip().lower().rpartition("@")
    try:
        domain = domain.encode("ascii").decode("idna") if domain.isascii() else domain
    except UnicodeError:
        return ""
    for name in (local, local.partition("+")[0]):
        for form in (domain, _ascii(domain)):
            if f"{name}{at}{form}" in own:
                return f"{name}{at}{form}"
    return ""


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def tls_of(said: Receive) -> ssl.SSLContext | None:
    """For STARTTLS. Raises ``BadSetup``."""
    if not said.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(said.certificate, said.key or None)
    except (OSError, ssl.SSLError) as fault:
        raise BadSetup(
            f"receive.certificate: {said.certificate} with receive.key {said.key or '(the same)'} "
            f"cannot be used: {fault}"
        ) from fault
    return context


class Door:
    """See the module's docstring. Handles the commands of every session (aiosmtpd's hooks)."""

    def __init__(self, said: Receive, budget: Budget, hostname: str) -> None:
        self.said, self.budget, self.hostname = said, budget, hostname
        self.takers: list[Taker] = []
        self.sessions: set[Session] = set()
        self.closing = False
        self.tls = tls_of(said)
        self._away: set[str] = set()
        self._networks = [ipaddress.ip_network(one) for one in said.allow]
        self._server: asyncio.Server | None = None

    # -- open and closed --------------------------------------------------------------------

    async def open(self) -> None:
        """Raises ``BadSetup`` or ``Unreachable``."""
        self._server = await listening(self.said, self._admit)

    async def close(self) -> None:
        """Nobody new; who is being answered gets the answer, the others are sent away."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        for session in list(self.sessions):
            session.farewell()
        async with asyncio.timeout(FAREWELL_SECONDS) as patience:
            try:
                while self.sessions:
                    await next(iter(self.sessions)).over.wait()
            except asyncio.CancelledError:
                if not patience.expired():
                    raise
        # What is left has had its time.

    def abort(self) -> None:
        for session in list(self.sessions):
            session.abort()

    def expect(self, addresses: Iterable[str]) -> None:
        """Of these it is known that they are ours; while nobody takes their mail it must wait."""
        self._away |= set(addresses)

    def _admit(self) -> asyncio.Protocol:
        return Turned(self._why_not, self._session)

    def _why_not(self, peer: str) -> str:
        """Why this peer is not let in, as an answer; nothing: it is."""
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return "554 5.7.1 Nobody knows who you are"
        plain = getattr(address, "ipv4_mapped", None) or address
        if not any(plain in network for network in self._networks):
            _log.warning("a mail server that is not allowed was sent away", peer=peer)
            return "554 5.7.1 Your address may not deliver here (receive.allow)"
        if self.closing or len(self.sessions) >= self.said.max_connections:
            return "421 4.3.2 Too busy, come again"
        return ""

    def _session(self) -> Session:
        made = (LmtpSession if self.said.protocol == "lmtp" else Session)(self)
        self.sessions.add(made)
        return made

    # -- what mail servers say (aiosmtpd calls these by name) ----------------------------------

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: Session, session: Peer, _envelope: object, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = server.helo = name
        kept = [a for a in answers[:-1] if not a.startswith("250-AUTH")]
        return [*kept, "250 PIPELINING"]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Session, _session: Peer, _envelope: object, sender: str, options: list[str]
    ) -> str:
        if self.closing:
            return "421 4.3.2 Stopping, come again"
        if self.said.require_tls and not server.encrypted:
            return "530 5.7.0 Must issue a STARTTLS command first"
        said = next((o[5:] for o in options if o.startswith("SIZE=")), "")
        if not server.room_for(int(said) if said.isdigit() else 0):
            return "452 4.3.1 Too much at once, come again"
        server.begin(sender, options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Session, _session: Peer, _envelope: object, address: str, _options: list[str]
    ) -> str:
        if len(server.recipients) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if self._taker(address) is None:
            if owner(address, self._away):
                return "450 4.2.1 Not taken just now, come again"
            return "550 5.1.1 There is no such address here"
        server.recipients.append(address)
        return "250 2.1.5 OK"

    def _taker(self, address: str) -> Taker | None:
        return next((one for one in self.takers if owner(address, one.addresses)), None)

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours must not send the mail back to who wrote it."""
        _log.error("a mail that was brought could not be dealt with", exc_info=error)
        return "451 4.3.0 Something is wrong here, come again"

    async def taken(self, server: Session, raw: bytes) -> list[str]:
        """An answer for each recipient, in their order."""
        answers: dict[int, str] = {}
        out = []
        for recipient in server.recipients:
            taker = self._taker(recipient)
            if taker is None:
                out.append(f"451 4.2.1 <{recipient}> is not taken just now")
                continue
            if id(taker) not in answers:
                answers[id(taker)] = await self._answer(server, taker, raw)
            out.append(answers[id(taker)])
        return out

    async def _answer(self, server: Session, taker: Taker, raw: bytes) -> str:
        theirs = tuple(r for r in server.recipients if owner(r, taker.addresses))
        mail = Delivered(
            raw=raw,
            sender=server.sender,
            recipients=theirs,
            helo=server.helo,
            peer=server.peer,
            by=self.hostname,
            protocol=self.said.protocol.upper() + ("S" if server.encrypted else ""),
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return f"250 2.0.0 Kept as {await taker.take(mail)}"
        except NotNow as why:
            return f"451 4.3.0 Not stored: {one_line(str(why), 300)}"
        except TimeoutError:
            return "451 4.3.0 Not stored in time, come again"
        except Exception as fault:  # noqa: BLE001 - with LMTP the others still get their answers
            return await self.handle_exception(fault)


async def listening(said: Receive, factory: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Raises ``BadSetup`` or ``Unreachable``."""
    loop = asyncio.get_running_loop()
    host, port = said.where()
    try:
        return await loop.create_server(factory, host, port)
    except PermissionError as fault:
        raise BadSetup(
            f"receive.listen: {said.listen} needs rights that this process lacks; take a port "
            f"from 1024 on ({fault.strerror})"
        ) from fault
    except OSError as fault:
        raise Unreachable(f"cannot listen on {said.listen}: {fault.strerror or fault}") from fault


class Doors:
    """The doors of a process, by where they are."""

    def __init__(self, budget: Budget, hostname: str) -> None:
        self._budget, self._hostname = budget, hostname
        self._doors: dict[str, Door] = {}
        self._expected: dict[str, set[str]] = {}
        self._one_at_a_time = asyncio.Lock()

    def expect(self, said: Receive, addresses: Iterable[str]) -> None:
        """A channel will take mail for these; until then, and while it is paused, it waits."""
        self._expected.setdefault(said.listen, set()).update(addresses)
        if (door := self._doors.get(said.listen)) is not None:
            door.expect(addresses)

    @asynccontextmanager
    async def through(self, said: Receive, taker: Taker) -> AsyncIterator[None]:
        """Mail for this taker comes in as long as it lasts. Raises ``ChannelError``."""
        async with self._one_at_a_time:
            door = await self._opened(said)
            for other in door.takers:
                if both := other.addresses & taker.addresses:
                    raise BadSetup(f"two channels take mail for {min(both)} at {said.listen}")
            door.takers.append(taker)
        try:
            yield
        finally:
            door.takers.remove(taker)
            if not door.takers and self._doors.get(said.listen) is door:
                del self._doors[said.listen]
                try:
                    await door.close()
                finally:
                    door.abort()

    async def _opened(self, said: Receive) -> Door:
        door = self._doors.get(said.listen)
        if door is None:
            door = Door(said, self._budget, self._hostname)
            door.expect(self._expected.get(said.listen, ()))
            await door.open()
            self._doors[said.listen] = door
        elif door.said != said:
            raise BadSetup(
                f"another channel listens on {said.listen} with other settings: receive must be "
                "the same in both"
            )
        return door
