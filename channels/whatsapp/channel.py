"""The WhatsApp channel: free words for 24 hours after the customer's, then templates alone."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from channels.language import GUESS
from channels.texting.channel import TAG, TextChannel
from channels.texting.generic import Generic
from channels.texting.twilio import Twilio
from channels.texting.vonage import Vonage
from channels.texting.wire import Provider, Text
from channels.whatsapp.settings import Settings, Template
from channels.whatsapp.templates import filled
from gateway.core.errors import BadSetup, Undeliverable
from gateway.core.languages import canonical, nearness
from gateway.core.model import ChannelKind
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Limits, Route, Services

WINDOW = timedelta(hours=24)


class TemplateCard(Struct, frozen=True, kw_only=True):
    """A template that may be sent."""

    name: str
    language: str
    text: str


class TemplateList(Struct, frozen=True, kw_only=True):
    """Those of one channel in a language, or all."""

    items: list[TemplateCard]
    next: str | None = None


class TemplateQuery(Struct, frozen=True, kw_only=True):
    """``language`` is the customer's, by BCP 47."""

    language: str = ""


class WhatsAppChannel(TextChannel[Settings]):
    """See the module's docstring."""

    kind = ChannelKind.WHATSAPP
    limits = Limits(max_text=4_096)
    looks_back = True

    def routes(self) -> Sequence[Route]:
        listed = HttpRoute(
            method="GET",
            path=f"/api/v1/templates/{self.name}",
            handle=self._templates,
            summary="What may be sent after the window",
            gives=TemplateList,
            asks=TemplateQuery,
            tag=TAG,
        )
        return [*super().routes(), listed]

    async def _templates(self, request: HttpRequest) -> HttpAnswer:
        """In the nearest language there is, else all of them."""
        wanted = canonical(request.query.get("language", ""))
        near = [
            (distance, one)
            for one in self.settings.templates
            if (distance := nearness(wanted, canonical(one.language))) is not None
        ]
        best = min((distance for distance, _ in near), default=None)
        chosen = [one for distance, one in near if distance == best] or self.settings.templates
        cards = [TemplateCard(name=o.name, language=o.language, text=o.text) for o in chosen]
        return HttpAnswer(body=TemplateList(items=cards))

    async def prepare(self, text: Text) -> Text:
        """Raises ``Undeliverable`` for what may not be said any more."""
        now = self.services.clock.now()
        if text.notice or (text.heard_at is not None and now - text.heard_at < WINDOW):
            return text
        for one in self.settings.templates:
            values = filled(one.text, text.body)
            if values is not None and not text.media:
                return self._template(text, one, values)
        raise Undeliverable(
            "WhatsApp takes only approved templates 24 hours after the customer's last message:"
            " choose one"
        )

    def _template(self, text: Text, one: Template, values: tuple[str, ...]) -> Text:
        return replace(text, template=one.id or one.name, language=one.language, values=values)


def provider_of(settings: Settings, services: Services) -> Provider:
    """Raises ``ValueError`` for a secret that is none."""
    match settings.provider:
        case "twilio":
            return Twilio(settings, services.clock, "whatsapp:")
        case "vonage":
            return Vonage(settings, services.clock, "whatsapp")
        case _:
            return Generic(settings, services.clock)


def open_whatsapp(settings: Settings, services: Services) -> WhatsAppChannel:
    """The channel, ready to be run. Raises ``BadSetup``."""
    try:
        provider = provider_of(settings, services)
    except ValueError as error:
        raise BadSetup(f"channel {settings.name}: {error}") from error
    return WhatsAppChannel(settings, services, provider, GUESS)
