"""Customers who write mails: put into a real mailbox by IMAP, answered to an SMTP server.

The server takes its time to say that it has taken a mail, so that a kill finds attempts open.
"""

import asyncio
import imaplib
import random
import time
import warnings
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import format_datetime
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.load.control import Answer, busy, serve
from bench.load.town.marks import mark_of, new_mark

HOST = "127.0.0.1"


class Letters:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.written: list[list[Any]] = []
        """[time, mark]: the mail server has it."""
        self.got: list[list[Any]] = []
        """[begun, ended, Message-ID, mark in the body, mark of the mail it answers]"""
        self._slow = 0.0
        self._dice = random.Random(7)
        self._box = ""
        self._stop = asyncio.Event()
        self._writing: asyncio.Future[None] | None = None
        self._sink: asyncio.Server | None = None
        self._login = (0, "", "")
        self._attempt = asyncio.Event()

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "open":
                return await self._open(**said)
            case "begin":
                return await self._begin(**said)
            case "stop":
                self._stop.set()
                return {}
            case "attempt":
                self._attempt.clear()
                await self._attempt.wait()
                return {}
            case "how":
                answered = {entry[4] for entry in self.got}
                return {
                    "open": busy(self._writing)
                    + sum(entry[1] not in answered for entry in self.written),
                    "sending": sum(entry[1] is None for entry in self.got[-20:]),
                }
            case "log":
                box = await asyncio.to_thread(self._look) if self._login[0] else []
                return {"written": self.written, "got": self.got, "mailbox": box}
            case other:
                raise ValueError(f"letters cannot {other!r}")

    async def _open(self, slow: float, port: int = 0) -> Answer:
        """The customers' mail server; ``slow``: until it says that it has taken a mail."""
        self._slow = slow
        loop = asyncio.get_running_loop()
        self._sink = await loop.create_server(self._smtp, HOST, port)
        return {"smtp": self._sink.sockets[0].getsockname()[1]}

    async def _begin(
        self, imap: int, user: str, password: str, box: str, pace: list[float]
    ) -> Answer:
        self._login, self._box = (imap, user, password), box
        self._stop.clear()
        self._writing = asyncio.get_running_loop().create_task(self._write(pace))
        return {}

    async def _write(self, pace: list[float]) -> None:
        client = await asyncio.to_thread(self._connect)
        while not self._stop.is_set():
            await asyncio.sleep(self._dice.uniform(*pace))  # the rate of the traffic
            mark = new_mark()
            status, answer = await asyncio.to_thread(
                client.append, "INBOX", "", "", self._mail(mark)
            )
            if status != "OK":
                raise RuntimeError(f"the mail server does not take a mail: {answer!r}")
            self.written.append([time.monotonic(), mark])
        await asyncio.to_thread(client.logout)

    def _connect(self) -> imaplib.IMAP4:
        port, user, password = self._login
        client = imaplib.IMAP4(HOST, port, timeout=30)
        client.login(user, password)
        return client

    def _look(self) -> list[list[str]]:
        """[mark, flags] of every mail in the mailbox."""
        client = self._connect()
        try:
            client.select("INBOX", readonly=True)
            _, rows = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        finally:
            client.logout()
        return [
            [mark_of(row[1].decode()), row[0].decode().partition("FLAGS (")[2].partition(")")[0]]
            for row in rows
            if isinstance(row, tuple)
        ]

    def _mail(self, mark: str) -> bytes:
        mail = EmailMessage()
        mail["From"] = f"Ada Example <{mark}@customers.example>"
        mail["To"] = self._box
        mail["Subject"] = f"A charge {mark}"
        mail["Message-ID"] = f"<{mark}@customers.example>"
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail.set_content(f"I do not know this charge. {mark}")
        return mail.as_bytes()

    def _smtp(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return SMTP(self, enable_SMTPUTF8=True, hostname="customers.example")

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _smtp: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        begun = time.monotonic()
        mail = BytesParser(policy=default).parsebytes(envelope.original_content or b"")
        body = mail.get_body(("plain",))
        said = mark_of(body.get_content() if body is not None else "")
        answers = mark_of(str(mail["In-Reply-To"]))
        entry = [begun, None, str(mail["Message-ID"]), said, answers]
        self.got.append(entry)
        self._attempt.set()
        try:
            await asyncio.sleep(self._slow)
        finally:  # who sends may be killed meanwhile
            entry[1] = time.monotonic()
        return "250 2.0.0 taken"


if __name__ == "__main__":
    serve(lambda: Letters().perform)
