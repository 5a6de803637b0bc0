"""A mail to the SMTP server, and what each failure means for the outbox.

Until the mail's bytes are under way a failure has had no effect and can be repeated. Once they
are, a lost connection leaves the outcome unknown: SMTP cannot be asked.
"""

import ssl

import aiosmtplib

from channels.email.compose import Composed
from channels.email.settings import Smtp
from channels.email.text import one_line
from gateway.core.errors import OutcomeUnknown, SendError, TryAgain, Undeliverable

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 60.0
DATA_SECONDS = 600.0
"""RFC 5321 section 4.5.3.2.6: so long may a server think about a mail before it takes it."""

_OUR_FAULT = frozenset({530, 534, 535, 538})
"""Sign-in wanted or refused: wrong settings, not a wrong mail; it waits until they are right."""


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
            client.close()
            raise TryAgain(
                f"{where} refuses {said.user}: {_said(refused)}; check smtp.user and smtp.password"
            ) from refused
        except (aiosmtplib.SMTPException, OSError) as fault:
            client.close()
            raise TryAgain(f"{where}: {_said(fault)}") from fault
        except BaseException:
            client.close()
            raise
        return client

    async def send(self, mail: Composed, token: str = "") -> dict[str, str]:
        """One attempt. Returns the recipients that were refused while others were taken.

        Raises ``TryAgain``, ``Undeliverable`` or ``OutcomeUnknown``.
        """
        client = await self.open(token)
        try:
            client.timeout = ANSWER_SECONDS
            refused = await self._envelope(client, mail)
            await self._data(client, mail.data)
        finally:
            # No QUIT: its answer could only delay us. The server has the mail, or we have said so.
            client.close()
        return refused

    async def _envelope(self, client: aiosmtplib.SMTP, mail: Composed) -> dict[str, str]:
        refusals: dict[str, aiosmtplib.SMTPResponseException] = {}
        try:
            await client.mail(mail.sender)
            for recipient in mail.recipients:
                try:
                    await client.rcpt(recipient)
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
        return {recipient: _said(refusal) for recipient, refusal in refusals.items()}

    async def _data(self, client: aiosmtplib.SMTP, data: bytes) -> None:
        try:
            await client.data(data, timeout=DATA_SECONDS)
        except aiosmtplib.SMTPResponseException as refusal:
            raise _judged(refusal) from refusal
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise OutcomeUnknown(
                f"the connection was lost while the mail was under way: {_said(fault)}"
            ) from fault


def _judged(refusal: aiosmtplib.SMTPResponseException) -> SendError:
    if 500 <= refusal.code < 600 and refusal.code not in _OUR_FAULT:
        return Undeliverable(_said(refusal))
    return TryAgain(_said(refusal))


def _said(fault: BaseException) -> str:
    if isinstance(fault, aiosmtplib.SMTPResponseException):
        return one_line(f"{fault.code} {fault.message}", 300)
    return one_line(str(fault) or type(fault).__name__, 300)
