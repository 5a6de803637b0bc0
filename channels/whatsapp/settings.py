"""What a ``[[channel]]`` of kind "whatsapp" can say."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from channels.texting.settings import ProviderSettings
from channels.whatsapp.templates import problem_of


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that WhatsApp has approved.

    ``text`` is as it was approved, with ``{{1}}``, ``{{2}}`` … for what is filled in; ``id`` is its
    name at the provider (Twilio: the content's SID), if that is another one.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    language: str = ""
    text: Annotated[str, Meta(min_length=1, max_length=4_096)]
    id: str = ""

    def __post_init__(self) -> None:
        if problem := problem_of(self.text):
            raise ValueError(f"template {self.name}: {problem}")


class Settings(ProviderSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A WhatsApp sender at a provider (docs/protocols/messengers.md).

    The keys are those of "sms". For 24 hours after the customer's last message anything may be
    written; after that only one of the ``templates``.
    """

    kind: ClassVar[str] = "whatsapp"

    templates: tuple[Template, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.provider == "telnyx":
            raise ValueError("provider: Telnyx brings no WhatsApp; use twilio, vonage or generic")
