"""Who waits and who is free: the indexes of routing over a node's state.

An agent stands, while available, once in the order of each policy in use. Agents are checked
against the state when they come up, so nobody is offered anything by an index that is behind;
whoever has become available, or better placed, must be entered again.

An item is put in its line no sooner than somebody looks there: most find an agent at once.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from gateway.core.capacity import has_room, kinds_of, room, takes, usual_costs
from gateway.core.ids import AgentName, ItemId, QueueName, SkillName
from gateway.core.model import AgentProfile, Item, ItemState
from gateway.core.policy import Choice
from gateway.core.routing.fit import ready
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.prices import Prices
from gateway.core.routing.rank import rank
from gateway.core.routing.standing import Asked, Standing, Words
from gateway.core.routing.waiting import Asking, Head, May, Waiting
from gateway.core.state import NodeState

ASIDE_CLASSES = 4
"""A mail in hand, which a call would put aside, weighs as much as being worth four times as much.

Chats in hand weigh nothing against another chat: whoever has one cannot take a call, so it had
better go there than to somebody who still can (``docs/decisions/0013``).
"""
BUSY_CLASSES = 64
"""More than any worth: a mail goes to who can begin it before who has a chat or a call in hand."""
ENTERED = 1_000
"""Agents who come to stand in a further order before others have a turn."""
MOST_ASKED = 4_096
"""Needs whose words are remembered."""
_QUEUED = ItemState.QUEUED


class _Known(NamedTuple):
    """What follows from an agent's profile alone; ``room`` is that of empty hands."""

    profile: AgentProfile
    has: tuple[int, ...]
    names: tuple[SkillName, ...]
    room: int


_Order = Choice | Literal["best_begun"]
"""In which agents stand: of what is put aside, the best fit stands in another than of the rest."""


class Pool:
    """See the module's docstring."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._words = Words()
        self._prices = Prices()
        for name, profile in state.profiles.items():
            self._prices.define(name, profile)
        self._waiting = Waiting()
        for profile in state.profiles.values():
            self._waiting.look_from(profile.queues)
        self._fresh: dict[ItemId, Need | None] = {}
        self._standing: dict[_Order, Standing] = {"best_fit": Standing()}
        self._known: dict[AgentName, _Known] = {}
        self._asked: dict[Need, tuple[Asked, ...]] = {}
        self._turns: dict[AgentName, int] = {}
        self._usual = usual_costs(state.queues.values())
        self._aside: dict[AgentName, None] = {}
        self._late: list[dict[AgentName, None]] = []
        self._apart = Standing()
        self._classes: dict[_Order, Callable[[AgentName], int]] = {
            "best_fit": self._worth_class,
            "best_begun": self._begun_class,
            "longest_idle": lambda _agent: 0,
            "least_occupied": state.count_in_hand,
            "round_robin": self._turns_had,
        }

    @property
    def entries(self) -> int:
        """What the indexes hold in memory, void entries included."""
        return self._waiting.entries + sum(line.places for line in self._standing.values())

    @property
    def needs(self) -> int:
        """Different needs of what waits."""
        return len(self._waiting.needs())

    @property
    def free(self) -> int:
        """Agents who stand there."""
        return len(self._standing["best_fit"])

    # -- items ------------------------------------------------------------------------------

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
                self._waiting.enter(name, need or need_of(state, item), place)

    def _line_of(self, item: ItemId) -> Asking | None:
        if self._fresh:
            self.settle()
        return self._waiting.line_of(item)

    def need_of(self, item: Item) -> Need:
        """What a waiting item asks, or would ask if it waited."""
        if item.id in self._fresh:
            need = self._fresh[item.id]
            if need is None:
                need = self._fresh[item.id] = need_of(self._state, item)
            return need
        line = self._waiting.line_of(item.id)
        return line.need if line is not None else need_of(self._state, item)

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
        known = self._known_of(agent, profile)
        return self._waiting.for_agent(profile, known.names, kinds_of(self._room(known)))

    def first_for(self, agent: AgentName, may: May) -> tuple[Head, Need] | None:
        """The most urgent item that this agent meets, has room for and ``may`` have."""
        profile = self._state.profiles.get(agent)
        if profile is None:
            return None
        known = self._known_of(agent, profile)
        free = self._room(known)
        if not free:
            return None
        if self._fresh:
            self.settle()
        if self._usual is None:
            return self._waiting.first_for(profile, known.names, kinds_of(free), may)
        # Where queues have costs of their own, room for the least of a kind is not room for all.
        hands = self._state.in_hand(agent)
        return self._waiting.first_for(
            profile,
            known.names,
            kinds_of(free),
            lambda item, need: has_room(profile, hands, need.kind, need.cost) and may(item, need),
        )

    def in_line(self) -> list[tuple[float, ItemId, Need]]:
        """All that wait with what each needs, most urgent first."""
        self.settle()
        return self._waiting.in_line()

    def room_of(self, agent: AgentName) -> int:
        """For which kinds the agent may get something more, as ``kinds_of`` has it; 0: nothing."""
        state = self._state
        if not ready(state, agent):
            return 0
        return self._room(self._known_of(agent, state.profiles[agent]))

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

    # -- agents -----------------------------------------------------------------------------

    def define_agent(self, agent: AgentName) -> None:
        """The directory's entry has changed."""
        profile = self._state.profiles.get(agent)
        self._prices.define(agent, profile)
        if profile is None:
            self._known.pop(agent, None)
            self.leave_agent(agent)
        else:
            self._waiting.look_from(profile.queues)

    def enter_agent(self, agent: AgentName) -> None:
        """Stand behind the others, for what there is room for; who takes nothing leaves."""
        state = self._state
        profile = state.profiles.get(agent)
        if profile is not None and agent not in self._aside and ready(state, agent):
            known = self._known_of(agent, profile)
            free = self._room(known)
            if free:
                for late in self._late:
                    late[agent] = None
                for choice, standing in self._standing.items():
                    standing.enter(agent, self._classes[choice](agent), free, known.has)
                return
        self.leave_agent(agent)

    def stands(self, agent: AgentName) -> bool:
        """Whether the agent stands there, available for something."""
        return agent in self._standing["best_fit"]

    def leave_agent(self, agent: AgentName) -> None:
        """The agent takes nothing now."""
        for late in self._late:
            late[agent] = None
        for standing in self._standing.values():
            standing.leave(agent)

    def set_aside(self, agent: AgentName) -> None:
        """Have the agent stand apart until ``bring_back``, whatever is noted meanwhile."""
        state = self._state
        profile = state.profiles[agent]
        self._aside[agent] = None
        self.leave_agent(agent)
        known = self._known_of(agent, profile)
        self._apart.enter(agent, 0, self._room(known), known.has)

    def apart(self, need: Need) -> Iterator[AgentName]:
        """Those set aside who could take this, in no particular order."""
        for asked in self._asked_of(need):
            yield from self._apart.find(asked)

    def out_of_reach(self, agent: AgentName) -> None:
        """Whoever is set aside need not be looked at again before ``bring_back``."""
        self._apart.leave(agent)

    def bring_back(self) -> None:
        """Have those stand again who were set aside, if they are available."""
        names, self._aside, self._apart = list(self._aside), {}, Standing()
        for agent in names:
            self.enter_agent(agent)

    def had_turn(self, agent: AgentName) -> None:
        """Something was offered to the agent: for who goes by turns."""
        if "round_robin" in self._standing:
            self._turns[agent] = self._turns_had(agent) + 1

    def _turns_had(self, agent: AgentName) -> int:
        had = self._turns.get(agent)
        if had is None:
            # Who comes later begins where the others are, or the first hours would all be theirs.
            others = self._standing.get("round_robin")
            had = self._turns[agent] = others.first if others is not None else 0
        return had

    def _worth_class(self, agent: AgentName) -> int:
        worth = self._prices.of(agent)
        for item in self._state.in_hand(agent):
            worth += ASIDE_CLASSES * takes(item.kind, item.cost).interruptible
        return worth

    def _begun_class(self, agent: AgentName) -> int:
        """The same for what is put aside: whoever has in hand what interrupts comes last."""
        worth = self._prices.of(agent)
        for item in self._state.in_hand(agent):
            taken = takes(item.kind, item.cost)
            worth += ASIDE_CLASSES * taken.interruptible + BUSY_CLASSES * taken.interrupts
        return worth

    def define_queue(self) -> bool:
        """A policy has changed; whether so has what a kind takes: then all must enter again."""
        before, self._usual = self._usual, usual_costs(self._state.queues.values())
        if before == self._usual:
            return False
        self._known.clear()
        return True

    def _room(self, known: _Known) -> int:
        hands = self._state.in_hand(known.profile.name)
        return room(known.profile, hands, self._usual) if hands else known.room

    def _known_of(self, agent: AgentName, profile: AgentProfile) -> _Known:
        known = self._known.get(agent)
        if known is None or known.profile is not profile:
            names = tuple(sorted(skill for skill, level in profile.skills.items() if level > 0))
            free = room(profile, (), self._usual)
            known = self._known[agent] = _Known(profile, self._words.of(profile), names, free)
        return known

    # -- taking -----------------------------------------------------------------------------

    def free_agents(self, need: Need) -> Iterator[AgentName]:
        """Available agents for this need, best first: by language, then as the queue chooses."""
        standing = self._standing_for(need)
        if not standing:
            return
        state = self._state
        for asked in self._asked_of(need):
            for agent in standing.find(asked):
                if ready(state, agent) and self._fits(agent, need):
                    yield agent
                else:
                    # Behind the state: who has room for something else stays for that.
                    self.enter_agent(agent)

    def _fits(self, agent: AgentName, need: Need) -> bool:
        profile, hands = self._state.profiles[agent], self._state.in_hand(agent)
        if not hands and not profile.capacity and need.cost is None:
            return True
        return has_room(profile, hands, need.kind, need.cost)

    def _asked_of(self, need: Need) -> tuple[Asked, ...]:
        known = self._asked.get(need)
        if known is None:
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            words = self._words
            if len(need.languages) > 1:
                known = tuple(words.asked(need, language) for language in need.languages)
            else:
                known = (words.asked(need),)
            self._asked[need] = known
        return known

    def _standing_for(self, need: Need) -> Standing:
        known = self._state.queues.get(need.queue)
        choice: _Order = known.policy.choice if known else "best_fit"
        if choice == "best_fit" and (need.cost or takes(need.kind, None))[1]:
            choice = "best_begun"
        if choice not in self._standing:
            for _ in self._make(choice):
                pass
        return self._standing[choice]

    def prepare(self, queue: QueueName) -> Iterator[None]:
        """Have agents stand as its policy says; others may have a turn after each step."""
        known = self._state.queues.get(queue)
        return self._make(known.policy.choice if known else "best_fit")

    def _make(self, choice: _Order) -> Iterator[None]:
        if choice in self._standing:
            return
        found = Standing()
        # Who comes, goes or moves meanwhile stands behind the others in the end.
        late: dict[AgentName, None] = {}
        self._late.append(late)
        for done, agent in enumerate(self._by_idleness(), start=1):
            if agent not in late:
                self._enter(found, choice, agent)
            if done % ENTERED == 0:
                yield
        self._late = [one for one in self._late if one is not late]
        if choice not in self._standing:
            self._standing[choice] = found
            for agent in late:
                found.leave(agent)
                if self.stands(agent):
                    self._enter(found, choice, agent)

    def _by_idleness(self) -> list[AgentName]:
        """Who stands there, idle longest first."""
        statuses, known = self._state.statuses, self._standing["best_fit"]
        return sorted(
            [agent for agent in statuses if agent in known],
            key=lambda agent: (statuses[agent].idle_since, agent),
        )

    def _enter(self, standing: Standing, choice: _Order, agent: AgentName) -> None:
        """Stand there too."""
        profile = self._state.profiles.get(agent)
        if profile is not None:
            known = self._known_of(agent, profile)
            if free := self._room(known):
                standing.enter(agent, self._classes[choice](agent), free, known.has)
