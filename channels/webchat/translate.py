"""What a visitor says, as an ``Inbound``."""

from contextlib import suppress
from datetime import datetime
from typing import Literal

from msgspec import Struct

from channels.webchat.protocol import (
    Brought,
    Callme,
    CancelCall,
    Delete,
    Edit,
    Hello,
    Profile,
    Send,
    Survey,
)
from channels.webchat.settings import Settings
from channels.webchat.visitor import Identity, Visitor, claim_of
from gateway.core.calendars import zone_of
from gateway.core.errors import Refused
from gateway.core.ids import AttachmentId, CaseId
from gateway.core.languages import canonical, nearness
from gateway.core.model import Attributes, ChannelKind
from gateway.core.owed import CallbackWish
from gateway.ports import Amend, Claim, Inbound


class Person(Struct, frozen=True, kw_only=True):
    """All that is known of who is writing."""

    visitor: Visitor
    identity: Identity | None
    hello: Hello

    @property
    def claim(self) -> Claim:
        profile = self.hello.profile or Profile()
        return claim_of(self.visitor, self.identity, profile.name)


def inbound_of(
    settings: Settings,
    person: Person,
    said: Brought,
    conversation: CaseId | None,
    about: str,
    now: datetime,
) -> Inbound:
    """``about`` names what an ``end`` ends, so that ending it twice is one thing.

    The key names the visitor, never the conversation: the first message is sent before there
    is a conversation and may be repeated when there is one.
    """
    visitor = person.visitor.id
    wish: CallbackWish | None = None
    amend: Amend | None = None
    rating = 0
    uploads: tuple[AttachmentId, ...] = ()
    attributes: Attributes
    if isinstance(said, Send):
        key, body, client_id = f"{visitor}:{said.id}", said.body, said.id
        attributes, uploads = _hints(person), said.attachments
    elif isinstance(said, Callme):
        key = f"{visitor}:call:{said.id or f'{about}:{said.number}:{said.at}'}"
        body, client_id, attributes = _in_words(said), said.id or "", _hints(person)
        wish = CallbackWish(number=said.number, at=said.at, zone=said.zone)
    elif isinstance(said, Edit | Delete):
        key, body, client_id, attributes = f"{visitor}:{said.id}", "", "", {}
        amend = Amend(message=said.message, body=said.body if isinstance(said, Edit) else None)
    elif isinstance(said, Survey):
        key, client_id, attributes = f"{visitor}:survey:{said.id}", "", {}
        body, rating = str(said.answers.get("comment") or ""), int(said.answers["score"] or 0)
    elif isinstance(said, CancelCall):
        key, body, client_id = f"{visitor}:nocall:{said.id}", "", ""
        attributes, wish = {}, CallbackWish(cancel=True)
    else:
        key, body, client_id = f"{visitor}:end:{about}", "", ""
        attributes = {"chat": "ended"}
    return Inbound(
        channel=settings.name,
        kind=ChannelKind.WEBCHAT,
        key=key,
        at=now,
        identity=person.claim,
        body=body,
        language=language_of(person.hello.locale or settings.locale),
        attachments=uploads,
        conversation=conversation,
        client_id=client_id,
        address=visitor,
        queue=settings.queue,
        attributes=attributes,
        callback=wish,
        amend=amend,
        rating=rating,
    )


def sign_of(
    settings: Settings,
    person: Person,
    sign: Literal["left", "back"],
    conversation: CaseId,
    about: str,
    now: datetime,
) -> Inbound:
    """That the visitor's last window has gone, or is there; ``about`` tells which time."""
    return Inbound(
        channel=settings.name,
        kind=ChannelKind.WEBCHAT,
        key=f"{person.visitor.id}:{sign}:{about}",
        at=now,
        identity=person.claim,
        conversation=conversation,
        address=person.visitor.id,
        queue=settings.queue,
        sign=sign,
    )


def _in_words(said: Callme) -> str:
    """What stands in the conversation, in no language."""
    at = said.at
    if at is not None and at.tzinfo is not None and said.zone:
        with suppress(Refused):  # who decides says what is wrong with the zone
            at = at.astimezone(zone_of(said.zone))
    when = f" · {at:%Y-%m-%d %H:%M}" if at is not None else ""
    return f"☎ {said.number}{when}{f' {said.zone}' if when and said.zone else ''}"


def language_of(locale: str) -> str:
    """The language alone, as a skill is named ("pt-BR" → "pt"), unless it is written otherwise.

    Chinese of Taiwan is no Chinese of China: "zh-TW" stays as it is.
    """
    tag = locale.replace("_", "-")
    language = tag.partition("-")[0].lower()
    return language if nearness(canonical(tag), language) is not None else tag


def _hints(person: Person) -> Attributes:
    """What the visitor or the page says: shown to the agent, believed by nobody."""
    profile, hello, identity = person.hello.profile or Profile(), person.hello, person.identity
    hints = {
        "page": hello.page,
        "locale": hello.locale,
        "claimed_name": profile.name,
        "claimed_email": profile.email,
        "claimed_phone": profile.phone,
        "site_email": identity.email if identity else "",
        "site_phone": identity.phone if identity else "",
    }
    return {key: value for key, value in hints.items() if value}
