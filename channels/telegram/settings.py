"""What a ``[[channel]]`` of kind "telegram" can say."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from channels.texting.settings import TextSettings


class Settings(TextSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bot of ours at Telegram (docs/protocols/messengers.md).

    ``token`` is what BotFather gave. By ``receive = "poll"`` one node asks for what has come, which
    needs no address that the world can reach; by "webhook" Telegram brings it, and ``secret`` (it
    follows from the installation's, if left out) proves that it does. The other keys are those of
    "sms".
    """

    kind: ClassVar[str] = "telegram"

    token: Annotated[str, Meta(pattern=r"^\d+:[A-Za-z0-9_-]+$")]
    receive: Literal["poll", "webhook"] = "poll"
    secret: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,256}$")] = ""
    api_base: str = "https://api.telegram.org"

    @property
    def bot(self) -> str:
        """Its number, which is no secret."""
        return self.token.partition(":")[0]

    def duty(self) -> str | None:
        """What only one node may do: Telegram tells each message once."""
        return f"telegram bot {self.bot}" if self.receive == "poll" else None
