"""What Telegram brings, as far as we read it, and what that means for us. Pure.

https://core.telegram.org/bots/api, version 9.
"""

from datetime import UTC, datetime

from msgspec import Struct, field

from channels.telegram.settings import Settings
from channels.texting.wire import Media
from gateway.core.model import ChannelKind
from gateway.ports import Claim, Inbound

NEVER = frozenset({"/start"})
"""What a customer's program writes by itself when they open the bot."""


class User(Struct):
    id: int
    first_name: str = ""
    last_name: str = ""
    language_code: str = ""
    is_bot: bool = False


class Chat(Struct):
    id: int
    type: str = ""


class File(Struct):
    file_id: str
    file_name: str = ""
    mime_type: str = ""


class Quoted(Struct):
    message_id: int


class Said(Struct):
    """A message; a picture comes in several sizes, the largest last."""

    message_id: int
    chat: Chat
    date: int
    sender: User | None = field(name="from", default=None)
    text: str = ""
    caption: str = ""
    photo: list[File] = []
    document: File | None = None
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    reply_to_message: Quoted | None = None


class Update(Struct):
    update_id: int
    message: Said | None = None


def id_of(chat: int, message: int) -> str:
    """Numbers of messages are each chat's own."""
    return f"telegram:{chat}:{message}"


def files_of(said: Said) -> tuple[Media, ...]:
    """By their names at Telegram; the address is asked for when they are fetched."""
    found = [one for one in (said.document, said.voice, said.audio, said.video) if one is not None]
    pictures = [Media(url=said.photo[-1].file_id, type="image/jpeg")] if said.photo else []
    named = [Media(url=o.file_id, type=o.mime_type, name=o.file_name) for o in found]
    return (*pictures, *named)


def inbound_of(update: Update, settings: Settings, now: datetime) -> Inbound | None:
    """What a person has written to the bot alone; ``None`` for anything else."""
    said = update.message
    if said is None or said.chat.type != "private" or said.sender is None or said.sender.is_bot:
        return None
    text = said.text or said.caption
    files = files_of(said)
    if (not text and not files) or text.strip().lower() in NEVER:
        return None
    who = said.sender
    quoted = said.reply_to_message
    return Inbound(
        channel=settings.name,
        kind=ChannelKind.TELEGRAM,
        key=id_of(said.chat.id, said.message_id),
        at=min(datetime.fromtimestamp(said.date, UTC), now),
        identity=Claim(
            kind="telegram",
            value=str(who.id),
            name=" ".join(f"{who.first_name} {who.last_name}".split())[:200],
            verified=True,
        ),
        body=text,
        language=who.language_code,
        external_id=id_of(said.chat.id, said.message_id),
        references=(id_of(said.chat.id, quoted.message_id),) if quoted is not None else (),
        address=str(said.chat.id),
        join_seconds=settings.join_hours * 3_600,
    )
