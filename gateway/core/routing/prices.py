"""What an agent is worth to the house just now: for what is asked, and few are free. Pure.

Each thing that is asked (a skill at a level, a language, a queue) has a price by kind of contact:
the share of all contacts that asked for it lately, over the square of how many are free for it. So
it is high where the next to ask may find nobody, and nothing where plenty are free, however rare
the skill is in the directory. An agent's worth is the sum of the prices of what they have and have
room for: what the house would miss if something else were given to them.

Whoever meets a need brings more than it asks for; the price of what is asked is the same for all
who meet it. So the cheapest agent wastes least, whatever is needed; and where nobody is short all
are worth nothing, which leaves the choice to who has been idle longest (``docs/decisions/0015``).
"""

from collections.abc import Iterable, Iterator, Sequence
from math import floor, inf, log2, sqrt

from gateway.core.ids import AgentName
from gateway.core.routing.need import Need
from gateway.core.routing.standing import BIT_OF, EVERY_KIND, Standing, Words

SCALE = 3_000.0
"""The price of what every contact asks for, with one agent free for it."""
LEAST = 1 / 16
"""Lower prices are none."""
STEP = 2.0
"""Classes to an octave of worth."""
UNASKED = 100.0
"""Each skill counts as asked for once among so many contacts before any has come."""
MEMORY = 5_000.0
"""Contacts after which what was asked before them counts half."""
OFTEN = 8
"""So many times between two changes of everybody's standing prices may be told afresh."""
_Price = tuple[int, float]
_Rooms = list[tuple[dict[int, int], int]]


class Prices:
    """What is asked is noted, and whoever stands there; then ``of`` is what an agent is worth.

    Prices are told afresh after some changes, in proportion to the number who are free: whoever is
    worth another class by then must be entered again (``moved``).
    """

    __slots__ = ("_asked", "_changes", "_class", "_free_to", "_now", "_seen", "_words")

    def __init__(self, words: Words) -> None:
        self._words = words
        self._asked: dict[tuple[int, int], float] = {}
        self._seen = 0.0
        self._now: dict[int, tuple[_Price, ...]] = {}
        self._free_to: tuple[_Price, ...] = ()
        self._class: dict[AgentName, int] = {}
        self._changes = 0

    # -- what is asked, and who is there ----------------------------------------------------

    def ask(self, need: Need) -> None:
        """A contact with this need has come."""
        kind, asked = BIT_OF[need.kind], self._asked
        for word in self._words.priced(need):
            key = word, kind
            asked[key] = asked.get(key, 0.0) + 1.0
        self._changes += 1
        self._seen += 1.0
        if self._seen >= MEMORY:
            self._seen /= 2
            self._asked = {key: times / 2 for key, times in asked.items() if times > 1}

    def enter(self, agent: AgentName, has: Sequence[int], room: int) -> None:
        """The agent stands there, with this and room for these kinds."""
        self._changes += 1
        self._class[agent] = self._class_of(has, room)

    def forget(self, agent: AgentName) -> None:
        """The directory has no such agent any more."""
        self._class.pop(agent, None)

    def of(self, agent: AgentName) -> int:
        """The class of the agent's worth: lower is offered first."""
        return self._class.get(agent, 0)

    def _class_of(self, has: Sequence[int], room: int) -> int:
        now, worth = self._now, 0.0
        if now:
            for word in has:
                if word in now:
                    for kinds, price in now[word]:
                        if kinds & room:
                            worth += price
        if self._free_to and self._words.limited_to_queues not in has:
            worth += sum([price for kinds, price in self._free_to if kinds & room])
        return int(STEP * log2(1 + worth)) if worth else 0

    # -- what it costs just now -------------------------------------------------------------

    def moved(self, standing: Standing) -> list[AgentName]:
        """Those who stand there and are worth another class than they were; mostly none."""
        free = len(standing)
        if not free or self._changes * OFTEN <= max(free, len(self._asked)):
            return []
        self._changes = 0
        before = self._now, self._free_to
        self._tell(standing)
        now = self._now
        changed = {word for word in {*before[0], *now} if before[0].get(word) != now.get(word)}
        looked: Iterable[AgentName]
        if before[1] != self._free_to:
            looked = standing
        else:
            looked = dict.fromkeys(agent for word in changed for agent in standing.having(word))
        moved = []
        for agent in looked:
            has, room = standing.what(agent)
            found = self._class_of(has, room)
            if found != self._class.get(agent):
                self._class[agent] = found
                moved.append(agent)
        return moved

    def _tell(self, standing: Standing) -> None:
        """All prices, to an octave: so that few change at a time."""
        found: dict[int, list[_Price]] = {}
        to_all: list[_Price] = []
        rooms: dict[int, _Rooms] = {EVERY_KIND: standing.with_room(EVERY_KIND)}
        queues, limited = self._words.queues, self._words.limited_to_queues
        members = _count(rooms[EVERY_KIND], limited, inf)
        for (word, kind), times in self._everything():
            share = times / (self._seen + UNASKED)
            if kind not in rooms:
                rooms[kind] = standing.with_room(kind)
            # Who is limited to no queue is free for each; if nobody is limited, none is scarce.
            others = len(standing) - members if word in queues else 0
            if word in queues and not members:
                continue
            most = sqrt(SCALE * share / LEAST) - others
            free = _count(rooms[kind], word, most) if most > 0 else inf
            if not free + others > 0 or free > most:
                continue
            price = 2.0 ** floor(log2(SCALE * share / (free + others) ** 2))
            found.setdefault(word, []).append((kind, price))
            if others:
                to_all.append((kind, price))
        self._now = {word: tuple(prices) for word, prices in found.items()}
        self._free_to = tuple(to_all)

    def _everything(self) -> Iterator[tuple[tuple[int, int], float]]:
        for word in self._words.skills:
            yield (word, EVERY_KIND), 1.0
        yield from self._asked.items()


def _count(rooms: _Rooms, word: int, most: float) -> int:
    """How many of them have it, or more than ``most``."""
    found = 0
    for having, bits in rooms:
        if has := having.get(word):
            found += (has & bits).bit_count()
            if found > most:
                break
    return found
