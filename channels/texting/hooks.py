"""A provider's webhooks, from the raw body to the inbox.

Nothing is read before the signature is right, and nothing is answered before it is on disk.
"""

import asyncio
from collections.abc import Callable, Sequence

from channels.texting.media import Fetching
from channels.texting.numbers import bare, countries_of, number_of, shown
from channels.texting.settings import ProviderSettings
from channels.texting.wire import (
    Arrived,
    BadHook,
    Forged,
    Hook,
    Provider,
    Report,
    Stale,
)
from gateway.core.errors import Refused
from gateway.core.model import Attributes, ChannelKind
from gateway.core.opting import CONFIRMED
from gateway.ports import Claim, HttpAnswer, HttpRequest, Inbound, Services

Guess = Callable[[str], str]
MAX_TEXT = 100_000
MAX_ID = 200


class Hooks:
    """Those of one channel."""

    def __init__(
        self,
        kind: ChannelKind,
        settings: ProviderSettings,
        services: Services,
        provider: Provider,
        fetching: Fetching,
        guess: Guess,
    ) -> None:
        self._kind, self._said, self._services = kind, settings, services
        self._provider, self._fetching, self._guess = provider, fetching, guess

    async def take(self, request: HttpRequest) -> HttpAnswer:
        """Both what came in and how far something has come: some providers tell both here."""
        hook = Hook(
            request=request,
            url=self._services.public_url.rstrip("/") + request.target,
            now=self._services.clock.now().timestamp(),
        )
        old = False
        try:
            self._provider.check(hook)
        except (Forged, BadHook):
            return HttpAnswer(status=403)
        except Stale:
            old = True
        try:
            brought = self._provider.read(request)
        except BadHook as bad:
            raise Refused("bad_field", bad.why, bad.field) from bad
        if old and not await self._known(brought):
            return HttpAnswer(status=403)
        for one in brought:
            await (self._report(one) if isinstance(one, Report) else self._arrived(one))
        if self._said.provider == "twilio":
            return HttpAnswer(body=b"<Response/>", type="text/xml")
        return HttpAnswer(body={})

    async def _known(self, brought: Sequence[Arrived | Report]) -> bool:
        """Whether all of it came before, in time: then it is only told again."""
        known = self._services.received
        if known is None:
            return False
        return all([await known(self._said.name, _key(one)) for one in brought])

    # -- what came in -----------------------------------------------------------------------

    async def _arrived(self, arrived: Arrived) -> None:
        inbound = await self._inbound(arrived)
        whole, memory = await self._fetching.with_files(inbound, arrived.media)
        await self._services.intake.receive([whole], memory)

    async def _inbound(self, arrived: Arrived) -> Inbound:
        number = number_of(arrived.sender)
        sender = number or bare(arrived.sender)[:MAX_ID]
        ours = number_of(arrived.to) or bare(arrived.to)[:MAX_ID]
        text = arrived.text[:MAX_TEXT]
        now = self._services.clock.now()
        attributes: Attributes = {}
        if number:
            attributes["number_shown"] = shown(number)
            attributes["country"] = next(iter(countries_of(number)), "")
        if arrived.confirmed or not self._said.confirm_stop:
            attributes[CONFIRMED] = True
        return Inbound(
            channel=self._said.name,
            kind=self._kind,
            key=_key(arrived),
            at=now if arrived.at is None else min(arrived.at, now),
            identity=Claim(
                kind="phone",
                value=sender,
                name=" ".join(arrived.name.split())[:MAX_ID],
                verified=bool(number),
            ),
            body=text,
            language=await asyncio.to_thread(self._guess, text),
            references=(arrived.answers,) if arrived.answers else (),
            external_id=arrived.id[:MAX_ID],
            address=number,
            to=(ours,) if ours else (),
            attributes=attributes,
            machine=not number,
            join_seconds=self._said.join_hours * 3_600,
        )

    # -- how far something has come ---------------------------------------------------------

    async def _report(self, report: Report) -> None:
        if report.state == "sent":
            return  # that it was taken we know by the answer
        marks: Attributes = {"bounce_action": report.state, "bounce_reason": report.reason}
        if report.opted_out:
            marks["opted_out"] = True
        inbound = Inbound(
            channel=self._said.name,
            kind=self._kind,
            key=_key(report),
            at=self._services.clock.now(),
            references=(f"<{report.message}@switchroom>", report.id),
            external_id=report.id[:MAX_ID],
            attributes=marks,
            machine=True,
        )
        await self._services.intake.receive([inbound])


def _key(one: Arrived | Report) -> str:
    return f"status:{one.id}:{one.state}" if isinstance(one, Report) else one.id
