"""A real SMTP server (aiosmtpd) that keeps what it takes, and fails where it is told to."""

import asyncio
import ssl
import warnings
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Taken:
    sender: str
    recipients: list[str]
    data: bytes


@dataclass
class Plan:
    """What the next mails meet: answers by recipient, an answer to DATA, or a lost connection."""

    recipients: dict[str, str] = field(default_factory=dict)
    data: str = ""
    lose: Literal["", "before", "after"] = ""
    user: str = ""
    password: str = ""


class SmtpSink:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.taken: list[Taken] = []
        self.plan = Plan()
        self.port = 0
        self.most = 33_554_432
        self.utf8 = False
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        with warnings.catch_warnings():
            # It warns of passwords without TLS: on loopback, in a test, that is the intention.
            warnings.simplefilter("ignore")
            return SMTP(
                self,
                hostname="sink.example",
                data_size_limit=self.most,
                enable_SMTPUTF8=self.utf8,
                tls_context=self._tls,
                require_starttls=self._tls is not None,
                authenticator=self._authenticate,
                auth_required=bool(self.plan.user),
                auth_require_tls=False,
            )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        wanted = (self.plan.user.encode(), self.plan.password.encode())
        good = isinstance(data, LoginPassword) and (data.login, data.password) == wanted
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.plan.recipients.get(address, "")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.plan.lose == "before":
            self._drop(server)
        if self.plan.data:
            return self.plan.data
        data = envelope.original_content or b""
        self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), data))
        if self.plan.lose == "after":
            self._drop(server)
        return "250 taken"

    @staticmethod
    def _drop(server: SMTP) -> None:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
