"""Mail fetched from a mailbox by IMAP: the connection, its token, its check."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Never

from msgspec.structs import asdict

from channels.email.diagnose import about_certificate, listen_to, wrong_with
from channels.email.imap import Connection, Refusal, connect
from channels.email.mailbox import Mailbox
from channels.email.oauth import TokenSource
from channels.email.reader import Reader
from channels.email.settings import Imap
from channels.email.understand import Understanding
from gateway.core.errors import BadCredentials, ChannelError, Unreachable

Checked = list[tuple[str, str | None]]


class Fetching:
    """Reads one mailbox, connection after connection."""

    def __init__(
        self,
        imap: Imap,
        reader: Reader,
        *,
        tokens: TokenSource | None,
        max_bytes: int,
        understanding: Understanding,
        context: Callable[[], Awaitable[ssl.SSLContext]],
    ) -> None:
        self.reader = reader
        self._imap, self._max_bytes = imap, max_bytes
        self._understanding, self._context = understanding, context
        self._tokens = tokens

    def counts(self) -> Mapping[str, int]:
        """How the mailbox and the journal compare; see ``reading.Counts``."""
        return asdict(self.reader.counts)

    def last_success(self) -> datetime | None:
        """When all that was in the mailbox had been stored."""
        return self.reader.looked_at

    async def run(self, ready: Callable[[], None]) -> Never:
        """Read until cancelled. Raises ``ChannelError``."""
        connection = await self.connect()
        try:
            box = await Mailbox.select(connection, self._imap)
            await self.reader.run(box, ready)
        except Refusal as refusal:
            raise Unreachable(f"{self._imap.host} refuses: {refusal}") from refusal
        except asyncio.CancelledError:
            await self._understanding.leave()
            raise
        finally:
            await connection.close()

    async def connect(self) -> Connection:
        """Signed in. Raises ``ChannelError``."""
        tls = await self._context()
        token = await self._tokens.get() if self._tokens else ""
        try:
            return await connect(self._imap, self._max_bytes, tls, token)
        except BadCredentials:
            if self._tokens:
                self._tokens.forget()
            raise

    async def check(self) -> Checked:
        """Really connect and open the folder; nothing is read or marked."""
        said = self._imap
        signing_in = f"IMAP {said.host}:{said.port} ({said.security}) as {said.user}"
        heard = await listen_to(said.host, said.port, said.security)
        if wrong := wrong_with("IMAP", said.host, said.port, said.security, heard):
            return [(signing_in, wrong)]
        try:
            connection = await self.connect()
        except ChannelError as fault:
            return [(signing_in, about_certificate(fault, said.host) or str(fault))]
        opening = f"folder {said.folder}"
        try:
            await Mailbox.select(connection, said)
        except (ChannelError, Refusal) as fault:
            return [(signing_in, None), (opening, str(fault))]
        else:
            told = "new mail is announced" if connection.has("IDLE") else "asked now and then"
            return [(signing_in, None), (f"{opening}: {connection.exists} mails, {told}", None)]
        finally:
            await connection.close()
