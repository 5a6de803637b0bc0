"""What is known of a case and of its work items while their entries are read. See ``lives``."""

from collections.abc import Iterable
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.core.facts.values import Cell, Moment, Segment, Told
from gateway.core.ids import CaseId, ItemId
from gateway.core.model import Case, Item

Phase = Literal["", "waiting", "held", "talk", "wrap"]
_BANDS = ((75, "75-100"), (50, "50-74"), (25, "25-49"), (1, "1-24"))


class Matter(Struct):
    """A case as it is so far. ``contact`` is what its customer wrote or asked last."""

    id: CaseId
    opened_at: datetime
    channel: str = ""
    medium: str = ""
    type: str = ""
    level: int = 1
    category: str = ""
    stage: str = ""
    staged_at: datetime | None = None
    highest: int = 1
    begun_at: datetime | None = None
    last_item: ItemId | None = None
    open: bool = True


class Work(Struct):
    """A work item as it is so far, with its facts.

    ``phase`` began at ``since``; ``holder`` is who had it last and has not been counted as having
    handled it. ``asks_since`` is when the customer wrote what nobody has answered yet.
    """

    id: ItemId
    case: CaseId
    number: int
    queue: str
    channel: str
    medium: str
    language: str
    segment: str
    node: str
    created_at: datetime
    latest: datetime
    owed: bool = False
    phase: Phase = ""
    since: datetime | None = None
    agent: str = ""
    holder: str = ""
    asks_since: datetime | None = None
    answered_at: datetime | None = None
    replied_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    code: str = ""
    category: str = ""
    first_reply_open: bool = False
    moments: list[Moment] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


def in_order(entries: Iterable[Told]) -> list[Told]:
    """Entries of all nodes: of one node as it wrote them, of several by their clocks.

    An entry twice counts once. Where a node's clock was set back its entries stay in their order.
    """
    ours = sorted(entries, key=lambda told: (told.node, told.position))
    streams = []
    for _, group in groupby(ours, key=lambda told: told.node):
        stream: list[Told] = []
        for told in group:
            if stream and told.position == stream[-1].position:
                continue
            late = stream and told.at < stream[-1].at
            stream.append(_at(told, stream[-1].at) if late else told)
        streams.append(stream)
    return list(merge(*streams, key=lambda told: (told.at, told.node, told.position)))


def _at(told: Told, at: datetime) -> Told:
    return replace(told, at=at)


def matter_of(case: Case) -> Matter:
    return Matter(
        id=case.id,
        opened_at=case.opened_at,
        channel=case.channel,
        medium=case.kind,
        type=case.type,
        level=case.level,
        category=case.category,
        stage=case.stage,
        staged_at=case.opened_at if case.stage else None,
        highest=case.level,
        begun_at=case.opened_at,
    )


def work_of(item: Item, told: Told) -> Work:
    return Work(
        id=item.id,
        case=item.case,
        number=item.number,
        queue=item.queue,
        channel=item.channel,
        medium=item.kind,
        language=item.language,
        segment=segment_of(item),
        node=told.node,
        created_at=item.created_at,
        latest=told.at,
        owed=item.callback is not None or item.promise is not None,
        asks_since=item.created_at,
    )


def segment_of(item: Item) -> str:
    """The house's own word in the item's attributes, else the band of the customer's value."""
    said = item.attributes.get("segment")
    if isinstance(said, str) and said:
        return said[:100]
    value = item.customer.value if item.customer is not None else 0
    return next((band for least, band in _BANDS if value >= least), "")


def cell_of(work: Work, matter: Matter | None, *, agent: str = "", queue: str = "") -> Cell:
    """What something about this item is read by. How it ended is filled in by ``finished``."""
    return Cell(
        queue=queue or work.queue,
        channel=work.channel,
        medium=work.medium,
        agent=agent,
        node=work.node,
        type=matter.type if matter else "",
        level=matter.level if matter else 0,
        language=work.language,
        segment=work.segment,
    )


def finished(work: Work, matter: Matter | None, cell: Cell) -> Cell:
    """With the code and the category that the item ended with."""
    category = work.category or (matter.category if matter else "")
    if not category and not work.code:
        return cell
    return replace(cell, category=category, code=work.code)
