"""Who waits, over the node's state, and what of it an agent can take; ``agents``: who is free.

An item is put in its line no sooner than somebody looks there: most find an agent at once.
"""

from collections.abc import Generator, Iterator
from typing import TypeVar

from gateway.core.capacity import has_room, kinds_of
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import Item, ItemState
from gateway.core.routing.available import Available
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.rank import rank
from gateway.core.routing.waiting import Asking, Head, May, Waiting
from gateway.core.state import NodeState

Place = tuple[float, ItemId, Need]
"""Of an item in the one line of all channels: its rank, and what it needs."""
SORTED = 2_000
"""Items of the line that are put in order before others have a turn."""
_QUEUED = ItemState.QUEUED
R = TypeVar("R")


class Pool:
    """See the module's docstring."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self.agents = Available(state)
        self._waiting = Waiting()
        for profile in state.profiles.values():
            self._waiting.look_from(profile.queues)
        self._fresh: dict[ItemId, Need | None] = {}

    @property
    def entries(self) -> int:
        """What the indexes hold in memory, void entries included."""
        return self._waiting.entries + self.agents.places

    @property
    def needs(self) -> int:
        """Different needs of what waits."""
        return len(self._waiting.needs())

    def define_agent(self, agent: AgentName) -> None:
        """The directory's entry has changed."""
        self.agents.define(agent)
        profile = self._state.profiles.get(agent)
        if profile is not None:
            self._waiting.look_from(profile.queues)

    # -- entering ---------------------------------------------------------------------------

    def enter_item(self, item: ItemId) -> None:
        """The item is queued; its place, and what it asks, may have changed."""
        self._fresh[item] = None

    def leave_item(self, item: ItemId) -> None:
        """The item waits no more."""
        self._fresh.pop(item, None)
        self._waiting.leave(item)

    @property
    def behind(self) -> int:
        """Items that are not in their place yet."""
        return len(self._fresh)

    def settle(self, most: int | None = None) -> None:
        """Put those in their places, or so many of them."""
        state, fresh = self._state, self._fresh
        for _ in range(len(fresh) if most is None else min(most, len(fresh))):
            name, need = fresh.popitem()
            item = state.items.get(name)
            if item is not None and item.state is _QUEUED:
                place = rank(item, state.queues.get(item.queue))
                self._waiting.enter(name, need or self._asked_by(item), place)

    def _line_of(self, item: ItemId) -> Asking | None:
        if self._fresh:
            self.settle()
        return self._waiting.line_of(item)

    # -- questions --------------------------------------------------------------------------

    def need_of(self, item: Item) -> Need:
        """What a waiting item asks, or would ask if it waited."""
        name = item.id
        if name in self._fresh:
            need = self._fresh[name]
            if need is None:
                need = self._fresh[name] = self._asked_by(item)
            return need
        line = self._waiting.line_of(name)
        return line.need if line is not None else need_of(self._state, item)

    def _asked_by(self, item: Item) -> Need:
        """What is asked by somebody who has just come."""
        need = need_of(self._state, item)
        self.agents.note(need)
        return need

    def waiting_needs(self) -> list[Need]:
        """What is asked of agents by whatever waits."""
        self.settle()
        return self._waiting.needs()

    def waiting_items(self, need: Need) -> Iterator[Item]:
        """Items waiting with this need, most urgent first."""
        self.settle()
        line = self._waiting.line(need)
        if line is not None:
            for item in line.in_order():
                yield self._state.items[item]

    def waiting_for(self, agent: AgentName) -> list[tuple[Head, Need]]:
        """Needs that this agent meets and has room for, with who stands first, in that order."""
        self.settle()
        profile = self._state.profiles.get(agent)
        if profile is None:
            return []
        known = self.agents.known(profile)
        return self._waiting.for_agent(profile, known.names, kinds_of(self.agents.room(known)))

    def first_for(self, agent: AgentName, free: int, may: May) -> tuple[Head, Need] | None:
        """The most urgent item that this agent meets and ``may`` have.

        ``free`` is what the agent has room for, as ``room_of`` says.
        """
        if self._fresh:
            self.settle()
        profile = self._state.profiles[agent]
        names = self.agents.known(profile).names
        if self.agents.least_costs is None:
            return self._waiting.first_for(profile, names, kinds_of(free), may)
        # Where queues have costs of their own, room for the least of a kind is not room for all.
        hands = self._state.in_hand(agent)
        return self._waiting.first_for(
            profile,
            names,
            kinds_of(free),
            lambda item, need: has_room(profile, hands, need.kind, need.cost) and may(item, need),
        )

    def in_line(self) -> list[Place]:
        """All that wait with what each needs, most urgent first."""
        self.settle()
        return sorted(self._waiting.all())

    def line_up(self, rest: R) -> Generator[R, None, list[Place]]:
        """The same, in steps; some may have gone by the end."""
        self.settle()
        found = self._waiting.all()
        if len(found) > SORTED:
            for at in range(0, len(found), SORTED):
                yield rest
                found[at : at + SORTED] = sorted(found[at : at + SORTED])
            yield rest
        # Whatever is in order in parts is put in order for little.
        found.sort()
        return found

    def rank_of(self, item: ItemId) -> float:
        """The waiting item's place in the one line of all channels."""
        line = self._line_of(item)
        if line is None:
            raise KeyError(item)
        return line.rank_of(item)

    def place_of(self, item: Item) -> int:
        """How many with the same need stand before it, plus one."""
        line = self._line_of(item.id)
        return 1 if line is None else line.ahead_of(item.id) + 1
