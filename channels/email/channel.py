"""The e-mail channel: a mailbox read by IMAP, answered by SMTP."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Never

from msgspec.structs import asdict

from channels.email.addresses import Address, addresses, valid
from channels.email.compose import compose
from channels.email.imap import Connection, Refusal, connect
from channels.email.language import LanguageGuess
from channels.email.mailbox import Mailbox
from channels.email.oauth import TokenSource
from channels.email.parse import Envelope, MailParser
from channels.email.reader import Reader
from channels.email.reading import Pace, Source
from channels.email.send import Sender
from channels.email.settings import OAuth2, Settings
from channels.email.understand import Understanding
from gateway.core.errors import (
    BadCredentials,
    BadSetup,
    ChannelError,
    SendError,
    TryAgain,
    Undeliverable,
    Unreachable,
)
from gateway.core.model import ChannelKind, Delivery
from gateway.ports import Inbound, Limits, Outbound, Receipt, Route, Services


class EmailChannel:
    """One mailbox. Satisfies ``gateway.ports.Channel``."""

    kind = ChannelKind.EMAIL
    limits = Limits(max_text=200_000, html=True, subject=True, max_attachment_bytes=25_000_000)

    def __init__(
        self,
        settings: Settings,
        services: Services,
        understanding: Understanding,
        pace: Pace | None = None,
    ) -> None:
        self.name = settings.name
        self._settings, self._services = settings, services
        self._own = own_address(settings)
        others = (a.address for alias in settings.aliases for a in addresses(alias))
        self._addresses = frozenset({self._own.address, *others})
        self._tls: ssl.SSLContext | None = None
        self._tokens = {
            side: TokenSource(oauth2, services.clock)
            for side, oauth2 in (("imap", settings.imap.oauth2), ("smtp", settings.smtp.oauth2))
            if isinstance(oauth2, OAuth2)
        }
        self._understanding = understanding
        self._parser = understanding.parser
        self.reader = Reader(
            Source(
                channel=self.name,
                folder=settings.imap.folder,
                envelope=self._envelope,
                max_bytes=settings.max_bytes,
            ),
            clock=services.clock,
            intake=services.intake,
            memory=services.memory,
            understanding=understanding,
            pace=pace or Pace(poll=settings.poll_seconds),
        )

    def routes(self) -> Sequence[Route]:
        """Nothing is served: mail comes through the mailbox."""
        return ()

    def counts(self) -> Mapping[str, int]:
        """How the mailbox and the journal compare; see ``reader.Counts``."""
        return asdict(self.reader.counts)

    # -- in ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> Never:
        """Read the mailbox until cancelled. Raises ``ChannelError``."""
        await asyncio.to_thread(self._parser.language.warm)
        connection = await self._connect()
        try:
            box = await Mailbox.select(connection, self._settings.imap)
            await self.reader.run(box, ready)
        except Refusal as refusal:
            raise Unreachable(f"{self._settings.imap.host} refuses: {refusal}") from refusal
        except asyncio.CancelledError:
            await self._understanding.leave()
            raise
        finally:
            await connection.close()

    async def _connect(self) -> Connection:
        tls, token = await self._context(), await self._token("imap")
        try:
            return await connect(self._settings.imap, self._settings.max_bytes, tls, token)
        except BadCredentials:
            if token:
                self._tokens["imap"].forget()
            raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return self._tls

    async def _token(self, side: str) -> str:
        return await self._tokens[side].get() if side in self._tokens else ""

    def _envelope(self, key: str, arrived: datetime, size: int) -> Envelope:
        return Envelope(
            channel=self.name,
            key=key,
            at=arrived,
            own=self._addresses,
            authserv_id=self._settings.authserv_id,
            size=size,
        )

    def read_again(self, raw: bytes, key: str, at: datetime) -> Inbound:
        """A quarantined mail's bytes once more, with what the parser has learnt since."""
        return self._parser(raw, self._envelope(key, at, len(raw)))

    # -- out --------------------------------------------------------------------------------

    async def send(self, out: Outbound) -> Receipt:
        """One attempt by SMTP. Raises ``SendError``."""
        if out.purpose != "message" or out.message is None:
            raise Undeliverable("e-mail carries messages, nothing else")
        mail = await asyncio.to_thread(compose, out, self._own)
        try:
            token = await self._token("smtp")
        except ChannelError as fault:
            raise TryAgain(str(fault)) from fault
        refused = await (await self._sender()).send(mail, token)
        if refused:
            told = "; ".join(f"{address}: {why}" for address, why in refused.items())
            self._services.delivered(out.message, Delivery.SENT, f"not taken for {told}")
        return Receipt(external_id=mail.message_id)

    async def _sender(self) -> Sender:
        domain = self._own.address.rpartition("@")[2]
        name = domain if domain.isascii() else "localhost"
        return Sender(self._settings.smtp, name, await self._context())

    # -- switchroom check -------------------------------------------------------------------

    async def check(self) -> list[tuple[str, str | None]]:
        """Really connect to both servers; nothing is read, marked or sent."""
        return [*await self._check_imap(), await self._check_smtp()]

    async def _check_imap(self) -> list[tuple[str, str | None]]:
        said = self._settings.imap
        signing_in = f"IMAP {said.host}:{said.port} ({said.security}) as {said.user}"
        try:
            connection = await self._connect()
        except ChannelError as fault:
            return [(signing_in, str(fault))]
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

    async def _check_smtp(self) -> tuple[str, str | None]:
        said = self._settings.smtp
        signing_in = f"SMTP {said.host}:{said.port} ({said.security}) as {said.user or 'nobody'}"
        try:
            client = await (await self._sender()).open(await self._token("smtp"))
            client.close()
        except (SendError, ChannelError) as fault:
            return (signing_in, str(fault))
        return (signing_in, None)


def own_address(settings: Settings) -> Address:
    """The address that customers write to. Raises ``BadSetup`` when it is none."""
    found = addresses(settings.address)
    if len(found) != 1 or not valid(found[0].address):
        raise BadSetup(f"channel {settings.name}: address = {settings.address!r} is no address")
    return found[0]


class EmailOpener:
    """Opens e-mail channels; they share what understands mails, with its language model."""

    def __init__(self) -> None:
        self._understanding = Understanding(MailParser(LanguageGuess()))

    def __call__(self, settings: Settings, services: Services) -> EmailChannel:
        """A channel that is not yet connected; ``run`` connects. Raises ``BadSetup``."""
        return EmailChannel(settings, services, self._understanding)
