"""Which waiting item may go to another node, and to which one. Pure.

A node asks for an agent before it gives anything away: what others published is a second old and
knows nothing of combinations of skills, so it only says whom to ask first.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.ids import AgentName, ItemId, NodeName, QueueName, SiteName, SkillName
from gateway.core.model import ChannelKind, Item, ItemState, Passed, Queue
from gateway.core.pool import NodeCapacity
from gateway.core.routing.need import Need

APART_SECONDS = 10.0
"""An item moves no more often than this."""
STALE_SECONDS = 4.0
"""A node whose figures are older is not asked: it has more urgent trouble."""


class Wanted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of another node: an agent for this item, for a moment.

    ``wait``: it may also come to wait there, for here nobody is signed in who could ever get it.
    ``last_agent`` knows the matter, and is asked for first; ``alone``: nobody else will do.
    """

    item: ItemId
    kind: ChannelKind
    queue: QueueName
    skills: dict[SkillName, int] = {}
    passed: tuple[Passed, ...] = ()
    wait: bool = False
    languages: tuple[SkillName, ...] = ()
    queues: tuple[QueueName, ...] = ()
    groups: tuple[str, ...] = ()
    sites: tuple[SiteName, ...] = ()
    desk: tuple[int, ...] = ()
    last_agent: AgentName | None = None
    alone: bool = False

    @property
    def need(self) -> Need:
        return Need(
            kind=self.kind,
            queue=self.queue,
            skills=tuple(sorted(self.skills.items())),
            languages=self.languages,
            queues=self.queues,
            groups=self.groups,
            sites=self.sites,
            desk=self.desk,
        )


class Granted(Struct, frozen=True, kw_only=True):
    """An agent is kept for it; ``epoch`` is what the node that keeps it writes under.

    No ``agent``: it may come and wait there.
    """

    agent: str
    epoch: int


class Choice(Struct, frozen=True):
    """Ask this node, because of ``reason``; ``None``: nobody, because of it."""

    node: NodeName | None
    reason: str


def wanted(item: Item, need: Need, *, wait: bool = False) -> Wanted:
    """The question for an item that needs this."""
    return Wanted(
        item=item.id,
        kind=need.kind,
        queue=need.queue,
        skills=dict(need.skills),
        passed=item.passed,
        wait=wait,
        languages=need.languages,
        queues=need.queues,
        groups=need.groups,
        sites=need.sites,
        desk=need.desk,
        last_agent=item.last_agent,
    )


def keeps_back(item: Item, queue: Queue | None, now: datetime, *, stranded: bool = False) -> str:
    """Why the item may not go to another node yet; empty: it may.

    ``stranded``: nobody is signed in here who could ever get it: no rule counts.
    """
    if item.state is not ItemState.QUEUED:
        return f"it is {item.state.value}"
    if not stranded:
        after = queue.overflow_after if queue is not None else None
        if after is None:
            return f"queue {item.queue!r} keeps its items at their node"
        since = item.queued_at or item.created_at
        waited = (now - since).total_seconds()
        if after > 0 and waited < after:
            return f"it may go to another node in {after - waited:.0f} s"
    if item.moved_at is not None:
        again = item.moved_at + timedelta(seconds=APART_SECONDS)
        if item.moved_at <= now < again:
            return f"it has just come from another node; {(again - now).total_seconds():.0f} s more"
    return ""


def choose(
    need: Need,
    others: Sequence[NodeCapacity],
    region: str,
    taken: Callable[[NodeName], int] = lambda _node: 0,
) -> Choice:
    """Whom to ask: who fits, our own region first, then most to spare.

    ``taken`` is how many of a node's free agents we have been promised, or refused, since it
    published.
    """
    fresh = [one for one in others if one.age <= STALE_SECONDS]
    spare = {one.node: one.capacity.fit(need) - taken(one.node) for one in fresh}
    able = [one for one in fresh if spare[one.node] > 0]
    if not able:
        return Choice(None, _nobody(others, fresh))
    best = min(able, key=lambda one: (one.region != region, -spare[one.node], one.node))
    where = "in our region" if best.region == region else f"in region {best.region!r}"
    return Choice(
        best.node, f"{best.node}, {where}, has {spare[best.node]} who may fit, {best.age:.1f} s ago"
    )


def choose_crew(
    need: Need,
    others: Sequence[NodeCapacity],
    region: str,
    promised: Callable[[NodeName], int] = lambda _node: 0,
) -> Choice:
    """Where to wait, for an item that nobody at its own node could ever get.

    Our own region first, then where fewest wait for each agent who could get it. ``promised`` is
    how many we have sent there since it published.
    """

    def crowded(one: NodeCapacity) -> float:
        waiting = sum(q.waiting for q in one.capacity.queues if q.name == need.queue)
        return (waiting + promised(one.node)) / one.capacity.serves(need)

    if not others:
        return Choice(None, "there is no other node")
    able = [o for o in others if o.age <= STALE_SECONDS and o.capacity.serves(need) > 0]
    if not able:
        return Choice(None, "nobody who could ever get it is signed in at any other node either")
    best = min(able, key=lambda one: (one.region != region, crowded(one), one.node))
    return Choice(best.node, f"at {best.node} {best.capacity.serves(need)} could get it")


def _nobody(others: Sequence[NodeCapacity], fresh: Sequence[NodeCapacity]) -> str:
    if not others:
        return "there is no other node"
    if not fresh:
        return "the other nodes have not said for a while what they can take"
    return f"nobody who fits is free at {', '.join(sorted(one.node for one in fresh))} either"
