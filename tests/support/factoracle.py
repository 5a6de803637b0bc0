"""What reports count, by brute force: every moment of a journal is looked at by itself.

Nothing here is kept from one entry to the next. To know how an item was at some moment, all of its
entries until then are read again; time is cut wherever anything happens and at each quarter of an
hour, and each piece is counted by how things were in it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from gateway.core import events as e
from gateway.core.facts.values import Told
from gateway.core.ids import ItemId
from gateway.core.lifecycle import MOVING, step
from gateway.core.model import ItemState as S
from gateway.core.model import Presence

Key = tuple[str, datetime, str, str]
"""What was counted, in which interval, of which queue and agent."""
QUARTER = 900


class Now(NamedTuple):
    """How an item is."""

    state: S
    queue: str
    agent: str


def quarter(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // QUARTER * QUARTER, UTC)


def item_of(told: Told) -> ItemId | None:
    event: Any = told.event
    item = getattr(event, "item", None)
    return getattr(item, "id", item)


def now(told: Sequence[Told], item: ItemId) -> Now | None:
    """How the item is after these."""
    found: Now | None = None
    for one in told:
        event: Any = one.event
        if isinstance(event, e.ItemCreated) and event.item.id == item:
            found = Now(S.NEW, event.item.queue, "")
        elif found is not None and type(event) in MOVING and event.item == item:
            state = step(found.state, event)
            queue = event.queue if isinstance(event, e.ItemQueued) else found.queue
            in_hand = state in (S.ASSIGNED, S.WRAPPING)
            taker = isinstance(event, e.OfferAccepted | e.ItemAssigned | e.WrapUpStarted)
            agent = event.agent if taker else found.agent if in_hand else ""
            found = Now(state, queue, agent)
    return found


WAITS = (S.QUEUED, S.OFFERED)


def counts(told: Sequence[Told]) -> Counter[Key]:
    """Moves of items, one by one."""
    sums: Counter[Key] = Counter()
    for n, one in enumerate(told):
        item = item_of(one)
        if item is None or type(one.event) not in MOVING:
            continue
        before, after = now(told[:n], item), now(told[: n + 1], item)
        assert before is not None
        assert after is not None
        for name, queue, agent in _counted(one.event, before, after):
            sums[name, quarter(one.at), queue, agent] += 1
    return sums


def _counted(event: Any, before: Now, after: Now) -> Iterator[tuple[str, str, str]]:
    """What a move counts, of which queue and agent."""
    waited, waits = before.state in WAITS, after.state in WAITS
    if isinstance(event, e.ItemQueued):
        if not waited or before.queue != event.queue or event.restart:
            yield "offered", event.queue, ""
            if waited:
                yield "flowed_out", before.queue, ""
    elif waited and not waits:
        how = {S.ASSIGNED: "answered", S.ABANDONED: "abandoned"}.get(after.state, "flowed_out")
        yield how, before.queue, after.agent if how == "answered" else ""
    if isinstance(event, e.OfferDeclined):
        yield "declined", before.queue, event.agent
    if isinstance(event, e.OfferMissed):
        yield "missed", before.queue, event.agent
    if isinstance(event, e.OfferMade):
        yield "offers", before.queue, event.offer.agent


def _pieces(told: Sequence[Told], until: datetime) -> list[tuple[datetime, datetime]]:
    cuts = {one.at for one in told} | {until}
    edge = quarter(min(cuts))
    while edge < until:
        cuts.add(edge)
        edge += timedelta(seconds=QUARTER)
    ordered = sorted(at for at in cuts if at <= until)
    return [(a, b) for a, b in pairwise(ordered) if a >= told[0].at]


def lasting(told: Sequence[Told], until: datetime) -> Counter[Key]:
    """Seconds in which items waited, or were in somebody's hands."""
    sums: Counter[Key] = Counter()
    items = {one.event.item.id for one in told if isinstance(one.event, e.ItemCreated)}
    for item in sorted(items):
        own = [one for one in told if item_of(one) == item]
        for began, ended in _pieces(told, until):
            known = now([one for one in own if one.at <= began], item)
            if known is None:
                continue
            seconds = (ended - began).total_seconds()
            if known.state in WAITS:
                sums["waiting", quarter(began), known.queue, ""] += seconds  # type: ignore[assignment]
            if known.state in (S.ASSIGNED, S.WRAPPING):
                what = "talk" if known.state is S.ASSIGNED else "wrap"
                sums[what, quarter(began), known.queue, known.agent] += seconds  # type: ignore[assignment]
    return sums


def there(told: Sequence[Told], agent: str, at: datetime) -> bool | None:
    """Whether the agent was ready then; ``None``: was not there."""
    tabs, node, ready, heard = 0, "", False, None
    for one in told:
        if one.at > at:
            break
        event: Any = one.event
        if isinstance(event, e.NodeStarted):
            tabs = 0 if event.node == node else tabs
            continue
        if not isinstance(event, e.AgentAttached | e.AgentDetached | e.AgentStateChanged):
            continue
        if event.agent != agent:
            continue
        heard = one.at
        if isinstance(event, e.AgentAttached):
            tabs, node = (tabs + 1 if event.node == node else 1), event.node
        elif isinstance(event, e.AgentDetached):
            tabs = max(tabs - 1, 0) if node in ("", one.node) else tabs
        else:
            ready = event.presence is Presence.READY
    if heard is None or tabs == 0 or at - heard >= timedelta(hours=36):
        return None
    return ready
