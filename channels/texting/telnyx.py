"""Telnyx: SMS and MMS by API v2."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct, field

from channels.calling import Reply
from channels.texting.asking import ask_json
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
    Reported,
    Stale,
    Text,
    read_answer,
    read_json,
)
from gateway.core.errors import OutcomeUnknown, SendError, WantsNone
from gateway.ports import Clock, HttpRequest

_STATES: Mapping[str, Reported] = {
    **dict.fromkeys(("queued", "sending", "sent", "delivery_unconfirmed"), "sent"),
    **dict.fromkeys(("sending_failed", "delivery_failed", "expired"), "failed"),
    "delivered": "delivered",
    "read": "read",
}
_OPTED_OUT = frozenset({"40300"})


class _Party(Struct):
    phone_number: str = ""
    status: str = ""


class _File(Struct):
    url: str
    content_type: str | None = None


class _Problem(Struct):
    code: str = ""
    title: str = ""
    detail: str | None = None


class _Payload(Struct):
    id: str
    direction: str = ""
    sender: _Party = field(name="from", default_factory=_Party)
    to: list[_Party] = []
    text: str | None = None
    media: list[_File] | None = None
    tags: list[str] | None = None
    errors: list[_Problem] | None = None


class _Event(Struct):
    event_type: str
    payload: _Payload


class _Hook(Struct):
    data: _Event


class Telnyx:
    """See the module's docstring."""

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        self._said, self._clock = settings, clock
        self._keys = [_key(secret) for secret in settings.secrets]

    def check(self, hook: Hook) -> None:
        """The signature covers time and body, not the address."""
        at = hook.request.headers.get("telnyx-timestamp", "")
        try:
            said = base64.b64decode(
                hook.request.headers.get("telnyx-signature-ed25519", ""), validate=True
            )
        except (binascii.Error, ValueError) as error:
            raise Forged("the signature is no base64") from error
        if not any(_fits(key, said, at.encode() + b"|" + hook.request.body) for key in self._keys):
            raise Forged("no signature fits")
        if not (at.isascii() and at.isdigit()) or abs(hook.now - int(at)) > SKEW_SECONDS:
            raise Stale("it is old")

    def read(self, request: HttpRequest) -> list[Arrived | Report]:
        event = read_json(request.body, _Hook).data
        told = event.payload
        if not told.id:
            raise BadHook("data.payload.id", "it is empty")
        if event.event_type == "message.received":
            if not told.sender.phone_number:
                raise BadHook("data.payload.from.phone_number", "it is missing")
            return [
                Arrived(
                    id=told.id,
                    sender=told.sender.phone_number,
                    to=told.to[0].phone_number if told.to else "",
                    text=told.text or "",
                    media=tuple(
                        Media(url=one.url, type=one.content_type or "") for one in told.media or ()
                    ),
                )
            ]
        if not event.event_type.startswith("message."):
            return []
        status = told.to[0].status if told.to else ""
        state = _STATES.get(status)
        if state is None:
            raise BadHook("data.payload.to[0].status", f"{status[:40]!r} is unknown")
        problems = told.errors or []
        words = "; ".join(f"{one.code} {one.title} {one.detail or ''}".strip() for one in problems)
        return [
            Report(
                id=told.id,
                message=(told.tags or [""])[0],
                state=state,
                reason=(f"{status}: {words}" if words else status)[:300],
                opted_out=any(one.code in _OPTED_OUT for one in problems),
            )
        ]

    async def send(self, text: Text) -> str:
        said: dict[str, Any] = {
            "from": text.sender,
            "to": text.to,
            "text": text.body,
            "tags": [text.message],
        }
        if text.media:
            said["media_urls"] = list(text.media)
        if text.status_url:
            said["webhook_url"] = text.status_url
        reply = await self._ask("POST", "/v2/messages", msgspec.json.encode(said))
        if reply.status >= 300:
            raise self._refusal(reply)
        data = read_answer(reply.body).get("data")
        if not isinstance(data, dict) or not data.get("id"):
            raise OutcomeUnknown("the provider said yes, and not under which id")
        return str(data["id"])

    async def probe(self) -> tuple[str, str | None]:
        try:
            reply = await self._ask("GET", "/v2/balance")
        except SendError as error:
            return "Telnyx account", str(error)
        return "Telnyx account", None if reply.status < 300 else str(self._refusal(reply))

    def login(self) -> Login | None:
        return None

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        return await ask_json(self._said, f"Bearer {self._said.api_secret}", method, path, body)

    def _refusal(self, reply: Reply) -> SendError:
        problems = read_answer(reply.body).get("errors")
        first = problems[0] if isinstance(problems, list) and problems else {}
        first = first if isinstance(first, dict) else {}
        code = str(first.get("code") or "")
        said = f"{code} {first.get('title') or ''} {first.get('detail') or ''}".strip()[:300]
        if code in _OPTED_OUT:
            return WantsNone(f"whoever is there wants no more messages ({said})")
        return judged(reply, said, self._clock.now())


def _key(secret: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(secret, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError("secret: the public key of the account, base64 of 32 bytes") from error


def _fits(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
