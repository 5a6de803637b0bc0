"""Available agents in the order in which one policy chooses, found by what they have. Pure.

Each agent stands at a place; for each thing that can be asked (a skill at a level, a queue, a
group) a number has the bits of the places where somebody has it. Whoever meets a need is then a
few ands over numbers, whatever is asked together, and the lowest bit is who stands in front. Places
lie in blocks, so that a number stays short and whoever comes is put behind the others for little.

Those in a lower ``class`` stand before all others; within a class who came first.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.core.ids import AgentName, QueueName, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.core.policy import ALL
from gateway.core.routing.need import Need

PLACES = 2_048
"""In a block."""
SPARSE = 4
"""A class of several blocks is packed when only one place in so many is taken."""
SELDOM = 32
"""That is looked at once in so many leavings: it means to count the whole class."""
BIT_OF = {kind: 1 << n for n, kind in enumerate(ChannelKind)}
"""A bit for each kind, as in what there is room for."""
EVERY_KIND = -1
"""Room for whichever."""
_TOP = 5
_Limit = tuple[int, tuple[int, ...]]
_Limits = tuple[QueueName, tuple[QueueName, ...], tuple[int, ...]]


class Words:
    """What can be asked and had, each as a small number."""

    __slots__ = ("_limits", "_numbers", "_upto", "limited_to_queues", "queues", "skills")

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int] | tuple[str, str, object], int] = {}
        self.skills: list[int] = []
        self.queues: set[int] = set()
        self.limited_to_queues = self._number("limited", "q")
        self._limits: dict[_Limits, tuple[_Limit, ...]] = {}
        self._upto: dict[tuple[SkillName, int], tuple[int, ...]] = {}

    def _number(self, sort: str, name: object) -> int:
        return self._numbers.setdefault((sort, "", name), len(self._numbers))

    def _skill(self, asked: tuple[str, int]) -> int:
        number = self._numbers.get(asked)
        if number is None:
            number = self._numbers[asked] = len(self._numbers)
            self.skills.append(number)
        return number

    def priced(self, need: Need) -> list[int]:
        """What is asked that may be scarce: skills, the first language and the queue."""
        found = self._skills(need)
        found += [self._skill((language, 1)) for language in need.languages[:1]]
        queue = self._number("q", need.queue)
        self.queues.add(queue)
        return [*found, queue]

    def of(self, profile: AgentProfile) -> tuple[int, ...]:
        """All that the agent has, and by what the agent is limited."""
        number = self._number
        found: list[int] = []
        for pair in profile.skills.items():
            found += self._upto.get(pair) or self._levels(*pair)
        if profile.queues:
            found += [number("q", q) for q in dict.fromkeys(profile.queues)]
            found.append(self.limited_to_queues)
        if profile.level:
            found += [number("d", profile.level), number("limited", "d")]
        found += [number("g", group) for group in dict.fromkeys(profile.groups)]
        if profile.site:
            found.append(number("p", profile.site))
        return tuple(found)

    def _skills(self, need: Need) -> list[int]:
        numbers = self._numbers
        return [numbers.get(one) or self._skill(one) for one in need.skills if one[1] > 0]

    def _levels(self, skill: SkillName, top: int) -> tuple[int, ...]:
        """Who has it at a level has it at those below."""
        levels = range(1, min(top, _TOP) + 1)
        found = self._upto[skill, top] = tuple(self._skill((skill, n)) for n in levels)
        return found

    def asked(self, need: Need, language: str = "") -> "Asked":
        """What it takes; of its languages ``language`` alone, if given."""
        all_of = self._skills(need)
        one_of: tuple[tuple[int, ...], ...] = ()
        if language:
            all_of.append(self._skill((language, 1)))
        if need.groups or need.sites or (need.languages and not language):
            one_of = self._one_of(need, language)
        limits = need.queue, need.queues, need.desk
        unless = self._limits.get(limits)
        if unless is None:
            unless = self._limits[limits] = self._limits_of(*limits)
        return Asked(BIT_OF[need.kind], tuple(all_of), one_of, unless)

    def _one_of(self, need: Need, language: str) -> tuple[tuple[int, ...], ...]:
        found: list[tuple[int, ...]] = []
        if need.languages and not language:
            found.append(tuple(self._skill((s, 1)) for s in need.languages))
        if need.groups:
            found.append(tuple(self._number("g", g) for g in need.groups))
        if need.sites:
            found.append(tuple(self._number("p", p) for p in need.sites))
        return tuple(found)

    def _limits_of(
        self, queue: QueueName, queues: tuple[QueueName, ...], desk: tuple[int, ...]
    ) -> "tuple[_Limit, ...]":
        number = self._number
        found: list[_Limit] = []
        if ALL not in queues:
            found.append((self.limited_to_queues, tuple(number("q", q) for q in (queue, *queues))))
        if desk:
            found.append((number("limited", "d"), tuple(number("d", n) for n in desk)))
        return tuple(found)


class Asked(NamedTuple):
    """A need in numbers: room for this kind, all of these, and one of each of those.

    ``unless``: who is limited in such a way must have one of these, who is not need not.
    """

    kind: int
    all_of: tuple[int, ...]
    one_of: tuple[tuple[int, ...], ...]
    unless: tuple[_Limit, ...]


class _Block:
    """``free``: by kinds that there is room for, who has it; ``having``: what nobody takes back.

    ``apart`` is as ``free``, of those who are set aside.
    """

    __slots__ = ("agents", "apart", "free", "having", "taken")

    def __init__(self) -> None:
        self.agents: list[AgentName] = []
        self.taken = 0
        self.free: dict[int, int] = {}
        self.apart: dict[int, int] = {}
        self.having: defaultdict[int, int] = defaultdict(int)

    def fitting(self, asked: Asked, rooms: dict[int, int]) -> int:
        """Those of ``free`` or ``apart`` who meet it."""
        kind, all_of, one_of, unless = asked
        having, bits = self.having, 0
        for room, here in rooms.items():  # as ``_with_room``
            if room & kind:
                bits |= here
        for one in all_of:
            if not bits:
                return 0
            bits &= having.get(one, 0)
        for group in one_of:
            if not bits:
                return 0
            bits &= self._either(group)
        for limit, group in unless:
            limited = having.get(limit)
            if limited and (limited := bits & limited):
                bits ^= limited & ~self._either(group)
        return bits

    def _either(self, group: tuple[int, ...]) -> int:
        either = 0
        for one in group:
            either |= self.having.get(one, 0)
        return either


_Place = tuple[int, _Block, int, int, Sequence[int]]
"""Class, block, the place's bit in it, the kinds there is room for, and what the agent has."""


class Standing:
    """See the module's docstring. Who is set aside keeps the place, and nobody is told of it."""

    __slots__ = ("_apart", "_classes", "_order", "_where")

    def __init__(self) -> None:
        self._classes: dict[int, list[_Block]] = {}
        self._order: list[int] = []
        self._where: dict[AgentName, _Place] = {}
        self._apart: dict[AgentName, _Place] = {}

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, agent: AgentName) -> bool:
        return agent in self._where

    def __iter__(self) -> Iterator[AgentName]:
        return iter(tuple(self._where))

    def with_room(self, kinds: int) -> list[tuple[dict[int, int], int]]:
        """By blocks: whose each thing is that is had, and who has room for one of these kinds."""
        blocks = [block for some in self._classes.values() for block in some]
        return [(b.having, bits) for b in blocks if (bits := _with_room(b.free, kinds))]

    def having(self, one: int) -> Iterator[AgentName]:
        """Who stands there and has it."""
        for blocks in tuple(self._classes.values()):
            for block in tuple(blocks):
                there = _with_room(block.free, EVERY_KIND)
                yield from _each(block, block.having.get(one, 0) & there)

    def what(self, agent: AgentName) -> tuple[Sequence[int], int]:
        """What somebody who stands there has, and the kinds there is room for."""
        _, _, _, room, has = self._where[agent]
        return has, room

    @property
    def first(self) -> int:
        """The class in front; 0 if nobody stands there."""
        return self._order[0] if self._order else 0

    @property
    def places(self) -> int:
        """Places in memory, those included that somebody has left."""
        return sum(len(b.agents) for blocks in self._classes.values() for b in blocks)

    def enter(self, agent: AgentName, rank: int, room: int, has: Sequence[int]) -> None:
        """Stand at the end of class ``rank``, with ``room`` for these kinds (a bit for each)."""
        block, place = self._stand(agent, rank, room, has)
        bit, having = 1 << place, block.having
        for one in has:
            having[one] |= bit

    def enter_all(self, entering: Iterable[tuple[AgentName, int, int, Sequence[int]]]) -> None:
        """The same of several in this order, for less: long numbers are touched once for all."""
        stages: dict[_Block, tuple[int, defaultdict[int, int]]] = {}
        for agent, rank, room, has in entering:
            block, place = self._stand(agent, rank, room, has)
            stage = stages.get(block)
            if stage is None:
                stage = stages[block] = place, defaultdict(int)
            first, having = stage
            bit = 1 << place - first
            for one in has:
                having[one] |= bit
        for block, (first, having) in stages.items():
            for one, bits in having.items():
                block.having[one] |= bits << first

    def _stand(
        self, agent: AgentName, rank: int, room: int, has: Sequence[int]
    ) -> tuple[_Block, int]:
        """Take a place; what the agent has is yet to be noted there."""
        self.leave(agent)
        blocks = self._classes.get(rank)
        if blocks is None:
            blocks = self._classes[rank] = []
            insort(self._order, rank)
        if not blocks or len(blocks[-1].agents) >= PLACES:
            blocks.append(_Block())
        block = blocks[-1]
        place = len(block.agents)
        block.agents.append(agent)
        bit = 1 << place
        self._where[agent] = rank, block, bit, room, has
        block.taken |= bit
        block.free[room] = block.free.get(room, 0) | bit
        return block, place

    def leave(self, agent: AgentName) -> None:
        """Stand there no more; a stranger may."""
        at = self._where.pop(agent, None)
        if at is not None:
            rank, block, bit, room, _ = at
            _clear(block.free, room, bit)
        else:
            at = self._apart.pop(agent, None)
            if at is None:
                return
            rank, block, bit, room, _ = at
            _clear(block.apart, room, bit)
        block.taken ^= bit
        if not block.taken:
            self._classes[rank].remove(block)
            if not self._classes[rank]:
                del self._classes[rank]
                self._order.remove(rank)
        else:
            left = block.taken.bit_count()
            if left * SPARSE < len(block.agents) and left % SELDOM == 0:
                self._pack(rank)

    def set_aside(self, agent: AgentName) -> None:
        """Be found by ``find_apart`` alone, until entered again; a stranger may."""
        at = self._where.pop(agent, None)
        if at is None:
            return
        self._apart[agent] = at
        _, block, bit, room, _ = at
        _clear(block.free, room, bit)
        block.apart[room] = block.apart.get(room, 0) | bit

    def _pack(self, rank: int) -> None:
        """Close the gaps of a class, in order, if that is worth it."""
        blocks = self._classes[rank]
        places = sum(len(block.agents) for block in blocks)
        if places <= PLACES or sum(b.taken.bit_count() for b in blocks) * SPARSE > places:
            return
        self._classes[rank] = []
        for block in blocks:
            for agent in _each(block, block.taken):
                aside = self._apart.pop(agent, None)
                _, _, _, room, has = aside or self._where.pop(agent)
                self.enter(agent, rank, room, has)
                if aside is not None:
                    self.set_aside(agent)

    def find(self, asked: Asked) -> Iterator[AgentName]:
        """Who meets it and has room; the first in front.

        Whoever is given may leave, or enter elsewhere, before the next is asked for.
        """
        for rank in tuple(self._order):
            for block in tuple(self._classes.get(rank, ())):
                bits = block.fitting(asked, block.free) if block.free else 0
                while bits:  # as ``_each``: mostly the first is all that is asked for
                    bit = bits & -bits
                    yield block.agents[bit.bit_length() - 1]
                    bits ^= bit

    def find_apart(self, asked: Asked) -> Iterator[AgentName]:
        """The same of those who are set aside."""
        for rank in tuple(self._order):
            for block in tuple(self._classes.get(rank, ())):
                if block.apart and (bits := block.fitting(asked, block.apart)):
                    yield from _each(block, bits)


def _with_room(rooms: dict[int, int], kinds: int) -> int:
    """Those in ``free`` or ``apart`` of a block who have room for one of these kinds."""
    bits = 0
    for room, here in rooms.items():
        if room & kinds:
            bits |= here
    return bits


def _clear(rooms: dict[int, int], room: int, bit: int) -> None:
    if left := rooms[room] ^ bit:
        rooms[room] = left
    else:
        del rooms[room]


def _each(block: _Block, bits: int) -> Iterator[AgentName]:
    while bits:
        bit = bits & -bits
        yield block.agents[bit.bit_length() - 1]
        bits ^= bit
