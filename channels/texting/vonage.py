"""Vonage: SMS and WhatsApp by the Messages API, with its signed webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec
from jwt.types import Options
from msgspec import UNSET, Struct, UnsetType, field

from channels.calling import Reply
from channels.texting.asking import ask_json
from channels.texting.judging import judged
from channels.texting.outgoing import with_links
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
from gateway.core.errors import OutcomeUnknown, SendError
from gateway.ports import Clock, HttpRequest

_ONE_PICTURE = frozenset({("image/jpeg",), ("image/png",)})
"""All the files that it takes with a message; others leave as links."""
_ANY_TIME: Options = {"verify_iat": False, "verify_exp": False, "verify_nbf": False}
_STATES: Mapping[str, Reported] = {
    "submitted": "sent",
    "delivered": "delivered",
    "read": "read",
    "rejected": "failed",
    "undeliverable": "failed",
}


class _File(Struct):
    url: str
    name: str = ""
    caption: str = ""


class _Error(Struct):
    title: str | int = ""
    detail: str = ""


class _Context(Struct):
    message_uuid: str = ""


class _Profile(Struct):
    name: str = ""


class _Hook(Struct):
    """Both kinds of webhook: what came in, and how far something has come."""

    message_uuid: str
    sender: str = field(name="from", default="")
    to: str = ""
    text: str = ""
    status: str = ""
    client_ref: str = ""
    image: _File | UnsetType = UNSET
    audio: _File | UnsetType = UNSET
    video: _File | UnsetType = UNSET
    file: _File | UnsetType = UNSET
    vcard: _File | UnsetType = UNSET
    context: _Context = field(default_factory=_Context)
    profile: _Profile = field(default_factory=_Profile)
    error: _Error = field(default_factory=_Error)


class Vonage:
    """See the module's docstring. ``channel`` is Vonage's word for the kind."""

    def __init__(self, settings: ProviderSettings, clock: Clock, channel: str = "sms") -> None:
        self._said, self._clock, self._channel = settings, clock, channel

    def check(self, hook: Hook) -> None:
        """The token signs the body by its hash, not the address."""
        scheme, _, token = hook.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Forged("no token")
        claims = self._claims(token.strip())
        body = hashlib.sha256(hook.request.body).hexdigest()
        said = str(claims.get("payload_hash") or "")
        if not hmac.compare_digest(body.encode(), said.lower().encode()):
            raise Forged("the body is not what was signed")
        ours = [claims.get("api_key"), claims.get("application_id")]
        if self._said.account not in ours:
            raise Forged("it is for another account")
        at = claims.get("iat")
        if not isinstance(at, int | float) or isinstance(at, bool):
            raise Forged("it says not when")
        if abs(hook.now - at) > SKEW_SECONDS:
            raise Stale("it is old")

    def _claims(self, token: str) -> dict[str, Any]:
        # When it was made is judged here: what is old may still have come before.
        for secret in self._said.secrets:
            try:
                return dict(jwt.decode(token, secret, algorithms=["HS256"], options=_ANY_TIME))
            except jwt.InvalidTokenError:
                continue
        raise Forged("no signature fits")

    def read(self, request: HttpRequest) -> list[Arrived | Report]:
        hook = read_json(request.body, _Hook)
        if not hook.message_uuid:
            raise BadHook("message_uuid", "it is empty")
        if hook.status:
            state = _STATES.get(hook.status.lower())
            if state is None:
                raise BadHook("status", f"{hook.status[:40]!r} is unknown")
            words = f"{hook.status} {hook.error.title} {hook.error.detail}".strip()[:300]
            told = hook.client_ref
            return [Report(id=hook.message_uuid, message=told, state=state, reason=words)]
        if not hook.sender:
            raise BadHook("from", "it is missing")
        files = [
            one
            for one in (hook.image, hook.audio, hook.video, hook.file, hook.vcard)
            if isinstance(one, _File)
        ]
        text = hook.text or "\n".join(filter(None, (one.caption for one in files)))
        return [
            Arrived(
                id=hook.message_uuid,
                sender=hook.sender,
                to=hook.to,
                text=text,
                media=tuple(Media(url=one.url, name=one.name) for one in files),
                name=hook.profile.name,
                answers=hook.context.message_uuid,
            )
        ]

    async def send(self, text: Text) -> str:
        if text.media_types not in _ONE_PICTURE:
            text = with_links(text)
        common = {
            "to": text.to.removeprefix("+"),
            "from": text.sender.removeprefix("+"),
            "channel": self._channel,
            "client_ref": text.message,
        }
        if text.status_url:
            common |= {"webhook_url": text.status_url, "webhook_version": "v1"}
        said: dict[str, Any] = {"message_type": "text", "text": text.body}
        if text.template:
            said = {
                "message_type": "template",
                "template": {"name": text.template, "parameters": list(text.values)},
                "whatsapp": {"policy": "deterministic", "locale": text.language},
            }
        elif text.media:
            common["channel"] = "mms" if self._channel == "sms" else self._channel
            said = {"message_type": "image", "image": {"url": text.media[0], "caption": text.body}}
        reply = await self._ask("POST", "/v1/messages", msgspec.json.encode({**common, **said}))
        if reply.status >= 300:
            raise self._refusal(reply)
        found = read_answer(reply.body).get("message_uuid")
        if not found:
            raise OutcomeUnknown("the provider said yes, and not under which id")
        return str(found)

    async def probe(self) -> tuple[str, str | None]:
        what = f"Vonage account {self._said.account}"
        try:
            reply = await self._ask("GET", f"/account/get-balance?api_key={self._said.account}")
        except SendError as error:
            return what, str(error)
        return what, None if reply.status < 300 else str(self._refusal(reply))

    def login(self) -> Login | None:
        return None

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        pair = f"{self._said.account}:{self._said.api_secret or self._said.secret}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await ask_json(self._said, basic, method, path, body)

    def _refusal(self, reply: Reply) -> SendError:
        answer = read_answer(reply.body)
        said = f"{answer.get('title') or ''} {answer.get('detail') or ''}".strip()[:300]
        return judged(reply, said, self._clock.now())
