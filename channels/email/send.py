"""A mail to the SMTP server, and what each failure means for the outbox.

Until the mail's bytes are under way a failure has had no effect and can be repeated. Once they
are, a lost connection leaves the outcome unknown: SMTP cannot be asked.
"""

import asyncio
import ssl
from typing import cast

import aiosmtplib
from msgspec import Struct

from channels.email.compose import Composed
from channels.email.settings import Smtp
from channels.email.text import one_line
from gateway.core.errors import Deferred, OutcomeUnknown, SendError, TryAgain, Undeliverable

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 60.0
DATA_SECONDS = 600.0
"""RFC 5321 section 4.5.3.2.6: so long may a server think about a mail before it takes it."""

_OUR_FAULT = frozenset({530, 534, 535, 538})
"""Sign-in wanted or refused: wrong settings, not a wrong mail; it waits until they are right."""


_CLOSING = 421
"""The server goes down, or has too many of us: soon again, by another connection."""


class Taken(Struct, frozen=True):
    """What became of the recipients of a mail that the server took."""

    refused: dict[str, str]
    later: tuple[str, ...] = ()


class Sender:
    """Sends by one server: a connection for each mail, so that nothing can go stale."""

    def __init__(self, settings: Smtp, domain: str, context: ssl.SSLContext) -> None:
        self._settings, self._domain, self._context = settings, domain, context

    async def open(self, token: str = "") -> aiosmtplib.SMTP:
        """A connection that is signed in. Raises ``TryAgain``."""
        said = self._settings
        client = aiosmtplib.SMTP(
            hostname=said.host,
            port=said.port,
            use_tls=said.security == "tls",
            start_tls=said.security == "starttls",
            tls_context=self._context if said.security != "none" else None,
            local_hostname=self._domain,
            timeout=CONNECT_SECONDS,
        )
        where = f"{said.host}:{said.port}"
        try:
            await client.connect()
            if said.user and token:
                await client.auth_xoauth2(said.user, token)
            elif said.user:
                await client.login(said.user, said.password)
        except aiosmtplib.SMTPAuthenticationError as refused:
            leave(client)
            raise TryAgain(
                f"{where} refuses {said.user}: {_said(refused)}; check smtp.user and smtp.password"
            ) from refused
        except (aiosmtplib.SMTPException, OSError) as fault:
            _drop(client)
            raise TryAgain(f"{where}: {_said(fault)}") from fault
        except BaseException:
            _drop(client)
            raise
        return client

    async def send(self, mail: Composed, token: str = "") -> Taken:
        """One attempt. Returns who was refused while others were taken.

        Raises ``TryAgain``, ``Undeliverable`` or ``OutcomeUnknown``.
        """
        client = await self.open(token)
        try:
            client.timeout = ANSWER_SECONDS
            await _greet(client)
            options = _options(client, mail)
            taken = await self._envelope(client, mail, options)
            await self._data(client, mail.data)
        except (Deferred, Undeliverable):
            leave(client)
            raise
        except BaseException:
            _drop(client)
            raise
        leave(client)
        return taken

    async def _envelope(self, client: aiosmtplib.SMTP, mail: Composed, options: list[str]) -> Taken:
        refusals: dict[str, aiosmtplib.SMTPResponseException] = {}
        try:
            encoding = "utf-8" if mail.utf8 else "ascii"
            await client.mail(mail.sender, options=options, encoding=encoding)
            for recipient in mail.recipients:
                try:
                    await client.rcpt(recipient, encoding=encoding)
                except aiosmtplib.SMTPRecipientRefused as refusal:
                    refusals[recipient] = refusal
        except aiosmtplib.SMTPResponseException as refusal:
            raise _judged(refusal) from refusal
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            raise TryAgain(_said(fault)) from fault
        if len(refusals) == len(mail.recipients):
            # One that may be taken later keeps the mail alive for all of them.
            worst = min(refusals.values(), key=lambda refusal: refusal.code)
            raise _judged(worst) from worst
        return Taken(
            refused={recipient: _said(refusal) for recipient, refusal in refusals.items()},
            later=tuple(one for one, refusal in refusals.items() if _too_many_or_later(refusal)),
        )

    async def _data(self, client: aiosmtplib.SMTP, data: bytes) -> None:
        try:
            await client.data(data, timeout=DATA_SECONDS)
        except aiosmtplib.SMTPResponseException as refusal:
            raise _judged(refusal) from refusal
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise OutcomeUnknown(
                f"the connection was lost while the mail was under way: {_said(fault)}"
            ) from fault


def leave(client: aiosmtplib.SMTP) -> None:
    """Say QUIT, and wait for no answer: it could only delay us.

    Who only ends TLS is kept by some servers, which listen on in clear for minutes (Exim); a few
    dozen mails later they have no place for us.
    """
    wire = cast("asyncio.Transport | None", client.transport)
    if wire is not None and not wire.is_closing():
        wire.write(b"QUIT\r\n")
    client.close()


def _drop(client: aiosmtplib.SMTP) -> None:
    """Whatever is under way ends here; what was not sent yet is for nobody."""
    wire = cast("asyncio.Transport | None", client.transport)
    client.close()
    if wire is not None:
        wire.abort()


async def _greet(client: aiosmtplib.SMTP) -> None:
    """So that what the server can do is known. Raises ``TryAgain``."""
    if not client.is_ehlo_or_helo_needed:
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        pass  # an old server: the library says HELO, and nothing is announced
    except (aiosmtplib.SMTPException, OSError) as fault:
        raise TryAgain(_said(fault)) from fault


def _options(client: aiosmtplib.SMTP, mail: Composed) -> list[str]:
    """What MAIL says besides the sender. Raises ``Undeliverable`` for what cannot be taken."""
    options: list[str] = []
    size = client.esmtp_extensions.get("size")
    if size is not None:
        most = int(size) if size.strip().isdigit() else 0
        if 0 < most < len(mail.data):
            raise Undeliverable(
                f"the mail has {_mega(len(mail.data))} as it is sent, and the server takes"
                f" {_mega(most)} at most: send fewer or smaller files"
            )
        options.append(f"SIZE={len(mail.data)}")  # RFC 1870
    if mail.utf8:
        if not client.supports_extension("smtputf8"):
            strange = [one for one in (mail.sender, *mail.recipients) if not one.isascii()]
            raise Undeliverable(
                f"{strange[0] if strange else 'an address'} has letters before the @ that our mail"
                " server does not know (it does not announce SMTPUTF8): ask for another address"
            )
        options += ["SMTPUTF8", "BODY=8BITMIME"]  # RFC 6531
    return options


def _mega(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def _too_many_or_later(refusal: aiosmtplib.SMTPResponseException) -> bool:
    """452 and 552 mean the same of too many recipients (RFC 5321 section 4.5.3.1.10)."""
    return refusal.code < 500 or refusal.code == 552


async def refuses(client: aiosmtplib.SMTP, sender: str, recipient: str) -> str | None:
    """Why the server takes no mail to ``recipient`` for good, if it says so. None is sent."""
    try:
        await client.mail(sender)
        await client.rcpt(recipient)
    except aiosmtplib.SMTPRecipientRefused as refusal:
        return _said(refusal) if refusal.code >= 500 else None
    except (aiosmtplib.SMTPException, OSError):
        return None
    return None


def _judged(refusal: aiosmtplib.SMTPResponseException) -> SendError:
    """421 and a wrong password of ours: soon. Other 4xx: patience. 5xx: never."""
    if refusal.code == _CLOSING or refusal.code in _OUR_FAULT:
        return TryAgain(_said(refusal))
    if 500 <= refusal.code < 600:
        return Undeliverable(_said(refusal))
    return Deferred(_said(refusal))


def _said(fault: BaseException) -> str:
    if isinstance(fault, aiosmtplib.SMTPResponseException):
        return one_line(f"{fault.code} {fault.message}", 300)
    return one_line(str(fault) or type(fault).__name__, 300)
