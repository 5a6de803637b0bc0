"""The SMS channel: texts counted as they are billed, files as links or pictures."""

from channels.language import GUESS
from channels.sms.settings import Settings
from channels.texting.channel import TextChannel
from channels.texting.generic import Generic
from channels.texting.outgoing import with_links
from channels.texting.segments import MOST, count
from channels.texting.telnyx import Telnyx
from channels.texting.twilio import Twilio
from channels.texting.vonage import Vonage
from channels.texting.wire import Provider, Text
from gateway.core.errors import BadSetup, Undeliverable
from gateway.core.model import ChannelKind
from gateway.ports import Limits, Services


class SmsChannel(TextChannel[Settings]):
    """See the module's docstring."""

    kind = ChannelKind.SMS
    limits = Limits(max_text=1_600)

    async def prepare(self, text: Text) -> Text:
        """Raises ``Undeliverable`` for what makes too many texts."""
        said = text if self.settings.media else with_links(text)
        counted = count(said.body)
        if counted.segments > MOST:
            raise Undeliverable(f"it would make {counted.segments} texts; {MOST} are the most")
        return said


def provider_of(settings: Settings, services: Services) -> Provider:
    """Raises ``ValueError`` for a secret that is none."""
    match settings.provider:
        case "twilio":
            return Twilio(settings, services.clock)
        case "vonage":
            return Vonage(settings, services.clock)
        case "telnyx":
            return Telnyx(settings, services.clock)
        case "generic":
            return Generic(settings, services.clock)


def open_sms(settings: Settings, services: Services) -> SmsChannel:
    """The channel, ready to be run. Raises ``BadSetup``."""
    try:
        provider = provider_of(settings, services)
    except ValueError as error:
        raise BadSetup(f"channel {settings.name}: {error}") from error
    return SmsChannel(settings, services, provider, GUESS)
