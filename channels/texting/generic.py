"""The generic form: signed JSON (Standard Webhooks) that any gateway can speak."""

from datetime import datetime
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from channels.calling import Asked, Reply, exchange
from channels.signing import headers, key_of, signed
from channels.texting.judging import judged
from channels.texting.settings import ProviderSettings
from channels.texting.wire import (
    SKEW_SECONDS,
    Arrived,
    BadHook,
    Forged,
    Hook,
    Login,
    Media,
    Report,
    Stale,
    Text,
    read_answer,
    read_json,
)
from gateway.core.errors import SendError
from gateway.ports import Clock, HttpRequest


class _Came(Struct):
    """What came in (``from``), or how far something has come (``status``)."""

    id: str
    sender: str = msgspec.field(name="from", default="")
    to: str = ""
    text: str = ""
    name: str = ""
    media: list[Media] = []
    reply_to: str = ""
    at: datetime | None = None
    reference: str = ""
    status: Literal["", "sent", "delivered", "read", "failed"] = ""
    reason: str = ""
    opted_out: bool = False


class Generic:
    """See the module's docstring, and docs/protocols/sms.md."""

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        self._said, self._clock = settings, clock
        self._keys = [key_of(secret) for secret in settings.secrets]
        self._own = key_of(settings.api_secret or settings.secret)

    def check(self, hook: Hook) -> None:
        """Time, id and body are signed, not the address."""
        said = hook.request.headers
        at = said.get("webhook-timestamp", "")
        if not signed(
            self._keys,
            said.get("webhook-id", ""),
            at,
            hook.request.body,
            said.get("webhook-signature", ""),
        ):
            raise Forged("no signature fits")
        if not (at.isascii() and at.isdigit()) or abs(hook.now - int(at)) > SKEW_SECONDS:
            raise Stale("it is old")

    def read(self, request: HttpRequest) -> list[Arrived | Report]:
        came = read_json(request.body, _Came)
        if not came.id:
            raise BadHook("id", "it is empty")
        if came.status:
            return [
                Report(
                    id=came.id,
                    message=came.reference,
                    state=came.status,
                    reason=came.reason[:300],
                    opted_out=came.opted_out,
                )
            ]
        if not came.sender:
            raise BadHook("from", "it is missing")
        return [
            Arrived(
                id=came.id,
                sender=came.sender,
                to=came.to,
                text=came.text,
                media=tuple(came.media),
                name=came.name,
                answers=came.reply_to,
                at=came.at,
                confirmed=came.opted_out,
            )
        ]

    async def send(self, text: Text) -> str:
        said: dict[str, object] = {
            "id": text.order,
            "reference": text.message,
            "to": text.to,
            "from": text.sender,
            "text": text.body,
            "media": list(text.media),
            "status_url": text.status_url,
        }
        if text.template:
            said |= {"template": text.template, "language": text.language}
            said |= {"values": list(text.values)}
        reply = await self._ask("POST", self._said.base, text.order, msgspec.json.encode(said))
        if reply.status >= 300:
            raise self._refusal(reply)
        return str(read_answer(reply.body).get("id") or text.order)

    async def find(self, text: Text) -> str | None:
        """By the id that is ours."""
        url = f"{self._said.base}/{quote(text.order, safe='')}"
        reply = await self._ask("GET", url, text.order)
        if reply.status == 404:
            return None
        if reply.status >= 300:
            raise self._refusal(reply)
        return str(read_answer(reply.body).get("id") or text.order)

    async def probe(self) -> tuple[str, str | None]:
        """There is nothing to ask for but a message that is not there."""
        what = f"messages are posted to {self._said.base}"
        try:
            reply = await self._ask("GET", f"{self._said.base}/check", "check")
        except SendError as error:
            return what, str(error)
        good = reply.status < 300 or reply.status in (404, 405)
        return what, None if good else str(self._refusal(reply))

    def login(self) -> Login | None:
        return None

    async def _ask(self, method: str, url: str, name: str, body: bytes = b"") -> Reply:
        now = int(self._clock.now().timestamp())
        return await exchange(
            Asked(
                url=url,
                method=method,
                body=body or None,
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": "Switchroom",
                    **headers(self._own, name, now, body),
                },
                private=self._said.private,
            )
        )

    def _refusal(self, reply: Reply) -> SendError:
        answer = read_answer(reply.body)
        said = str(answer.get("detail") or answer.get("title") or "")[:300]
        return judged(reply, said, self._clock.now())
