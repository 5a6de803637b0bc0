"""Why an item waits, and for whom: who could take it, who is excluded by what, what opens. Pure."""

from datetime import datetime

from msgspec import Struct

from gateway.core.ids import AgentName
from gateway.core.model import Item
from gateway.core.routing.fit import how_passed, lacks, meets, passed_lately, unavailable
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.rings import describe, opens_at
from gateway.core.state import NodeState

COULD = "could take it"


class Excluded(Struct, frozen=True, kw_only=True):
    """So many agents for the same reason, some of them by name."""

    why: str
    count: int
    agents: tuple[AgentName, ...]


class Opening(Struct, frozen=True, kw_only=True):
    """A ring that has not opened yet: when, what it lets go, and how many it would fit then."""

    ring: int
    lets: str
    agents: int
    at: datetime | None = None
    expected_wait: float | None = None


class Waits(Struct, frozen=True, kw_only=True):
    """How a waiting item stands just now; ``fitting`` are agents of whatever presence who fit."""

    needs: str
    ring: int
    fitting: int
    groups: tuple[Excluded, ...]
    rings: tuple[Opening, ...]
    not_asked: str = ""

    def words(self, now: datetime) -> str:
        said = [f"needs {self.needs}"]
        if self.not_asked:
            said.append(self.not_asked)
        said += [f"{g.count} {g.why} ({_named(g)})" for g in self.groups] or ["there are no agents"]
        if self.ring:
            said.append(f"ring {self.ring} is open")
        said += [_opening(ring, now) for ring in self.rings]
        return "; ".join(said)


def waits(state: NodeState, item: Item, now: datetime, *, named: int = 5) -> Waits:
    """How it stands. Looks at every agent: for people who ask, not for every decision."""
    need = need_of(state, item)
    counts: dict[str, list[AgentName]] = {}
    for name in state.profiles:
        counts.setdefault(_standing(state, item, name, need, now), []).append(name)
    groups = [
        Excluded(why=why, count=len(names), agents=tuple(names[:named]))
        for why, names in sorted(counts.items(), key=lambda kv: -len(kv[1]))
    ]
    spoken = need.languages or not item.language
    return Waits(
        needs=str(need),
        ring=item.ring,
        fitting=_fitting(state, need),
        groups=tuple(groups),
        rings=_openings(state, item),
        not_asked="" if spoken or item.ring else f"nobody here speaks {item.language}",
    )


def explain(state: NodeState, item: Item, now: datetime, *, named: int = 5) -> str:
    """The same in words."""
    return waits(state, item, now, named=named).words(now)


def _standing(state: NodeState, item: Item, agent: AgentName, need: Need, now: datetime) -> str:
    passed = passed_lately(item, agent, now)
    return (
        lacks(state.profiles[agent], need)
        or unavailable(state, agent, need)
        or (how_passed(passed, now) if passed else COULD)
    )


def _fitting(state: NodeState, need: Need) -> int:
    return sum(1 for profile in state.profiles.values() if meets(profile, need))


def _openings(state: NodeState, item: Item) -> tuple[Opening, ...]:
    queue = state.queues.get(item.queue)
    if queue is None:
        return ()
    return tuple(
        Opening(
            ring=number,
            lets=describe(ring),
            agents=_fitting(state, need_of(state, item, rings=number)),
            at=opens_at(item, ring),
            expected_wait=ring.expected_wait,
        )
        for number, ring in enumerate(queue.rings, start=1)
        if number > item.ring
    )


def _named(group: Excluded) -> str:
    return ", ".join(group.agents) + (", …" if group.count > len(group.agents) else "")


def _opening(ring: Opening, now: datetime) -> str:
    times = []
    if ring.at is not None:
        times.append(f"in {max((ring.at - now).total_seconds(), 0):.0f} s")
    if ring.expected_wait is not None:
        times.append(f"when the expected wait comes to {ring.expected_wait:.0f} s")
    when = " or ".join(times)
    return f"ring {ring.ring} opens {when}: {ring.lets}, then {ring.agents} fit"
