"""What every ``[[channel]]`` that sends by a provider can say; each kind adds its own."""

from typing import Annotated, Literal

from msgspec import Meta, field

from channels.signing import key_of
from channels.texting.numbers import number_of
from gateway.ports import ChannelSettings

ProviderName = Literal["twilio", "vonage", "telnyx", "generic"]
API_BASE: dict[ProviderName, str] = {
    "twilio": "https://api.twilio.com",
    "vonage": "https://api.nexmo.com",
    "telnyx": "https://api.telnyx.com",
}
MEDIA_TYPES = (
    *("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"),
    *("audio/*", "video/*", "application/pdf", "text/vcard", "text/x-vcard"),
)


class TextSettings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all short messages have in common; each kind explains the keys in its own settings."""

    unsettled: Literal["resend", "hold"] = "resend"
    join_hours: Annotated[float, Meta(ge=0, le=8_760)] = 72.0
    confirm_stop: bool = True
    max_media_bytes: Annotated[int, Meta(ge=1_000, le=100_000_000)] = 16_000_000
    media_types: tuple[str, ...] = MEDIA_TYPES
    link_hours: Annotated[float, Meta(ge=1, le=8_760)] = 168.0
    private: bool = False


class ProviderSettings(TextSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number at a provider; each kind explains the keys in its own settings."""

    provider: ProviderName
    number: Annotated[str, Meta(min_length=3, max_length=32)]
    numbers: dict[str, str] = field(default_factory=dict)
    account: str = ""
    secret: str
    old_secret: str = ""
    api_secret: str = ""
    signing_keys: dict[str, str] = field(default_factory=dict)
    api_base: str = ""

    def __post_init__(self) -> None:
        for where, number in [("number", self.number), *self._others()]:
            if number_of(number) != number:
                raise ValueError(f"{where}: write it as E.164, like +15005550006")
        if not self.secret:
            raise ValueError("secret: missing; webhooks could not be checked")
        if self.provider in ("twilio", "vonage") and not self.account:
            raise ValueError(f"account: missing; {self.provider} signs us in with it")
        if self.provider == "generic":
            if not self.api_base:
                raise ValueError("api_base: missing; say where messages are posted")
            for secret in filter(None, (self.secret, self.old_secret, self.api_secret)):
                key_of(secret)

    def _others(self) -> list[tuple[str, str]]:
        return [(f"numbers.{country}", number) for country, number in self.numbers.items()]

    @property
    def base(self) -> str:
        """Where the provider's interface is."""
        return (self.api_base or API_BASE.get(self.provider, "")).rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that are valid."""
        return tuple(filter(None, (self.secret, self.old_secret)))

    @property
    def address(self) -> str:
        """What customers write to."""
        return self.number

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other numbers of the same channel."""
        return tuple(self.numbers.values())
