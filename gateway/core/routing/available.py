"""Who is free: the agents of a node in the orders in which they are chosen.

An agent stands, while available, once in the order of each policy in use. Agents are checked
against the state when they come up, so nobody is offered anything by an index that is behind;
whoever has become available, or better placed, must be entered again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from gateway.core.capacity import room, takes, usual_costs
from gateway.core.ids import AgentName, QueueName, SkillName
from gateway.core.model import AgentProfile, ChannelKind, Item
from gateway.core.policy import Choice
from gateway.core.routing.fit import fits, ready
from gateway.core.routing.need import Need
from gateway.core.routing.prices import Prices
from gateway.core.routing.standing import Asked, Standing, Words
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
MOST_ASKED = 16_384
"""Needs whose words are remembered."""


class Known(NamedTuple):
    """What follows from an agent's profile alone; ``room`` is that of empty hands."""

    profile: AgentProfile
    has: tuple[int, ...]
    names: tuple[SkillName, ...]
    room: int


Order = Choice | Literal["best_begun"]
"""In which agents stand: of what is put aside, the best fit stands in another than of the rest."""
BY_WORTH: frozenset[Order] = frozenset({"best_fit", "best_begun"})
_ClassOf = Callable[[AgentName, list[Item]], int]


class Available:
    """See the module's docstring."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._words = Words()
        self._prices = Prices(self._words)
        self._best = Standing()
        self._standing: dict[Order, Standing] = {"best_fit": self._best}
        self._known: dict[AgentName, Known] = {}
        self._asked: dict[Need, tuple[Order, tuple[Asked, ...]]] = {}
        self._turns: dict[AgentName, int] = {}
        self.least_costs = usual_costs(state.queues.values())
        self._aside: dict[AgentName, None] = {}
        self._late: list[dict[AgentName, None]] = []
        self._classes: dict[Order, _ClassOf] = {
            "best_fit": self._worth_class,
            "best_begun": self._begun_class,
            "longest_idle": lambda _agent, _hands: 0,
            "least_occupied": lambda _agent, hands: len(hands),
            "round_robin": lambda agent, _hands: self._turns_had(agent),
        }
        for profile in state.profiles.values():
            self.known(profile)

    @property
    def places(self) -> int:
        """What the orders hold in memory, places included that somebody has left."""
        return sum(line.places for line in self._standing.values())

    @property
    def count(self) -> int:
        """How many stand there."""
        return len(self._best)

    def define(self, agent: AgentName) -> None:
        """The directory's entry has changed."""
        profile = self._state.profiles.get(agent)
        if profile is None:
            self._prices.forget(agent)
            self._known.pop(agent, None)
            self.leave(agent)
        else:
            self.known(profile)

    def define_queue(self) -> bool:
        """A policy has changed; whether so has what a kind takes: then all must enter again."""
        self._asked.clear()
        before, self.least_costs = self.least_costs, usual_costs(self._state.queues.values())
        if before == self.least_costs:
            return False
        self._known.clear()
        return True

    # -- standing ---------------------------------------------------------------------------

    def enter(self, agent: AgentName) -> None:
        """Stand behind the others, for what there is room for; who takes nothing leaves."""
        if (found := self._entering(agent)) is not None:
            known, free, hands = found
            for choice, standing in self._standing.items():
                standing.enter(agent, self._classes[choice](agent, hands), free, known.has)

    def enter_all(self, agents: Iterable[AgentName]) -> None:
        """The same of several, in this order."""
        entering = [(a, *found) for a in agents if (found := self._entering(a)) is not None]
        for choice, standing in self._standing.items():
            rank = self._classes[choice]
            standing.enter_all(
                (agent, rank(agent, hands), free, known.has)
                for agent, known, free, hands in entering
            )

    def _entering(self, agent: AgentName) -> tuple[Known, int, list[Item]] | None:
        """What the agent is to stand there with; ``None``: takes nothing, or is set aside."""
        if agent in self._aside:
            return None
        state = self._state
        profile, hands = state.profiles.get(agent), state.in_hand(agent)
        if profile is not None and ready(state, agent):
            known = self.known(profile)
            free = room(profile, hands, self.least_costs) if hands else known.room
            if free:
                for late in self._late:
                    late[agent] = None
                self._prices.enter(agent, known.has, free)
                return known, free, hands
        self.leave(agent)
        return None

    def stands(self, agent: AgentName) -> bool:
        """Whether the agent stands there, available for something."""
        return agent in self._best

    def leave(self, agent: AgentName) -> None:
        """The agent takes nothing now."""
        for late in self._late:
            late[agent] = None
        for standing in self._standing.values():
            standing.leave(agent)

    def room_of(self, agent: AgentName) -> int:
        """For which kinds the agent may get something more, as ``kinds_of`` has it; 0: nothing."""
        state = self._state
        return self.room(self.known(state.profiles[agent])) if ready(state, agent) else 0

    def room(self, known: Known) -> int:
        """The same of an agent who takes something at all."""
        hands = self._state.in_hand(known.profile.name)
        return room(known.profile, hands, self.least_costs) if hands else known.room

    def known(self, profile: AgentProfile) -> Known:
        """What follows from the profile."""
        known = self._known.get(profile.name)
        if known is None or known.profile is not profile:
            names = tuple(sorted(skill for skill, level in profile.skills.items() if level > 0))
            free = room(profile, (), self.least_costs)
            known = Known(profile, self._words.of(profile), names, free)
            self._known[profile.name] = known
        return known

    # -- apart ------------------------------------------------------------------------------

    def set_aside(self, agent: AgentName) -> None:
        """Have the agent stand apart until ``come_back``, whatever is noted meanwhile."""
        self._aside[agent] = None
        for standing in self._standing.values():
            standing.set_aside(agent)

    def apart(self, need: Need) -> Iterator[AgentName]:
        """Those set aside who could take this, in no particular order."""
        for asked in self._asked_of(need)[1]:
            yield from self._best.find_apart(asked)

    def out_of_reach(self, agent: AgentName) -> None:
        """Whoever is set aside need not be looked at again before ``come_back``."""
        self.leave(agent)

    def come_back(self, agent: AgentName) -> bool:
        """Stand behind the others again, if still available for something; whether that is so."""
        if self._aside.pop(agent, agent) is None:
            self.enter(agent)
        return self.stands(agent)

    def bring_back(self) -> None:
        """The same of all who are left aside."""
        for agent in list(self._aside):
            self.come_back(agent)

    # -- in which order ---------------------------------------------------------------------

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

    def _worth_class(self, agent: AgentName, hands: list[Item]) -> int:
        worth = self._prices.of(agent)
        for item in hands:
            worth += ASIDE_CLASSES * takes(item.kind, item.cost).interruptible
        return worth

    def _begun_class(self, agent: AgentName, hands: list[Item]) -> int:
        """The same for what is put aside: whoever has in hand what interrupts comes last."""
        worth = self._prices.of(agent)
        for item in hands:
            taken = takes(item.kind, item.cost)
            worth += ASIDE_CLASSES * taken.interruptible + BUSY_CLASSES * taken.interrupts
        return worth

    def note(self, need: Need) -> None:
        """Somebody has come who asks this."""
        self._prices.ask(need)

    def _have_moved(self) -> None:
        """Those stand elsewhere who are worth more or less than when they came."""
        state, best = self._state, self._best
        changed = self._prices.moved(best)
        if not changed:
            return
        # Behind the state: who is at another node by now is told of in a moment.
        moved = [agent for agent in changed if agent in state.statuses]
        for agent in sorted(moved, key=lambda a: (state.statuses[a].idle_since, a)):
            has, free = best.what(agent)
            for order in BY_WORTH & self._standing.keys():
                rank = self._classes[order](agent, state.in_hand(agent))
                self._standing[order].enter(agent, rank, free, has)

    def order_for(self, queue: QueueName, kind: ChannelKind) -> Order:
        """In which order agents are asked for an item of this kind in that queue."""
        known = self._state.queues.get(queue)
        if known is None:
            return "best_begun" if takes(kind, None).interruptible else "best_fit"
        if known.policy.choice != "best_fit":
            return known.policy.choice
        aside = takes(kind, known.policy.costs.get(kind)).interruptible
        return "best_begun" if aside else "best_fit"

    def prepare(self, order: Order) -> Iterator[None]:
        """Have agents stand in it; others may have a turn after each step."""
        if order in self._standing:
            return
        found = Standing()
        # Who comes, goes or moves meanwhile stands behind the others in the end.
        late: dict[AgentName, None] = {}
        self._late.append(late)
        for done, agent in enumerate(self._by_idleness(), start=1):
            if agent not in late:
                self._enter(found, order, agent)
            if done % ENTERED == 0:
                yield
        self._late = [one for one in self._late if one is not late]
        if order not in self._standing:
            self._standing[order] = found
            for agent in late:
                found.leave(agent)
                if self.stands(agent):
                    self._enter(found, order, agent)

    def _by_idleness(self) -> list[AgentName]:
        """Who stands there, idle longest first."""
        statuses, known = self._state.statuses, self._best
        found = [(one.idle_since, agent) for agent, one in statuses.items() if agent in known]
        return [agent for _, agent in sorted(found)]

    def _enter(self, standing: Standing, order: Order, agent: AgentName) -> None:
        """Stand there too."""
        profile = self._state.profiles.get(agent)
        if profile is not None:
            known, hands = self.known(profile), self._state.in_hand(agent)
            if free := self.room(known):
                standing.enter(agent, self._classes[order](agent, hands), free, known.has)

    # -- taking -----------------------------------------------------------------------------

    def for_need(self, need: Need) -> Iterator[AgentName]:
        """Available agents for this need, best first: by language, then as the queue chooses."""
        order, asks = self._asked_of(need)
        if order not in self._standing:
            for _ in self.prepare(order):
                pass
        standing = self._standing[order]
        if not standing:
            return
        if order in BY_WORTH:
            self._have_moved()
        state = self._state
        for asked in asks:
            for agent in standing.find(asked):
                if ready(state, agent) and fits(state, agent, need):
                    yield agent
                else:
                    # Behind the state: who has room for something else stays for that.
                    self.enter(agent)

    def _asked_of(self, need: Need) -> tuple[Order, tuple[Asked, ...]]:
        """In which order agents are asked for it, and for what, one language after the other."""
        known = self._asked.get(need)
        if known is None:
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            words, languages = self._words, need.languages
            if len(languages) > 1:
                asks = tuple(words.asked(need, language) for language in languages)
            else:
                asks = (words.asked(need),)
            known = self._asked[need] = self.order_for(need.queue, need.kind), asks
        return known
