"""The e-mail channel: mail fetched by IMAP or brought by mail servers, answered by SMTP."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Never

import aiosmtplib

from channels.email import proving
from channels.email.addresses import Address, addresses, valid
from channels.email.compose import compose
from channels.email.diagnose import about_certificate, listen_to, wrong_with
from channels.email.direct import Direct
from channels.email.door import Doors
from channels.email.fetching import Fetching
from channels.email.letting_in import LettingIn
from channels.email.oauth import TokenSource
from channels.email.parse import Envelope, MailParser
from channels.email.probe import prove
from channels.email.reader import Reader
from channels.email.reading import Pace, Source
from channels.email.send import Sender, leave, refuses
from channels.email.settings import Imap, OAuth2, Settings
from channels.email.tokens import SharedTokens
from channels.email.understand import Understanding, understood
from channels.language import GUESS
from gateway.core.errors import (
    BadSetup,
    ChannelError,
    Refused,
    SendError,
    TryAgain,
    Undeliverable,
)
from gateway.core.model import ChannelKind
from gateway.core.replytoken import with_token
from gateway.ports import (
    Consent,
    ConsentWay,
    Inbound,
    Limits,
    Outbound,
    Proof,
    Receipt,
    Route,
    Services,
    Step,
)


class EmailChannel:
    """One address. Satisfies ``gateway.ports.Channel``."""

    kind = ChannelKind.EMAIL

    def __init__(
        self,
        settings: Settings,
        services: Services,
        understanding: Understanding,
        pace: Pace | None = None,
        doors: Doors | None = None,
    ) -> None:
        self.name = settings.name
        self.limits = Limits(
            max_text=200_000,
            html=True,
            subject=True,
            max_attachment_bytes=settings.max_attached_bytes,
        )
        self._settings, self._services = settings, services
        self._own = own_address(settings)
        others = (a.address for alias in settings.aliases for a in addresses(alias))
        self._addresses = frozenset({self._own.address, *others})
        self._tls: ssl.SSLContext | None = None
        self._memory = services.anywhere or services.memory
        self._tokens = SharedTokens(self._memory, self.name, services.clock)
        self._smtp_tokens = self._source_of(settings.smtp.oauth2)
        imap = settings.imap
        self._where = f"in {imap.folder} of {imap.user} at {imap.host}" if imap else ""
        self._parser = understanding.parser
        self._incoming = self._source(understanding, pace, doors)

    def _source(
        self, understanding: Understanding, pace: Pace | None, doors: Doors | None
    ) -> Fetching | Direct:
        said, services = self._settings, self._services
        if said.receive is not None:
            return Direct(
                said.receive,
                self._addresses,
                doors or Doors(understanding.brought, self._hostname()),
                envelope=self._envelope,
                clock=services.clock,
                intake=services.intake,
                understanding=understanding,
            )
        if said.imap is None:
            raise BadSetup(f"channel {self.name}: neither imap nor receive")
        source = Source(
            channel=self.name,
            folder=said.imap.folder,
            envelope=self._envelope,
            max_bytes=said.max_bytes,
        )
        reader = Reader(
            source,
            clock=services.clock,
            intake=services.intake,
            memory=services.memory,
            understanding=understanding,
            pace=pace or Pace(poll=said.poll_seconds),
        )
        return Fetching(
            said.imap,
            reader,
            tokens=self._source_of(said.imap.oauth2),
            max_bytes=said.max_bytes,
            understanding=understanding,
            context=self._context,
        )

    def _source_of(self, oauth2: OAuth2 | None) -> TokenSource | None:
        return TokenSource(oauth2, self._services.clock, self._tokens) if oauth2 else None

    @property
    def reader(self) -> Reader:
        """What reads the mailbox, where there is one."""
        if isinstance(self._incoming, Direct):
            raise BadSetup(f"channel {self.name} reads no mailbox")
        return self._incoming.reader

    def routes(self) -> Sequence[Route]:
        """Nothing is served: mail comes through the mailbox."""
        return ()

    def counts(self) -> Mapping[str, int]:
        """How what is outside and the journal compare: ``reading.Counts``, ``DirectCounts``."""
        return self._incoming.counts()

    def last_success(self) -> datetime | None:
        """When all that was outside had been stored, as far as we know."""
        return self._incoming.last_success()

    # -- in ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> Never:
        """Bring mail in until cancelled. Raises ``ChannelError``."""
        await asyncio.to_thread(self._parser.language.warm)
        await self._incoming.run(ready)

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return self._tls

    def _envelope(self, key: str, arrived: datetime, size: int) -> Envelope:
        return Envelope(
            channel=self.name,
            key=key,
            at=arrived,
            own=self._addresses,
            authserv_id=self._settings.authserv_id,
            size=size,
            where=self._where,
            join_seconds=self._settings.join_days * 86_400,
        )

    def read_again(self, raw: bytes, key: str, at: datetime) -> Inbound:
        """A quarantined mail's bytes once more, with what the parser has learnt since."""
        return understood(self._parser, raw, self._envelope(key, at, len(raw)))[0]

    # -- out --------------------------------------------------------------------------------

    def source(self, out: Outbound) -> bytes:
        """The bytes that a message leaves as. Raises ``Undeliverable``."""
        return compose(out, self._own, self._settings.reply_token).data

    async def send(self, out: Outbound) -> Receipt:
        """One attempt by SMTP. Raises ``SendError``."""
        if out.purpose != "message" or out.message is None:
            raise Undeliverable("e-mail carries messages, nothing else")
        mail = await asyncio.to_thread(compose, out, self._own, self._settings.reply_token)
        try:
            token = await self._smtp_token()
        except ChannelError as fault:
            raise TryAgain(str(fault)) from fault
        taken = await (await self._sender()).send(mail, token)
        told = "; ".join(f"{address}: {why}" for address, why in taken.refused.items())
        return Receipt(
            external_id=mail.message_id,
            reason=f"not taken for {told}" if told else "",
            later=taken.later,
        )

    async def _sender(self) -> Sender:
        return Sender(self._settings.smtp, self._hostname(), await self._context())

    def _hostname(self) -> str:
        domain = self._own.address.rpartition("@")[2]
        return domain if domain.isascii() else "localhost"

    async def _smtp_token(self) -> str:
        return await self._smtp_tokens.get() if self._smtp_tokens else ""

    # -- switchroom check -------------------------------------------------------------------

    async def check(self) -> list[tuple[str, str | None]]:
        """Really connect, or listen for a moment; nothing is read, marked or sent."""
        return [*await self._incoming.check(), await self._check_smtp()]

    async def send_proof(self) -> Proof:
        """Send a mail to ourselves. Raises ``Refused`` where it cannot be looked for."""
        self._mailbox()
        try:
            token = await self._smtp_token()
        except ChannelError as fault:
            signing_in = Step(what="signing in at the SMTP server", fix=str(fault))
            return Proof(marks=(), began=self._services.clock.now(), steps=(signing_in,), done=True)
        return await proving.sent(self._own, await self._sender(), token, self._services.clock)

    async def look_for_proof(self, proof: Proof) -> Proof:
        """Whether it has come."""
        fetching, imap = self._mailbox()
        return await proving.looked(self._own, fetching, imap, proof, self._services.clock)

    def _mailbox(self) -> tuple[Fetching, Imap]:
        incoming, imap = self._incoming, self._settings.imap
        if isinstance(incoming, Direct) or imap is None:
            told = "mail is brought by servers: send one to see whether it arrives"
            raise Refused("not_available", told)
        return incoming, imap

    # -- signing in at a provider -----------------------------------------------------------

    async def begin_consent(self, way: ConsentWay, back: str) -> Consent:
        """Raises ``Refused``."""
        return await self._asking().begin(way, back)

    async def consent(self) -> Consent | None:
        """How far it is, where the settings ask for it."""
        return await self._asking().look() if self._consenting() else None

    async def came_back(self, query: Mapping[str, str]) -> Consent:
        """Raises ``Refused``."""
        return await self._asking().came_back(query)

    def _consenting(self) -> OAuth2 | None:
        said = (self._settings.imap, self._settings.smtp)
        return next((one.oauth2 for one in said if one and one.oauth2 and one.oauth2.consent), None)

    def _asking(self) -> LettingIn:
        oauth2 = self._consenting()
        if oauth2 is None:
            told = "nobody signs in at a provider for this channel: set consent in oauth2"
            raise Refused("not_available", told)
        return LettingIn(oauth2, self._tokens, self._memory, self.name, self._services.clock)

    async def prove(self) -> list[tuple[str, str | None]]:
        """Send a mail to ourselves, see it arrive and remove it again."""
        incoming, imap = self._incoming, self._settings.imap
        if isinstance(incoming, Direct) or imap is None:
            told = "mail is brought by servers: send one to see whether it arrives"
            return [(told, None)]
        try:
            token = await self._smtp_token()
        except ChannelError as fault:
            return [(f"a mail to {self._own.address} arrives", str(fault))]
        sender, now = await self._sender(), self._services.clock.now()
        return await prove(self._own, sender, token, incoming, imap, now)

    async def _check_smtp(self) -> tuple[str, str | None]:
        said = self._settings.smtp
        signing_in = f"SMTP {said.host}:{said.port} ({said.security}) as {said.user or 'nobody'}"
        heard = await listen_to(said.host, said.port, said.security)
        if wrong := wrong_with("SMTP", said.host, said.port, said.security, heard):
            return (signing_in, wrong)
        try:
            client = await (await self._sender()).open(await self._smtp_token())
            try:
                refusal = await self._refuses_reply_address(client)
            finally:
                leave(client)
        except (SendError, ChannelError) as fault:
            return (signing_in, about_certificate(fault, said.host) or str(fault))
        return (signing_in, refusal)

    async def _refuses_reply_address(self, client: aiosmtplib.SMTP) -> str | None:
        """What to mend if the server does not take what our mails say that answers go to."""
        if self._settings.reply_token != "address":  # noqa: S105 - a place
            return None
        sample = with_token(self._own.address, "0-aaaaaaaaaaaa")
        said = await refuses(client, self._own.address, sample)
        if said is None:
            return None
        return (
            f"it does not take {sample}: {said}; answers would bounce: set"
            ' reply_token = "subject", or have the server know plus addresses'
        )


def own_address(settings: Settings) -> Address:
    """The address that customers write to. Raises ``BadSetup`` when it is none."""
    found = addresses(settings.address)
    if len(found) != 1 or not valid(found[0].address):
        raise BadSetup(f"channel {settings.name}: address = {settings.address!r} is no address")
    return found[0]


class EmailOpener:
    """Opens e-mail channels; they share what understands mails, with its language model."""

    def __init__(self) -> None:
        self._understanding = Understanding(MailParser(GUESS))
        self._doors = Doors(self._understanding.brought, socket.gethostname())

    def __call__(self, settings: Settings, services: Services) -> EmailChannel:
        """A channel that is not yet connected; ``run`` connects. Raises ``BadSetup``."""
        return EmailChannel(settings, services, self._understanding, doors=self._doors)
