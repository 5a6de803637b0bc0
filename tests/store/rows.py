"""Rows, entries and inbounds for the tests of the store, and who writes them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import (
    AgentName,
    ChannelName,
    NodeName,
    Position,
    QueueName,
    TicketNumber,
)
from gateway.core.inbound import Claim, File, Inbound
from gateway.store.contract import (
    Batch,
    Journal,
    Loaded,
    Lookup,
    Term,
)
from gateway.store.opening import new_id

NODE, MAIL, SITE = NodeName("n1"), ChannelName("mail"), ChannelName("site")
EVA, BOB = AgentName("eva"), AgentName("bob")
NOW = datetime.now(UTC).replace(microsecond=123000)
EMAIL = m.ChannelKind.EMAIL


class Opened(Struct):
    """One incarnation's way to the data."""

    journal: Journal
    lookup: Lookup


Opens = Callable[[], Awaitable[Opened]]


class Pen:
    """Writes entries under a term, each at the next position."""

    def __init__(self, opened: Opened, term: Term) -> None:
        self.journal, self.lookup, self.term = opened.journal, opened.lookup, term
        self.offset = 0

    def entry(self, event: e.Event, *rows: e.Row) -> e.Entry:
        self.offset += 1
        return e.Entry(Position(self.term.epoch, self.offset), NOW, event, rows)

    def batch(self, *entries: e.Entry) -> Batch:
        """What ``Journal.commit`` takes."""
        batch = self.journal.batch()
        for entry in entries:
            batch.add(entry)
        return batch

    async def write(self, *entries: e.Entry) -> None:
        await self.journal.commit(self.term, self.batch(*entries))

    async def rows(self, *rows: e.Row) -> None:
        """Commit rows under an event that does not matter."""
        await self.write(self.entry(an_event(), *rows))

    async def loaded(self) -> Loaded:
        return await self.journal.load(self.term)


async def begin(opens: Opens) -> Pen:
    opened = await opens()
    return Pen(opened, await opened.journal.begin(NODE, "eu"))


def uid() -> Any:
    """A fresh id of whatever kind is asked for."""
    return new_id()


def an_event() -> e.Event:
    return e.NodeStarted(node=NODE, region="eu", items=0)


def a_case(**changes: Any) -> m.Case:
    number = TicketNumber(int(new_id().replace("-", "")[10:24], 16))
    case = m.Case(id=uid(), number=number, version=1, opened_at=NOW, channel=MAIL, kind=EMAIL)
    return replace(case, **changes)


def an_item(case: m.Case, **changes: Any) -> m.Item:
    item = m.Item(
        id=uid(),
        case=case.id,
        number=case.number,
        channel=MAIL,
        kind=EMAIL,
        queue=QueueName("general"),
        state=m.ItemState.QUEUED,
        version=1,
        owner=NODE,
        created_at=NOW,
        queued_at=NOW,
    )
    return replace(item, **changes)


def a_message(case: m.Case, seq: int = 1, **changes: Any) -> m.Message:
    message = m.Message(
        id=uid(),
        case=case.id,
        seq=seq,
        direction="in",
        author=m.Author(kind="customer", name="Ann"),
        at=NOW,
        channel=MAIL,
        kind=EMAIL,
        body="Where is my parcel?",
    )
    return replace(message, **changes)


def an_outgoing(**changes: Any) -> m.Outgoing:
    outgoing = m.Outgoing(
        id=uid(),
        channel=MAIL,
        kind=EMAIL,
        purpose="message",
        state=m.OutboundState.PENDING,
        version=1,
        created_at=NOW,
        next_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(outgoing, **changes)


def an_inbound(key: str = "k1", **changes: Any) -> Inbound:
    return replace(Inbound(channel=MAIL, kind=EMAIL, key=key, at=NOW), **changes)


def from_ann(*, verified: bool) -> Claim:
    return Claim(kind="email", value="ann@example.com", name="Ann", verified=verified)


def a_file() -> File:
    return File(name="plan.pdf", type="application/pdf", data=b"%PDF")
