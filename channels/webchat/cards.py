"""What stands inside the frames of ``/chat/v1``; ``protocol`` names these again."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from channels.webchat.settings import FileRules
from gateway.core.owed import Callback, Promise


class FilesCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What files a visitor may send: bytes of each, how many with a message, media types."""

    max_bytes: int
    per_message: int
    types: tuple[str, ...]


class Site(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the window presents itself. ``files`` left out: none can be sent.

    ``consent`` stands below until something has been said, ``ask`` is what is asked before that.
    """

    title: str = ""
    greeting: str = ""
    locale: str = ""
    offline_email: str = ""
    files: FilesCard | UnsetType = UNSET
    consent: str = ""
    ask: tuple[str, ...] = ()


class CallbackCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The visitor is called instead; ``at`` left out: as soon as possible."""

    number: str = ""
    at: datetime | None = None
    attempts: int = 0


class PromiseCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an agent has promised the visitor."""

    text: str
    due_at: datetime
    agent: str = ""


def files_card(rules: FileRules) -> FilesCard | UnsetType:
    if not rules.per_message:
        return UNSET
    return FilesCard(max_bytes=rules.max_bytes, per_message=rules.per_message, types=rules.types)


def callback_card(callback: Callback) -> CallbackCard:
    return CallbackCard(number=callback.number, at=callback.at, attempts=callback.attempts)


def promise_card(promise: Promise, agent: str) -> PromiseCard:
    """``agent`` is the name that customers see."""
    return PromiseCard(text=promise.text, due_at=promise.due_at, agent=agent)
