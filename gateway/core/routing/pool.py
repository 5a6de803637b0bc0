"""Who waits and who is free: the indexes of routing over a node's state.

An agent stands, while available, once in the order of each policy in use. Agents are checked
against the state when they come up, so nobody is offered anything by an index that is behind;
whoever has become available, or better placed, must be entered again.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from gateway.core.capacity import kinds_of, room, takes, usual_costs
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import AgentProfile, Item
from gateway.core.policy import Choice
from gateway.core.routing.fit import absent, unavailable
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.prices import Prices
from gateway.core.routing.rank import rank
from gateway.core.routing.standing import Asked, Standing, Words
from gateway.core.routing.waiting import Waiting
from gateway.core.state import NodeState

ASIDE_CLASSES = 4
"""A mail in hand, which a call would put aside, weighs as much as being worth four times as much.

Chats in hand weigh nothing against another chat: whoever has one cannot take a call, so it had
better go there than to somebody who still can (``docs/decisions/0013``).
"""
BUSY_CLASSES = 64
"""More than any worth: a mail goes to who can begin it before who has a chat or a call in hand."""
MOST_ASKED = 4_096
"""Needs whose words are remembered."""

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
        self._waiting = Waiting(self._prices.holders)
        self._standing: dict[_Order, Standing] = {"best_fit": Standing()}
        self._has: dict[AgentName, tuple[AgentProfile, tuple[int, ...]]] = {}
        self._asked: dict[Need, tuple[Asked, ...]] = {}
        self._turns: dict[AgentName, int] = {}
        self._usual = usual_costs(state.queues.values())
        self._aside: dict[AgentName, None] = {}
        self._apart = Standing()
        self._classes: dict[_Order, Callable[[AgentName], int]] = {
            "best_fit": self._worth_class,
            "best_begun": self._begun_class,
            "longest_idle": lambda _agent: 0,
            "least_occupied": lambda agent: len(state.in_hand(agent)),
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

    def enter_item(self, item: Item) -> Need:
        """Put a queued item in its place, which may have changed."""
        queue = self._state.queues.get(item.queue)
        need = need_of(self._state, item)
        self._waiting.enter(item.id, need, rank(item, queue))
        return need

    def leave_item(self, item: ItemId) -> None:
        """The item waits no more."""
        self._waiting.leave(item)

    def need_of(self, item: Item) -> Need:
        """What a waiting item asks, or would ask if it waited."""
        return self._waiting.need_of(item.id) or need_of(self._state, item)

    def waiting_needs(self) -> list[Need]:
        """What is asked of agents by whatever waits."""
        return self._waiting.needs()

    def waiting_items(self, need: Need) -> Iterator[Item]:
        """Items waiting with this need, most urgent first."""
        line = self._waiting.line(need)
        if line is not None:
            for item in line.in_order():
                yield self._state.items[item]

    def waiting_for(self, agent: AgentName) -> Iterator[tuple[tuple[float, ItemId], Need]]:
        """Needs that this agent meets and has room for, with who stands first, in that order."""
        state = self._state
        profile = state.profiles.get(agent)
        if profile is None:
            return iter(())
        return self._waiting.for_agent(profile, kinds_of(self._room(agent, profile)))

    def in_line(self) -> list[tuple[float, ItemId, Need]]:
        """All that wait with what each needs, most urgent first."""
        return self._waiting.in_line()

    def has_room(self, agent: AgentName) -> bool:
        """Whether the agent may get anything more at all."""
        profile = self._state.profiles.get(agent)
        return profile is not None and self._room(agent, profile) > 0

    def rank_of(self, item: ItemId) -> float:
        """The waiting item's place in the one line of all channels."""
        need = self._waiting.need_of(item)
        line = self._waiting.line(need) if need is not None else None
        if line is None:
            raise KeyError(item)
        return line.rank_of(item)

    def place_of(self, item: Item) -> int:
        """How many with the same need stand before it, plus one."""
        need = self._waiting.need_of(item.id)
        line = self._waiting.line(need) if need is not None else None
        return 1 if line is None else line.ahead_of(item.id) + 1

    # -- agents -----------------------------------------------------------------------------

    def define_agent(self, agent: AgentName) -> None:
        """The directory's entry has changed."""
        profile = self._state.profiles.get(agent)
        self._prices.define(agent, profile)
        if profile is None:
            self._has.pop(agent, None)
            self._waiting.forget(agent)
            self.leave_agent(agent)

    def enter_agent(self, agent: AgentName) -> None:
        """Stand behind the others, for what there is room for; who takes nothing leaves."""
        state = self._state
        profile = state.profiles.get(agent)
        if profile is None or agent in self._aside or absent(state, agent) is not None:
            self.leave_agent(agent)
            return
        free = self._room(agent, profile)
        if not free:
            self.leave_agent(agent)
            return
        has = self._has_of(agent, profile)
        for choice, standing in self._standing.items():
            standing.enter(agent, self._classes[choice](agent), free, has)

    def stands(self, agent: AgentName) -> bool:
        """Whether the agent stands there, available for something."""
        return agent in self._standing["best_fit"]

    def leave_agent(self, agent: AgentName) -> None:
        """The agent takes nothing now."""
        for standing in self._standing.values():
            standing.leave(agent)

    def set_aside(self, agent: AgentName) -> None:
        """Have the agent stand apart until ``bring_back``, whatever is noted meanwhile."""
        state = self._state
        profile = state.profiles[agent]
        self._aside[agent] = None
        self.leave_agent(agent)
        free = self._room(agent, profile)
        self._apart.enter(agent, 0, free, self._has_of(agent, profile))

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
            had = self._turns[agent] = self._standing["round_robin"].first
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

    def define_queue(self) -> None:
        """A queue's policy has changed: what is the least that a kind takes?"""
        self._usual = usual_costs(self._state.queues.values())

    def _room(self, agent: AgentName, profile: AgentProfile) -> int:
        return room(profile, self._state.in_hand(agent), self._usual)

    def _has_of(self, agent: AgentName, profile: AgentProfile) -> tuple[int, ...]:
        known = self._has.get(agent)
        if known is None or known[0] is not profile:
            known = self._has[agent] = profile, self._words.of(profile)
        return known[1]

    # -- taking -----------------------------------------------------------------------------

    def free_agents(self, need: Need) -> Iterator[AgentName]:
        """Available agents for this need, best first: by language, then as the queue chooses."""
        standing = self._standing_for(need)
        if not standing:
            return
        for asked in self._asked_of(need):
            for agent in standing.find(asked):
                if unavailable(self._state, agent, need) is not None:
                    # Behind the state: who has room for something else stays for that.
                    self.enter_agent(agent)
                else:
                    yield agent

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
        found = self._standing.get(choice)
        if found is None:
            found = self._standing[choice] = Standing()
            for agent in sorted(
                self._state.statuses, key=lambda a: (self._state.statuses[a].idle_since, a)
            ):
                if agent in self._standing["best_fit"]:
                    self.enter_agent(agent)
        return found
