"""Asking Telegram."""

from typing import Any

import msgspec
from msgspec import Struct

from channels.calling import Asked, Reply, exchange
from channels.telegram.settings import Settings
from channels.telegram.wire import Update
from channels.texting.judging import MOST_AFTER, judged
from channels.texting.wire import BadHook, read_answer, read_json
from gateway.core.errors import (
    BadCredentials,
    OutcomeUnknown,
    SendError,
    Throttled,
    TryAgain,
    Unreachable,
    WantsNone,
)
from gateway.ports import Clock

WAIT_SECONDS = 25
"""So long Telegram holds a question back until something comes."""
MOST = 100
MAX_UPDATES = 8_000_000


class Hooked(Exception):
    """A webhook is set, so polling gets nothing."""


class _Brought(Struct):
    result: list[Update]


class Api:
    """One bot's."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._said, self._clock = settings, clock
        self._base = settings.api_base.rstrip("/")

    async def updates(self, offset: int) -> list[Update]:
        """What has come from there on. Raises ``ChannelError``, and ``Hooked``."""
        said = {
            "offset": offset,
            "limit": MOST,
            "timeout": WAIT_SECONDS,
            "allowed_updates": ["message"],
        }
        try:
            reply = await self._ask("getUpdates", said, seconds=WAIT_SECONDS + 10)
        except SendError as error:
            raise Unreachable(f"Telegram: {error}") from error
        if reply.status == 409:
            raise Hooked
        if reply.status in (401, 404):
            raise BadCredentials("Telegram does not know this token; ask BotFather")
        if reply.status == 429:
            raise Throttled("Telegram asks for patience")
        if reply.status >= 300:
            raise Unreachable(f"Telegram answered {reply.status}")
        try:
            return read_json(reply.body, _Brought).result
        except BadHook as error:
            raise Unreachable(f"Telegram said something else: {error}") from error

    async def set_webhook(self, url: str, secret: str) -> None:
        """Raises ``ChannelError``."""
        said = {"url": url, "secret_token": secret, "allowed_updates": ["message"]}
        await self._set("setWebhook", said)

    async def no_webhook(self) -> None:
        """Raises ``ChannelError``."""
        await self._set("deleteWebhook", {})

    async def _set(self, method: str, said: dict[str, Any]) -> None:
        try:
            reply = await self._ask(method, said)
        except SendError as error:
            raise Unreachable(f"Telegram: {error}") from error
        if reply.status in (401, 404):
            raise BadCredentials("Telegram does not know this token; ask BotFather")
        if reply.status >= 300:
            raise Unreachable(f"Telegram: {self._words(reply)}")

    async def send(self, chat: str, text: str) -> int:
        """The message's number in that chat. Raises ``SendError``."""
        reply = await self._ask("sendMessage", {"chat_id": chat, "text": text})
        if reply.status >= 300:
            raise self._refusal(reply)
        result = read_answer(reply.body).get("result")
        number = result.get("message_id") if isinstance(result, dict) else None
        if not isinstance(number, int):
            raise OutcomeUnknown("Telegram said yes, and not under which number")
        return number

    async def address_of(self, file: str) -> str:
        """Where a file can be had, for an hour. Raises ``SendError``."""
        reply = await self._ask("getFile", {"file_id": file})
        if reply.status >= 300:
            raise self._refusal(reply)
        result = read_answer(reply.body).get("result")
        path = result.get("file_path") if isinstance(result, dict) else None
        if not isinstance(path, str):
            raise TryAgain("Telegram does not say where the file is")
        return f"{self._base}/file/bot{self._said.token}/{path}"

    async def probe(self) -> tuple[str, str | None]:
        """Whether the token is good."""
        try:
            reply = await self._ask("getMe", {})
        except SendError as error:
            return "Telegram bot", str(error)
        result = read_answer(reply.body).get("result")
        name = result.get("username") if isinstance(result, dict) else ""
        return f"Telegram bot {name}".strip(), None if reply.status < 300 else self._words(reply)

    async def _ask(self, method: str, said: dict[str, Any], seconds: float | None = None) -> Reply:
        return await exchange(
            Asked(
                url=f"{self._base}/bot{self._said.token}/{method}",
                body=msgspec.json.encode(said),
                headers={"Content-Type": "application/json"},
                private=self._said.private,
                seconds=seconds,
                max_answer=MAX_UPDATES,
            )
        )

    def _words(self, reply: Reply) -> str:
        return str(read_answer(reply.body).get("description") or f"answered {reply.status}")[:300]

    def _refusal(self, reply: Reply) -> SendError:
        words = self._words(reply)
        if reply.status == 403:
            return WantsNone(f"whoever is there wants no more messages ({words})")
        if reply.status == 429:
            more = read_answer(reply.body).get("parameters")
            after = more.get("retry_after") if isinstance(more, dict) else 0
            return TryAgain(words, after=min(float(after or 0), MOST_AFTER))
        return judged(reply, words, self._clock.now())
