"""The facts of an agent's hours: ready or not, with work in hand or without.

Work that overlaps is counted in full (``talk``, ``wrap``) and divided by how many items the agent
had in hand at the time (``talk_shared``, ``wrap_shared``); ``busy`` is the time with anything in
hand. Whoever is ready and has nothing in hand is ``idle``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.facts.values import Cell, Segment, Told, interval_of, intervals
from gateway.core.ids import AgentName
from gateway.core.model import Presence

PRESENCE = (
    e.NodeStarted,
    e.AgentAttached,
    e.AgentDetached,
    e.AgentClaimed,
    e.AgentReleased,
    e.AgentAdopted,
    e.AgentHandedOver,
    e.AgentStateChanged,
)
"""The events that say who is there."""


LONGEST = timedelta(hours=36)
"""Of whom nothing was heard for so long nobody knows whether they are there."""


class Stand(Struct, frozen=True, gc=False):
    """How an agent is: at which node, with how many desktops, and what they say of themselves."""

    node: str = ""
    tabs: int = 0
    ready: bool = False
    reason: str = ""

    @property
    def there(self) -> bool:
        return self.tabs > 0


class Stretch(Struct, frozen=True, gc=False):
    """An agent was there and ready, or not ready for a reason."""

    began: datetime
    ended: datetime
    ready: bool
    reason: str = ""


class Shift(Struct, frozen=True, kw_only=True, gc=False):
    """What an agent did in an interval, about ``cell``: seconds by their names in ``SHIFT``."""

    agent: AgentName
    at: datetime
    cell: Cell
    sums: dict[str, float]


def about(event: e.Event) -> AgentName | None:
    """Whom it is about; ``None``: everybody whose desktops are at that node."""
    known: Any = event
    if isinstance(event, e.NodeStarted):
        return None
    if isinstance(event, e.AgentClaimed | e.AgentAdopted):
        return event.status.name
    name: AgentName = known.agent
    return name


def stepped(stand: Stand, told: Told) -> Stand:
    """How the agent is after this. Where the agent was before says nothing of where they are."""
    ours = stand.node in ("", told.node)
    match told.event:
        case e.AgentAttached(node=node):
            tabs = stand.tabs + 1 if stand.node == node else 1
            return replace(stand, node=node, tabs=tabs)
        case e.AgentStateChanged(presence=presence, reason=reason):
            return replace(stand, ready=presence is Presence.READY, reason=reason)
        case e.AgentClaimed(status=status) | e.AgentAdopted(status=status):
            ready = status.presence is Presence.READY
            return Stand(told.node, 0, ready, status.reason)
        case e.AgentDetached() if ours:
            return replace(stand, tabs=max(stand.tabs - 1, 0))
        case e.NodeStarted() | e.AgentReleased() | e.AgentHandedOver() if ours:
            return replace(stand, tabs=0)
    return stand


def stretches(stands: Sequence[tuple[datetime, Stand]], until: datetime) -> list[Stretch]:
    """From how the agent was after each change; the last one lasts ``until`` then."""
    found: list[Stretch] = []
    ends = [at for at, _ in stands[1:]] + [until]
    for (began, stand), ended in zip(stands, ends, strict=True):
        last = min(ended, until, began + LONGEST)
        if stand.there and began < last:
            reason = "" if stand.ready else stand.reason
            found.append(Stretch(began, last, stand.ready, reason))
    return found


def shifts(
    agent: AgentName,
    span: tuple[datetime, datetime],
    presence: Iterable[Stretch],
    work: Iterable[Segment],
) -> list[Shift]:
    """What ``agent`` did in ``span``, a number of whole intervals or the beginning of one.

    ``work`` is what the agent had in hand; what is not over yet lasts to the end of the span.
    """
    parts: dict[datetime, list[_Part]] = {}
    for one in presence:
        _spread(parts, span, one.began, one.ended, one)
    for held in work:
        _spread(parts, span, held.began, held.ended or span[1], held)
    found: list[Shift] = []
    for start in sorted(parts):
        sums = _summed(agent, parts[start])
        found += [
            Shift(agent=agent, at=start, cell=cell, sums=sums[cell])
            for cell in sorted(sums, key=repr)
        ]
    return found


class _Part(Struct, frozen=True, gc=False):
    """What was so from ``began`` until ``ended``, within one interval."""

    began: datetime
    ended: datetime
    what: Stretch | Segment


def _spread(
    parts: dict[datetime, list[_Part]],
    span: tuple[datetime, datetime],
    began: datetime,
    ended: datetime,
    what: Stretch | Segment,
) -> None:
    for start, since, until in intervals(max(began, span[0]), min(ended, span[1])):
        parts.setdefault(start, []).append(_Part(since, until, what))


def _summed(agent: AgentName, parts: list[_Part]) -> dict[Cell, dict[str, float]]:
    sums: dict[Cell, dict[str, float]] = {}
    mine = Cell(agent=agent)

    def add(cell: Cell, name: str, seconds: float) -> None:
        known = sums.setdefault(cell, {})
        known[name] = known.get(name, 0.0) + seconds

    edges = sorted({edge for part in parts for edge in (part.began, part.ended)})
    parts.sort(key=lambda part: (part.began, part.ended, repr(part.what)))
    for began, ended in pairwise(edges):
        seconds = (ended - began).total_seconds()
        now = [part.what for part in parts if part.began <= began and part.ended >= ended]
        held = [one for one in now if isinstance(one, Segment)]
        for one in held:
            add(one.cell, one.what, seconds)
            add(one.cell, f"{one.what}_shared", seconds / len(held))
        if held:
            add(mine, "busy", seconds)
        for there in (one for one in now if isinstance(one, Stretch)):
            if not there.ready:
                add(Cell(agent=agent, reason=there.reason), "not_ready", seconds)
                continue
            add(mine, "ready", seconds)
            if not held:
                add(mine, "idle", seconds)
    return sums


def hour_of(at: datetime) -> datetime:
    """The full hour (UTC) before; what is counted for an agent is made anew by the hour."""
    return interval_of(at).replace(minute=0)
