"""A mail server for the demo and for tests on any laptop: SMTP in, IMAP with IDLE out.

Needs nothing but pip: ``aiosmtpd`` takes mails, ``pymap`` shows them. It lives in the process
that starts it, which in the demo is the parent of the node: mails survive the node's death.
Everything is in memory and bounded. A mailbox that a program empties by reading (``drop_oldest``
false) refuses further mail when it is full of unread, as real ones do; one that people only look
at loses its oldest.
"""

import asyncio
import warnings
from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct
from proxyprotocol.sock import SocketInfoLocal
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.concurrent import Event, Subsystem
from pymap.context import connection_exit, subsystem
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing.command.select import FetchCommand, SearchCommand, StoreCommand
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.parsing.specials.flag import Seen
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

MAX_MAIL_BYTES = 10_000_000


class Account(Struct, frozen=True):
    """Somebody with a mailbox. The address is the user name, for IMAP and SMTP alike."""

    address: str
    password: str = "demo"  # noqa: S105 - a played person's
    drop_oldest: bool = False


class Letter(Struct, frozen=True):
    """A mail in a mailbox, oldest first; ``seen`` once somebody has read it by IMAP."""

    uid: int
    arrived: datetime
    seen: bool
    raw: bytes


class Ports(NamedTuple):
    """Where it listens, on loopback and without TLS."""

    smtp: int
    imap: int


class UnkeepableMailError(Exception):
    """A mail that pymap cannot hold."""


class _Config(Config):
    @property
    def greeting(self) -> bytes:
        # pymap would ask the name service who we are, which can take seconds on a laptop.
        return b"Switchroom demo mail server ready"


class _Box(MailboxData):
    """A mailbox whose IDLE also tells of what came just before it.

    pymap waits for the *next* change: a mail that arrives between the end of the last command and
    the beginning of IDLE would be announced with the one after it.
    """

    async def update_selected(
        self, selected: SelectedMailbox, *, wait_on: Event | None = None
    ) -> SelectedMailbox:
        if selected.mod_sequence != self._mod_sequences.highest:
            wait_on = None
        return await super().update_selected(selected, wait_on=wait_on)


class _Boxes(MailboxSet):
    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Box(self._content_cache, self._thread_cache)


class _State(ConnectionState):
    """A connection that tells of deleted mails only where nothing else is being told.

    pymap tells of them in the answer to UID FETCH, and joins what it says of two mails when one
    has moved into the other's place: the bytes of one under the UID of the other. With the
    deletion kept back, a mail that has just been let go is handed out for the last time.
    """

    async def do_fetch(self, cmd: FetchCommand) -> Any:
        self.selected.hide_expunged = True
        return await super().do_fetch(cmd)

    async def do_search(self, cmd: SearchCommand) -> Any:
        self.selected.hide_expunged = True
        return await super().do_search(cmd)

    async def do_store(self, cmd: StoreCommand) -> Any:
        self.selected.hide_expunged = True
        return await super().do_store(cmd)


class DemoMail:
    """Several mailboxes behind one SMTP and one IMAP port."""

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        host: str = "127.0.0.1",
        ports: Ports = Ports(0, 0),  # noqa: B008 - a tuple of two numbers, never changed
        max_mails: int = 1_000,
    ) -> None:
        self._host, self._wanted, self._max_mails = host, ports, max_mails
        self._accounts = {account.address.lower(): account for account in accounts}
        self._config = _Config(
            Namespace(proxy_protocol=None),
            host=host,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            reject_dnsbl=False,
            invalid_user_sleep=0.0,
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            proxy_protocol=ProxyProtocolVersion.get(None),
            max_append_len=MAX_MAIL_BYTES,
        )
        self._login = Login(self._config)
        self._servers: list[asyncio.Server] = []
        self._sessions: set[asyncio.Task[None]] = set()
        self._arrival = asyncio.Condition()

    @property
    def accounts(self) -> Sequence[Account]:
        """Everybody who has a mailbox."""
        return tuple(self._accounts.values())

    async def start(self) -> Ports:
        """Listen; returns the ports. Raises ``OSError`` when one is taken."""
        self._config.apply_context()
        for account in self.accounts:
            self.add(account)
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(self._smtp, self._host, self._wanted.smtp)
        self._servers.append(smtp)
        imap = await asyncio.start_server(self._serve_imap, self._host, self._wanted.imap)
        self._servers.append(imap)
        return Ports(*(server.sockets[0].getsockname()[1] for server in (smtp, imap)))

    async def stop(self) -> None:
        """Close everything; the mails are gone."""
        for server in self._servers:
            server.close()
        for session in self._sessions:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=5)
        self._servers.clear()

    def add(self, account: Account) -> None:
        """Give somebody a mailbox; one who has one keeps it, with the new password."""
        address = account.address.lower()
        self._accounts[address] = account
        self._login.users_dict[address] = UserMetadata(
            self._config, address, password=account.password
        )
        if address not in self._config.set_cache:
            self._config.set_cache[address] = (_Boxes(), FilterSet())

    async def deliver(self, raw: bytes, recipients: Iterable[str]) -> None:
        """Put a mail into mailboxes without SMTP.

        Raises ``KeyError`` for one who has none, ``UnkeepableMailError`` for a mail whose
        structure is too much for this server.
        """
        for recipient in recipients:
            box = await self._box(recipient)
            await self._make_room(box)
            mail = AppendMessage(raw, datetime.now(UTC), frozenset())
            try:
                await box.append(mail, recent=True)
            except Exception as fault:
                # pymap reads the structure at once, with a parser that gives up on some mails.
                why = f"this server cannot keep such a mail ({type(fault).__name__})"
                raise UnkeepableMailError(why) from fault
        async with self._arrival:
            self._arrival.notify_all()

    async def inbox(self, address: str) -> list[Letter]:
        """What is in the mailbox, oldest first. Raises ``KeyError`` for one who has none."""
        return [
            Letter(
                uid=message.uid,
                arrived=message.internal_date,
                seen=Seen in message.permanent_flags,
                raw=await _bytes(message),
            )
            for message in await _messages(await self._box(address))
        ]

    async def wait(self, address: str, count: int) -> list[Letter]:
        """The mailbox as soon as it holds that many mails."""
        box = await self._box(address)
        async with self._arrival:
            while len(await _messages(box)) < count:
                await self._arrival.wait()
        return await self.inbox(address)

    async def room(self, address: str) -> bool:
        """Whether the mailbox takes another mail."""
        if self._accounts[address.lower()].drop_oldest:
            return True
        messages = await _messages(await self._box(address))
        unread = sum(Seen not in message.permanent_flags for message in messages)
        return unread < self._max_mails

    async def _box(self, address: str) -> MailboxData:
        mailboxes, _ = self._config.set_cache[address.lower()]
        return await mailboxes.get_mailbox("INBOX")

    async def _make_room(self, box: MailboxData) -> None:
        """Let the oldest go, read ones first."""
        messages = await _messages(box)
        surplus = len(messages) + 1 - self._max_mails
        if surplus > 0:
            messages.sort(key=lambda message: (Seen not in message.permanent_flags, message.uid))
            await box.delete([message.uid for message in messages[:surplus]])

    # -- IMAP -------------------------------------------------------------------------------

    async def _serve_imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session is not None  # noqa: S101 - asyncio runs each connection in a task
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)
        subsystem.set(self._config.subsystem)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As pymap's own server does it, but with our ``_State``."""
        connection = IMAPConnection(
            self._config.commands, self._config, reader, writer, SocketInfoLocal(writer)
        )
        async with AsyncExitStack() as stack:
            connection_exit.set(stack)
            stack.enter_context(closing(connection))
            await connection.run(_State(self._login, self._config))

    # -- SMTP -------------------------------------------------------------------------------

    def _smtp(self) -> SMTP:
        with warnings.catch_warnings():
            # It warns of passwords without TLS; this server is for loopback.
            warnings.simplefilter("ignore")
            return _Smtp(
                _Postman(self),
                hostname="demo.mail",
                ident="Switchroom demo",
                data_size_limit=MAX_MAIL_BYTES,
                enable_SMTPUTF8=True,
                authenticator=self._authenticate,
                auth_require_tls=False,
            )

    def _authenticate(
        self, _smtp: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        """Nobody has to sign in; who does must know the password."""
        good = False
        if isinstance(data, LoginPassword):
            account = self._accounts.get(data.login.decode("utf-8", "replace").lower())
            good = account is not None and account.password.encode() == data.password
        return AuthResult(success=good, handled=False)


class _SignedIn(Session):
    """aiosmtpd fills the one field in at each sign-in, and then warns of it in the log."""

    login_data: Any = None


class _Smtp(SMTP):
    def _create_session(self) -> Session:
        return _SignedIn(self.loop)


class _Postman:
    """Answers SMTP for a ``DemoMail``."""

    def __init__(self, mail: DemoMail) -> None:
        self._mail = mail

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        known = {account.address.lower() for account in self._mail.accounts}
        if address.lower() not in known:
            return f"550 5.1.1 {address} has no mailbox here"
        if not await self._mail.room(address):
            return f"452 4.2.2 the mailbox of {address} is full of unread mail"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _smtp: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        traces = (
            f"Return-Path: <{envelope.mail_from or ''}>\r\n"
            f"Received: by demo.mail; {format_datetime(datetime.now(UTC))}\r\n"
        )
        try:
            await self._mail.deliver(traces.encode() + content, envelope.rcpt_tos)
        except UnkeepableMailError as fault:
            return f"554 5.6.0 {fault}"
        return "250 2.0.0 delivered"


async def _messages(box: MailboxData) -> list[Message]:
    return [message async for message in box.messages()]


async def _bytes(message: Message) -> bytes:
    loaded = await message.load_content(FetchRequirement.CONTENT)
    return bytes(loaded.get_body(binary=True))
