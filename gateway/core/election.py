"""Who lives: what a node may conclude from the counters of others. Pure.

Each node raises the counter of its lease row every second and reads everybody's with the same
statement: a *look*. A peer is lapsed when its counter stood still over ``LEASE_SECONDS`` of our
own clock, in which every look of ours succeeded, without a long gap, on one timeline of the
database. Whatever interrupts that (a failed look, a gap, a promotion) begins the watch anew, so
that what keeps everybody from renewing never looks like a death. No time stamp of another
machine takes part: ``began`` and ``ended`` are seconds of this machine's CLOCK_BOOTTIME.
"""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.core.ids import NodeName

LEASE_SECONDS = 5.0
"""How long a node may keep silent before others act in its place."""
ROUND_SECONDS = 1.0
"""A node renews so often."""
GAP_SECONDS = 3.0
"""Answers further apart are no watch: a database that keeps us waiting keeps the others too.

Together with a round it is less than the lease.
"""


class Peer(Struct, frozen=True, kw_only=True):
    """A node as its rows show it.

    ``epoch`` is that of its lease, ``fence`` that of its fence row: they differ when somebody has
    taken it over and it has not begun again. ``heir`` is who takes (or took, half way) its rows.
    ``place`` tells a person which process it is, ``edition`` is what it says that it knows.
    """

    node: NodeName
    epoch: int
    counter: int
    fence: int
    heir: NodeName | None = None
    state: str = "serving"
    region: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    place: str = ""
    edition: int = 1

    @property
    def fenced(self) -> bool:
        return self.epoch != self.fence


class Look(Struct, frozen=True, kw_only=True):
    """One renewal of ours and what it showed: asked at ``began``, answered at ``ended``.

    ``written`` is the edition that may be written.
    """

    began: float
    ended: float
    timeline: int
    peers: tuple[Peer, ...]
    written: int = 1


class Watch(Struct, frozen=True, kw_only=True):
    """A counter that has not moved in any look since the one that ended at ``since``."""

    peer: Peer
    since: float
    looks: int = 1


class Facts(Struct, frozen=True, kw_only=True):
    """What ``me`` has seen without interruption; empty ``watches`` mean that nothing is known."""

    me: NodeName
    timeline: int = 0
    began: float = 0.0
    ended: float = 0.0
    watches: Mapping[NodeName, Watch] = field(default_factory=dict)


class Verdict(Struct, frozen=True, kw_only=True):
    """A peer that may be taken over, as it was seen, and why in words."""

    peer: Peer
    reason: str


def observe(facts: Facts, look: Look | None) -> Facts:
    """What is known after a look; ``None`` is a renewal that failed."""
    if look is None:
        return Facts(me=facts.me)
    watched = facts.watches if _goes_on(facts, look) else {}
    watches = {}
    for peer in look.peers:
        before = watched.get(peer.node)
        if before is not None and _stands_still(before.peer, peer):
            watches[peer.node] = replace(before, peer=peer, looks=before.looks + 1)
        else:
            watches[peer.node] = Watch(peer=peer, since=look.ended)
    return Facts(
        me=facts.me,
        timeline=look.timeline,
        began=look.began,
        ended=look.ended,
        watches=watches,
    )


def decide(facts: Facts, now: float) -> list[Verdict]:
    """Whom to take over now: everybody else who lapsed and has not been fenced yet."""
    if now - facts.ended > GAP_SECONDS:
        return []
    return [
        Verdict(peer=watch.peer, reason=_why(facts, watch))
        for watch in facts.watches.values()
        if watch.peer.node != facts.me
        and not watch.peer.fenced
        and facts.began - watch.since >= LEASE_SECONDS
    ]


def _goes_on(facts: Facts, look: Look) -> bool:
    return facts.timeline == look.timeline and look.ended - facts.ended <= GAP_SECONDS


def _stands_still(before: Peer, now: Peer) -> bool:
    return (before.epoch, before.counter, before.fence) == (now.epoch, now.counter, now.fence)


def _why(facts: Facts, watch: Watch) -> str:
    peer, seconds = watch.peer, facts.began - watch.since
    stopped = " after it said that it stops" if peer.state == "stopped" else ""
    return (
        f"the lease counter of {peer.node} stood at {peer.counter} for {seconds:.1f} s{stopped}, "
        f"while {watch.looks} renewals of {facts.me} in a row succeeded on timeline "
        f"{facts.timeline}"
    )
