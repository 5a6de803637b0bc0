"""Customers who write mails, with the mail server between: IMAP for the node, SMTP back.

The server is the demo's (``gateway.demo.mailserver``). Mails are put into the mailbox as a
mail server does that has just taken them; answers come by SMTP to a sink that reads
``In-Reply-To`` and ``Message-ID``.
"""

import asyncio
import random
import warnings
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.load.control import Answer, serve
from bench.load.tally import Tally
from bench.work import body
from gateway.demo.mailserver import Account, DemoMail

BOX = "support@bench.example"
MOST_MAILS = 1_000_000
"""More than a day has: the mailbox never lets one go."""


class Mails:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._dice = random.Random(41)
        self._server = DemoMail([Account(address=BOX)], max_mails=MOST_MAILS)
        self._parser = BytesHeaderParser()
        self._sink: asyncio.Server | None = None

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "begin":
                return await self._begin()
            case "run":
                return await self._run(**said)
            case other:
                raise ValueError(f"mails cannot {other!r}")

    async def _begin(self) -> Answer:
        ports = await self._server.start()
        loop = asyncio.get_running_loop()
        self._sink = await loop.create_server(self._smtp, "127.0.0.1", 0)
        return {"imap": ports.imap, "smtp": self._sink.sockets[0].getsockname()[1], "box": BOX}

    def _smtp(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return SMTP(self, enable_SMTPUTF8=True, hostname="bench.mail")

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _smtp: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        head = self._parser.parsebytes(envelope.original_content or b"")
        answered = str(head.get("In-Reply-To", "")).strip().strip("<>")
        self.tally.finish(answered.partition("@")[0], str(head.get("Message-ID", "")))
        return "250 2.0.0 taken"

    def _mail(self, key: str) -> bytes:
        mail = EmailMessage()
        mail["From"] = f"Ada Example <customer-{key}@customers.example>"
        mail["To"] = BOX
        mail["Subject"] = "A charge that I do not know"
        mail["Message-ID"] = f"<{key}@customers.example>"
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail.set_content(body(self._dice, 2_000))
        return mail.as_bytes()

    async def _run(self, count: int, at_once: int) -> Answer:
        """Write ``count``, no more than ``at_once`` unanswered."""
        self.tally.begin(count, at_once)
        while (key := await self.tally.next()) is not None:
            await self._server.deliver(self._mail(key), [BOX])
        return await self.tally.done()


if __name__ == "__main__":
    serve(lambda: Mails().perform)
