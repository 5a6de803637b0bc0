"""What a ``[[channel]]`` of kind "task" can say."""

from typing import Annotated, ClassVar

from msgspec import Meta

from channels.signing import key_of
from gateway.ports import ChannelSettings

Path = Annotated[str, Meta(pattern=r"^/api/v1/[a-z0-9][a-z0-9/_-]*[a-z0-9]$")]


class Settings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One door for tasks.

    ``path`` is where they are filed; a second channel of this kind names its own. ``secret``
    signs the callbacks (Standard Webhooks: ``whsec_`` and base64 of 24 to 64 bytes); left out,
    it follows from the installation's secret, and an admin reads it at ``PATH/secret``.
    ``callback_private`` allows callbacks to loopback and private addresses; link-local ones, where
    clouds keep their metadata, are refused always.
    """

    kind: ClassVar[str] = "task"

    path: Path = "/api/v1/tasks"
    secret: str = ""
    callback_private: bool = False

    def __post_init__(self) -> None:
        if self.secret:
            key_of(self.secret)
