"""What a customer may see of a case, and do with it: the page that a ticket's link opens. Pure.

Everything here is chosen, nothing is left out: a field that nobody names below reaches no customer.
Shown is what this customer said and what was said to this customer. Notes, replies that wait to be
looked at (notes until they are released), mails to and from other people in the same case, tasks
that a system filed about the customer, and colleagues' chat are none of that.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.identity import plain as plain
from gateway.core.ids import AgentName, AttachmentId
from gateway.core.inline import in_text
from gateway.core.lifecycle import ENDED
from gateway.core.model import (
    ADDRESSED,
    Attachment,
    Case,
    CaseStatus,
    ChannelKind,
    Item,
    ItemState,
    Message,
)
from gateway.core.promises import Standing, standing
from gateway.core.rating import may_rate
from gateway.core.reaching import answering

Stands = Literal["received", "working", "waiting", "promised", "solved", "closed"]
WRITABLE = ADDRESSED | {ChannelKind.WEBCHAT}
"""How an answer can reach the customer who writes on the page."""
_AT_WORK = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})
_WAITS_FOR_CALL = frozenset(
    {ItemState.NEW, ItemState.QUEUED, ItemState.OFFERED, ItemState.SCHEDULED, ItemState.HELD}
)
_SHOWN_DIGITS = 3
LONGEST = 20_000
"""Characters shown of one message, and of what it quotes."""
MOST_SHOWN = 400_000
"""The same of all together, the newest first; a hundred mails may hold a hundred million."""
SHORTEST = 500
"""So much is shown of each all the same."""


class SharedFile(Struct, frozen=True, kw_only=True):
    """A file that the customer sent or got."""

    id: AttachmentId
    name: str
    size: int


class Said(Struct, frozen=True, kw_only=True):
    """One message. ``name`` is who of us wrote it; ``quoted`` only repeats what stood before."""

    seq: int
    mine: bool
    at: datetime
    kind: ChannelKind
    text: str
    quoted: str = ""
    name: str = ""
    files: tuple[SharedFile, ...] = ()


class Owed(Struct, frozen=True, kw_only=True):
    """A promise, and whether it was kept. ``ended_at`` is when it was."""

    text: str
    due_at: datetime
    standing: Standing
    ended_at: datetime | None = None


class Call(Struct, frozen=True, kw_only=True):
    """A call-back that is to come. ``number`` shows its end only; ``at`` ``None``: soon."""

    number: str
    at: datetime | None = None
    may_cancel: bool = False


class Ticket(Struct, frozen=True, kw_only=True):
    """The page. ``answer_by`` is when an answer is due, ``late`` that this time is over."""

    number: int
    subject: str
    stands: Stands
    opened_at: datetime
    said: tuple[Said, ...] = ()
    promises: tuple[Owed, ...] = ()
    call: Call | None = None
    answer_by: datetime | None = None
    late: bool = False
    may_write: bool = False
    may_rate: bool = False
    rating: int = 0


def ticket_of(
    case: Case,
    items: Sequence[Item],
    messages: Sequence[Message],
    known: Collection[str],
    shown_name: Callable[[AgentName], str],
    now: datetime,
) -> Ticket:
    """The case as its customer may see it.

    ``items`` are all of the case, oldest first; ``known`` are the customer's identities;
    ``shown_name`` is what customers see of an agent.
    """
    ours = {plain(value) for value in known}
    talk = _open_talk(items)
    due = _answer_due(talk)
    return Ticket(
        number=case.number,
        # What a system calls a task that it files is said to us, not to the customer.
        subject="" if case.kind is ChannelKind.TASK else case.subject,
        stands=_stands(case, items),
        opened_at=case.opened_at,
        said=_bounded([_said(m, shown_name) for m in messages if may_see(m, ours)]),
        promises=tuple(owed for item in items for owed in _owed(item)),
        call=_call(items),
        answer_by=due,
        late=due is not None and due < now,
        may_write=way_of(items) is not None,
        may_rate=may_rate(case, now),
        rating=case.rating,
    )


def may_see(message: Message, known: Collection[str]) -> bool:
    """Whether the customer of these identities (``plain``) said it, or was told it."""
    if message.deleted_at:
        return False
    if message.direction == "in":
        return message.author.kind == "customer" and plain(message.author.id) in known
    if message.direction != "out" or message.kind is ChannelKind.TASK:
        return False  # what a task is answered goes to the system that filed it
    if message.kind not in ADDRESSED:
        return True
    return any(plain(address) in known for address in (*message.to, *message.cc))


def window_shows(message: Message, known: Collection[str]) -> bool:
    """Whether a chat's window shows it to the customer of these identities (``plain``).

    The case may have to do with more people: of mails and texts only their own are for them.
    """
    if message.direction == "note":
        return False
    return message.kind not in ADDRESSED or may_see(message, known)


def may_have(file: AttachmentId, message: Message, known: Collection[str]) -> Attachment | None:
    """The file of that id, if it came with a message that the customer may see."""
    if not may_see(message, {plain(value) for value in known}):
        return None
    return next((one for one in message.attachments if one.id == file), None)


def way_of(items: Sequence[Item]) -> Item | None:
    """The work that a word on the page goes on from, as it is answered; ``None``: there is none."""
    ways = (answering(item) for item in reversed(items) if item.promise is None)
    return next((item for item in ways if item.kind in WRITABLE), None)


def _open_talk(items: Sequence[Item]) -> Item | None:
    talks = (i for i in reversed(items) if i.promise is None and i.callback is None)
    return next((i for i in talks if i.state not in ENDED), None)


def _answer_due(item: Item | None) -> datetime | None:
    if item is None or item.service is None:
        return None
    replies = (c for c in item.service.clocks if c.kind != "resolution" and c.since is not None)
    return min((c.due_at for c in replies if c.due_at is not None), default=None)


def _stands(case: Case, items: Sequence[Item]) -> Stands:
    match case.status:
        case CaseStatus.WAITING:
            return "waiting"
        case CaseStatus.PROMISED:
            return "promised"
        case CaseStatus.SOLVED:
            return "solved"
        case CaseStatus.CLOSED:
            return "closed"
        case CaseStatus.OPEN:
            return "working" if any(i.state in _AT_WORK for i in items) else "received"


def _said(message: Message, shown_name: Callable[[AgentName], str]) -> Said:
    author = message.author
    agent = author.kind == "agent"
    text, quoted = _folded(message)
    shown = in_text(message.html, message.attachments)
    return Said(
        seq=message.seq,
        mine=message.direction == "in",
        at=message.at,
        kind=message.kind,
        text=text,
        quoted=quoted,
        name=shown_name(AgentName(author.id)) if agent and author.id else "",
        files=tuple(
            SharedFile(id=one.id, name=one.name, size=one.size)
            for one in message.attachments
            if one.inline_id not in shown
        ),
    )


def _bounded(said: Sequence[Said]) -> tuple[Said, ...]:
    """What is too long for a page ends in a dot dot dot: it shall not hold up all others."""
    found, left = list[Said](), MOST_SHOWN
    for one in reversed(said):
        text = _cut(one.text, left)
        quoted = _cut(one.quoted, left - len(text))
        left -= len(text) + len(quoted)
        found.append(replace(one, text=text, quoted=quoted))
    return tuple(reversed(found))


def _cut(text: str, left: int) -> str:
    most = min(LONGEST, max(SHORTEST, left))
    return text if len(text) <= most else f"{text[:most]}…"


def _folded(message: Message) -> tuple[str, str]:
    if not message.fold_from:
        return message.body, ""
    lines = message.body.splitlines()
    return "\n".join(lines[: message.fold_from]).rstrip(), "\n".join(lines[message.fold_from :])


def _owed(item: Item) -> Iterator[Owed]:
    promise = item.promise
    if promise is None or (stands := standing(item)) == "dropped":
        return
    ended = item.ended_at if stands == "kept" else None
    yield Owed(text=promise.text, due_at=promise.due_at, standing=stands, ended_at=ended)


def _call(items: Sequence[Item]) -> Call | None:
    for item in reversed(items):
        callback = item.callback
        if callback is None or item.state in ENDED:
            continue
        at = callback.at
        return Call(
            number=_end_of(callback.number),
            at=at if at is not None and at.tzinfo is not None else None,
            may_cancel=item.state in _WAITS_FOR_CALL,
        )
    return None


def _end_of(number: str) -> str:
    digits = [c for c in number if c.isdigit()]
    return "…" + "".join(digits[-_SHOWN_DIGITS:]) if digits else ""
