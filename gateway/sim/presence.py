"""When each agent was ready, as the journal tells it. Pure."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import Presence
from gateway.store.days import Happened

Span = tuple[datetime, datetime]


class _Known(Struct):
    node: NodeName | None = None
    tabs: int = 0
    ready: bool = False
    since: datetime | None = None


def ready_spans(
    entries: Iterable[Happened], begins: datetime, ends: datetime
) -> dict[AgentName, list[Span]]:
    """The spans of the day in which each was connected and ready, in order."""
    known: dict[AgentName, _Known] = {}
    spans: dict[AgentName, list[Span]] = {}

    def settle(name: AgentName, at: datetime) -> None:
        one = known[name]
        there = one.ready and one.tabs > 0
        if there and one.since is None:
            one.since = at
        elif not there and one.since is not None:
            first, last = max(one.since, begins), min(at, ends)
            one.since = None
            if first < last:
                spans.setdefault(name, []).append((first, last))

    for entry in entries:
        for name in _changed(known, entry.event):
            settle(name, entry.at)
    for name, one in known.items():
        one.ready = False
        settle(name, ends)
    return spans


def _changed(known: dict[AgentName, _Known], ev: e.Event) -> list[AgentName]:
    """Whom the event is about, with the change made."""
    match ev:
        case e.NodeStarted(node=node):
            # It begins with nobody connected.
            names = [name for name, one in known.items() if one.node == node]
            for name in names:
                known[name].tabs = 0
            return names
        case e.AgentAttached(agent=name, node=node):
            one = known.setdefault(name, _Known())
            one.tabs = one.tabs + 1 if one.node == node else 1
            one.node = node
        case e.AgentDetached(agent=name):
            one = known.setdefault(name, _Known())
            one.tabs = max(one.tabs - 1, 0)
        case e.AgentStateChanged(agent=name, presence=presence):
            known.setdefault(name, _Known()).ready = presence is Presence.READY
        case e.AgentReleased(agent=name) | e.AgentHandedOver(agent=name):
            known.setdefault(name, _Known()).tabs = 0
        case e.AgentClaimed(status=status) | e.AgentAdopted(status=status):
            name = status.name
            one = known.setdefault(name, _Known())
            one.tabs, one.ready = 0, status.presence is Presence.READY
        case _:
            return []
    return [name]
