"""The Telegram channel: read by one node's long poll, or brought to every node."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Never

from msgspec.structs import replace

from channels.telegram.api import Api, Hooked
from channels.telegram.settings import Settings
from channels.telegram.wire import Update, files_of, id_of, inbound_of
from channels.texting.links import Links
from channels.texting.media import Fetching
from channels.texting.wire import MAX_HOOK, BadHook, read_json
from gateway.core.errors import ChannelError, Refused, Undeliverable, Unreachable
from gateway.core.model import ChannelKind, Delivery
from gateway.core.opting import CONFIRMED
from gateway.ports import (
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Inbound,
    Limits,
    Memory,
    Outbound,
    Receipt,
    Route,
    Services,
)

SECRET = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
OFFSET = "offset"
MAX_TEXT = 4_096
_HAS_IT = (Delivery.SENT, Delivery.DELIVERED, Delivery.READ)


class TelegramChannel:
    """See the module's docstring. Satisfies ``gateway.ports.Channel``."""

    kind = ChannelKind.TELEGRAM
    limits = Limits(max_text=MAX_TEXT)

    def __init__(self, settings: Settings, services: Services) -> None:
        self.name = settings.name
        self._said, self._services = settings, services
        self._base = f"/hooks/telegram/{settings.name}"
        self._api = Api(settings, services.clock)
        self._links = Links(self._base, services, settings.link_hours)
        self._fetching = Fetching(settings, services, find=self._api.address_of)
        derived = hmac.digest(services.secret, self._base.encode(), hashlib.sha256).hex()
        self._secret = settings.secret or derived

    # -- in ---------------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        hook = HttpRoute(
            method="POST",
            path=self._base,
            handle=self._brought,
            summary="What Telegram brings",
            access="public",
            tag="texts",
            max_body=MAX_HOOK,
        )
        return [hook, self._links.route()] if self._hooked else [self._links.route()]

    @property
    def _hooked(self) -> bool:
        return self._said.receive == "webhook"

    async def _brought(self, request: HttpRequest) -> HttpAnswer:
        said = request.headers.get(SECRET, "")
        if not hmac.compare_digest(said.encode(), self._secret.encode()):
            return HttpAnswer(status=403)
        try:
            update = read_json(request.body, Update)
        except BadHook as bad:
            raise Refused("bad_field", bad.why, bad.field) from bad
        await self._take([update])
        return HttpAnswer(body={})

    async def run(self, ready: Callable[[], None]) -> Never:
        """Read until cancelled, or wait for what is brought. Raises ``ChannelError``."""
        fault: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                if self._hooked:
                    url = self._services.public_url.rstrip("/") + self._base
                    await self._api.set_webhook(url, self._secret)
                    ready()
                else:
                    group.create_task(self._poll(ready), name=f"poll:{self.name}")
                await self._fetching.run()
        except* ChannelError as faults:
            fault = faults.exceptions[0]
        except* Refused as refusals:
            fault = Unreachable(str(refusals.exceptions[0]))
        # An inner group may eat the cancellation of the outer one (CPython 116720).
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError
        raise fault or AssertionError("it runs until it is cancelled")

    async def _poll(self, ready: Callable[[], None]) -> Never:
        known = await self._services.memory.load(self.name, OFFSET)
        offset = int(known) if known else 0
        while True:
            try:
                updates = await self._api.updates(offset)
            except Hooked:
                await self._api.no_webhook()
                continue
            ready()
            if updates:
                offset = max(one.update_id for one in updates) + 1
                await self._take(updates, offset)

    async def _take(self, updates: Sequence[Update], offset: int = 0) -> None:
        """Into the inbox; with the offset behind them, after which Telegram forgets them."""
        inbounds = [one for update in updates if (one := await self._inbound(update)) is not None]
        memory = Memory(key=OFFSET, value=str(offset).encode(), progress=offset)
        if inbounds:
            await self._services.intake.receive(inbounds, memory if offset else None)
        elif offset:
            await self._services.memory.save(self.name, memory)

    async def _inbound(self, update: Update) -> Inbound | None:
        inbound = inbound_of(update, self._said, self._services.clock.now())
        if inbound is None or update.message is None:
            return None
        if not self._said.confirm_stop:
            inbound = replace(inbound, attributes={CONFIRMED: True})
        whole, memory = await self._fetching.with_files(inbound, files_of(update.message))
        if memory is not None:
            # Before the message itself: what is still to come must not be forgotten with us.
            await self._services.memory.save(self.name, memory)
        return whole

    # -- out --------------------------------------------------------------------------------

    async def send(self, out: Outbound) -> Receipt:
        """One attempt. Raises ``SendError``."""
        message = out.message
        if out.repeat and message is not None and message.delivery in _HAS_IT:
            return Receipt(external_id=message.external_id, delivery=message.delivery)
        if out.repeat and self._said.unsettled == "hold":
            raise Undeliverable(
                "nobody knows whether it has left, and Telegram cannot be asked: look there, then"
                " try it again or drop it"
            )
        body = message.body if message is not None else str(out.payload.get("text") or "")
        files = message.attachments if message is not None else ()
        text = "\n".join(filter(None, (body, *(self._links.url(one.id) for one in files))))
        if not text:
            raise Undeliverable("there is nothing to send")
        if len(text) > MAX_TEXT:
            raise Undeliverable(f"Telegram takes {MAX_TEXT} characters at most")
        number = await self._api.send(out.address, text)
        return Receipt(external_id=id_of(int(out.address), number))

    async def check(self) -> list[tuple[str, str | None]]:
        """Whether Telegram knows the bot."""
        how = "it is asked for messages" if not self._hooked else "Telegram brings messages"
        return [await self._api.probe(), (how, None)]


def open_telegram(settings: Settings, services: Services) -> TelegramChannel:
    """The channel, ready to be run."""
    return TelegramChannel(settings, services)
