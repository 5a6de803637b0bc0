"""What the customer does on the page, as an ``Inbound``; and what of it cannot be taken."""

import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import parse_qs

from msgspec import Struct
from msgspec.structs import replace

from gateway.api.ticket.render import MAX_TEXT, MAX_WHY
from gateway.core.ids import CustomerId
from gateway.core.inbound import Claim, Inbound
from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, ChannelKind, Item
from gateway.core.owed import CallbackWish
from gateway.core.rating import HIGHEST, may_be_rated_by, may_rate
from gateway.core.ticket import plain, way_of
from gateway.store.views import CustomerCard, IdentityCard

DONE = {"reply": "done_reply", "rate": "done_rate", "call": "done_call"}
"""What each act is confirmed with."""
MOST_FIELDS = 20
_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
_KINDS = {
    ChannelKind.EMAIL: ("email",),
    ChannelKind.SMS: ("phone",),
    ChannelKind.WHATSAPP: ("phone",),
    ChannelKind.TELEGRAM: ("telegram",),
    ChannelKind.WEBCHAT: ("visitor", "account"),
}


class Bad(Exception):
    """What was sent cannot be taken; ``word`` says why on the page."""

    def __init__(self, word: str, status: HTTPStatus) -> None:
        super().__init__(word)
        self.word, self.status = word, status


class Found(Struct, frozen=True):
    """A case that a link leads to. ``items`` are all of it, oldest first.

    ``said``: how much this customer may see of what was said in it and in those that were merged
    into it, where any were; ``led``: the link is of one of those.
    """

    case: Case
    items: list[Item]
    customer: CustomerCard
    said: int | None = None
    led: bool = False

    @property
    def known(self) -> list[str]:
        """The customer's identities."""
        return [one.value for one in self.customer.identities]


class Given(Struct, frozen=True, kw_only=True):
    """A form as it was sent. ``id`` names the page that it stood on, which has several."""

    act: str = ""
    id: str = ""
    text: str = ""
    why: str = ""
    score: int = 0

    @property
    def name(self) -> str:
        """The same for the same form with the same in it: another act, or more words, is new."""
        said = "\0".join((self.text, self.why, str(self.score)))
        return f"{self.act}:{self.id}:{sha256(said.encode()).hexdigest()[:16]}"


def score_of(text: str) -> int:
    """The score that a text says; 0: none."""
    return int(text) if text in {str(n) for n in range(1, HIGHEST + 1)} else 0


def given(body: bytes) -> Given:
    """The form's fields (application/x-www-form-urlencoded). Raises ``Bad``."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Bad("error_empty", HTTPStatus.BAD_REQUEST) from error
    said = {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}
    found = Given(
        act=said.get("act", ""),
        id=said.get("id", ""),
        text=said.get("text", ""),
        why=said.get("why", ""),
        score=score_of(said.get("score", "")),
    )
    if found.act not in DONE or _ID.fullmatch(found.id) is None:
        raise Bad("error_empty", HTTPStatus.BAD_REQUEST)
    return found


def inbound_of(found: Found, form: Given, now: datetime, origin: str) -> Inbound:
    """What the form says, on the way by which the customer was answered last. Raises ``Bad``.

    ``origin`` is the network address that it came from.
    """
    case, way = found.case, way_of(found.items)
    said = Inbound(
        channel=way.channel if way is not None else case.channel,
        kind=way.kind if way is not None else case.kind,
        key=f"ticket:{case.id}:{form.name}",
        at=now,
        identity=_claim(found, way),
        conversation=case.id,
        client_id=form.id,
        origin=origin,
    )
    if form.act == "call":
        if case.ties is not None and case.ties.others() and not _to_be_called(found.items):
            raise Bad("error_empty", HTTPStatus.CONFLICT)  # at most another customer is
        return replace(said, callback=CallbackWish(cancel=True))
    if form.act == "rate":
        if not form.score:
            raise Bad("error_score", HTTPStatus.UNPROCESSABLE_ENTITY)
        if not (may_rate(case, now) and may_be_rated_by(case, CustomerId(found.customer.id))):
            raise Bad("error_unsolved", HTTPStatus.CONFLICT)
        why, page = form.why.strip()[:MAX_WHY], {"ticket_page": True}
        return replace(said, rating=form.score, body=why, attributes=page)
    text = form.text.strip()
    if way is None or not text:
        raise Bad("error_empty", HTTPStatus.UNPROCESSABLE_ENTITY)
    if len(text) > MAX_TEXT:
        raise Bad("error_long", HTTPStatus.UNPROCESSABLE_ENTITY)
    return replace(
        said,
        body=text,
        subject=case.subject,
        language=way.language,
        # The answer goes where answers went so far, in the same thread.
        address=way.address,
        copies=way.copies,
        references=tuple(reversed(way.thread)),
        attributes={"ticket_page": True},
    )


def _to_be_called(items: Iterable[Item]) -> bool:
    return any(item.callback is not None and item.state not in ENDED for item in items)


def _claim(found: Found, way: Item | None) -> Claim | None:
    """As whom the customer writes: under the identity that is answered, if there is one."""
    identities = found.customer.identities
    if not identities:
        return None
    kinds = _KINDS.get(way.kind, ()) if way is not None else ()
    address = plain(way.address) if way is not None else ""

    def rank(one: IdentityCard) -> tuple[bool, bool, bool]:
        return plain(one.value) != address, one.kind not in kinds, not one.verified

    best = min(identities, key=rank)
    return Claim(kind=best.kind, value=best.value, name=found.customer.name, verified=best.verified)
