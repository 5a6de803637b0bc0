"""What colleagues say reaches each of them once, at whichever node, whatever dies meanwhile.

A desktop asks for its chats when it begins afresh, as over REST, and is told of the rest by frames.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gateway.core.ids import AgentName, MessageId
from push.protocol import PeerFrame, ServerFrame, Snapshot
from tests.sim.promises import need
from tests.support.memory_talk import Talk

ALL = "all"
"""A group that everybody is in."""
Asks = Callable[[AgentName], Iterable[MessageId]]


def nothing_said(_who: AgentName) -> Iterable[MessageId]:
    return ()


def chats_of(talk: Talk) -> Asks:
    """What REST would answer at this moment."""
    return lambda who: [message.id for message in talk.shown(who, (ALL,))]


class Ear:
    """What one desktop has seen of its agent's chats."""

    def __init__(self, name: AgentName) -> None:
        self.name = name
        self.heard: set[MessageId] = set()

    def hear(self, frame: ServerFrame, asks: Asks) -> None:
        """Afresh: what there is; and from then on every frame."""
        if isinstance(frame, Snapshot):
            self.heard = set(asks(self.name))
        elif isinstance(frame, PeerFrame):
            self.heard.add(frame.id)

    def missed(self, talk: Talk) -> set[MessageId]:
        return {message.id for message in talk.shown(self.name, (ALL,))} - self.heard


class Listening(Protocol):
    """An agent's desktop."""

    ear: Ear


def missed(talk: Talk, agents: Iterable[Listening]) -> Iterator[tuple[AgentName, set[MessageId]]]:
    """Who has not been told of what."""
    for each in agents:
        if lost := each.ear.missed(talk):
            yield each.ear.name, lost


def colleagues_heard_each_other(talk: Talk, agents: Iterable[Listening]) -> None:
    """In the end."""
    for who, lost in missed(talk, agents):
        need(False, f"{who} never heard {sorted(lost)}")
