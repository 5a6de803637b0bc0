"""A channel of short messages at a provider: what it serves, takes in and sends."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Never, TypeVar
from urllib.parse import urlsplit

from channels.language import LanguageGuess
from channels.texting.hooks import Hooks
from channels.texting.links import Links
from channels.texting.media import Fetching
from channels.texting.outgoing import Sending
from channels.texting.settings import ProviderSettings
from channels.texting.wire import MAX_HOOK, Provider, Text
from gateway.core.model import ChannelKind
from gateway.ports import HttpRoute, Limits, Outbound, Receipt, Route, Services

S = TypeVar("S", bound=ProviderSettings)
TAG = "texts"


class TextChannel(Generic[S]):
    """Satisfies ``gateway.ports.Channel``; a kind has its own ``prepare``.

    ``looks_back``: what it may send depends on what was said before.
    """

    kind: ChannelKind
    limits: Limits
    looks_back = False

    def __init__(
        self, settings: S, services: Services, provider: Provider, guess: LanguageGuess
    ) -> None:
        self.name = settings.name
        self.settings, self.services, self._provider = settings, services, provider
        self._guess = guess
        self._base = f"/hooks/{self.kind.value}/{settings.name}"
        self._links = Links(self._base, services, settings.link_hours)
        self._fetching = Fetching(settings, services, provider.login())
        self._hooks = Hooks(self.kind, settings, services, provider, self._fetching, guess)
        status = f"{services.public_url.rstrip('/')}{self._base}/status"
        self._sending = Sending(
            settings, services, provider, self._links, status, looks_back=self.looks_back
        )

    def routes(self) -> Sequence[Route]:
        return [
            self._hook(self._base, "What the provider brings"),
            self._hook(f"{self._base}/status", "How far what we sent has come"),
            self._links.route(),
        ]

    def _hook(self, path: str, summary: str) -> HttpRoute:
        return HttpRoute(
            method="POST",
            path=path,
            handle=self._hooks.take,
            summary=summary,
            access="public",
            tag=TAG,
            max_body=MAX_HOOK,
        )

    async def run(self, ready: Callable[[], None]) -> Never:
        """Webhooks come by themselves; brings in the files that take longer."""
        await asyncio.to_thread(self._guess.warm)
        ready()
        await self._fetching.run()

    async def prepare(self, text: Text) -> Text:
        """As this kind sends it. Raises ``SendError``."""
        raise NotImplementedError

    async def send(self, out: Outbound) -> Receipt:
        """One attempt. Raises ``SendError``."""
        text = await self._sending.text_of(out)
        return await self._sending.send(out, await self.prepare(text))

    async def check(self) -> list[tuple[str, str | None]]:
        """Whether the account is good, and whether the provider can reach us."""
        url = self.services.public_url.rstrip("/") + self._base
        parts = urlsplit(url)
        reached = f"the provider brings messages to {url}"
        if parts.scheme == "https":
            return [await self._provider.probe(), (reached, None)]
        why = "set [http] public_url to the https address that the world uses"
        private = self.settings.private
        return [await self._provider.probe(), (reached, None if private else why)]
