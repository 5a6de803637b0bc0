"""Waiting items in order of rank, found by what an agent has. Pure.

Items that ask the same stand in one line. The lines hang, by kind and queue, under keys: the skills
that are asked for together, three at most (the rarest), without levels. An agent looks under the
combinations of the own skills, first where the most urgent stands, and no further than needed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, combinations
from operator import itemgetter

from gateway.core.ids import AgentName, ItemId, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.core.policy import ALL
from gateway.core.routing.fit import meets
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need

DEEP = 3
"""So many skills make a key."""
MOST_COMBINED = 12
"""Who has more skills looks at every key instead of every combination."""
Key = tuple[SkillName, ...]
_Head = tuple[float, ItemId]
_Part = tuple[ChannelKind, str]
"""A kind, and a queue whose members look there; empty: who is a member of all; ``*``: everybody."""


class _Under:
    """One part: by key the needs that hang there, and who stands first of all of them."""

    __slots__ = ("first", "lines")

    def __init__(self) -> None:
        self.lines: dict[Key, Line[Need, _Head]] = {}
        self.first: dict[Key, _Head] = {}

    def put(self, key: Key, need: Need, head: _Head) -> None:
        line = self.lines.get(key)
        if line is None:
            line = self.lines[key] = Line()
        line.put(need, head)
        self._settle(key, line)

    def drop(self, key: Key, need: Need) -> None:
        line = self.lines[key]
        line.drop(need)
        self._settle(key, line)

    def _settle(self, key: Key, line: Line[Need, _Head]) -> None:
        front = line.first()
        if front is None:
            del self.lines[key], self.first[key]
        else:
            self.first[key] = front[0]


class Waiting:
    """Who waits, by need; ``holders`` says how many have a skill."""

    __slots__ = ("_combined", "_holders", "_keys", "_lines", "_need_of", "_parts")

    def __init__(self, holders: Callable[[SkillName], int]) -> None:
        self._holders = holders
        self._lines: dict[Need, Line[ItemId, float]] = {}
        self._keys: dict[Need, tuple[tuple[_Part, Key], ...]] = {}
        self._parts: dict[_Part, _Under] = {}
        self._need_of: dict[ItemId, Need] = {}
        self._combined: dict[AgentName, tuple[AgentProfile, tuple[Key, ...]]] = {}

    def __len__(self) -> int:
        return len(self._need_of)

    @property
    def entries(self) -> int:
        """What the lines hold in memory, void entries included."""
        heads = sum(ln.entries for under in self._parts.values() for ln in under.lines.values())
        return heads + sum(line.entries for line in self._lines.values())

    def needs(self) -> list[Need]:
        """What is asked by whatever waits."""
        return list(self._lines)

    def need_of(self, item: ItemId) -> Need | None:
        """What the item asks; ``None``: it does not wait."""
        return self._need_of.get(item)

    def line(self, need: Need) -> Line[ItemId, float] | None:
        """Who asks for just this."""
        return self._lines.get(need)

    # -- entering ---------------------------------------------------------------------------

    def enter(self, item: ItemId, need: Need, rank: float) -> None:
        """Wait at this place, which may be another than before."""
        if self._need_of.get(item, need) != need:
            self.leave(item)
        self._need_of[item] = need
        line = self._lines.get(need)
        if line is None:
            line = self._lines[need] = Line()
            self._keys[need] = self._keys_for(need)
        line.put(item, rank)
        self._put_head(need, line)

    def leave(self, item: ItemId) -> None:
        """Wait no more; a stranger may."""
        need = self._need_of.pop(item, None)
        if need is None:
            return
        line = self._lines[need]
        line.drop(item)
        if line:
            self._put_head(need, line)
            return
        del self._lines[need]
        for part, key in self._keys.pop(need):
            under = self._parts[part]
            under.drop(key, need)
            if not under.lines:
                del self._parts[part]

    def _put_head(self, need: Need, line: Line[ItemId, float]) -> None:
        head = line.first()
        if head is None:
            return
        for part, key in self._keys[need]:
            under = self._parts.get(part)
            if under is None:
                under = self._parts[part] = _Under()
            under.put(key, need, head)

    def _keys_for(self, need: Need) -> tuple[tuple[_Part, Key], ...]:
        """One for each language that will do: who has any of them looks there."""
        asked = [skill for skill, _ in need.skills]
        found: dict[Key, None] = {}
        for language in need.languages or (None,):
            names = asked if language is None or language in asked else [*asked, language]
            if len(names) > DEEP:
                names = sorted(names, key=lambda name: (self._holders(name), name))[:DEEP]
            found[tuple(sorted(names))] = None
        queues = (ALL,) if ALL in need.queues else ("", need.queue, *need.queues)
        return tuple(((need.kind, queue), key) for queue in queues for key in found)

    # -- taking -----------------------------------------------------------------------------

    def in_line(self) -> list[tuple[float, ItemId, Need]]:
        """All of them, most urgent first."""
        found = [
            (rank, item, need) for need, line in self._lines.items() for item, rank in line.ranks()
        ]
        found.sort(key=itemgetter(0, 1))
        return found

    def for_agent(
        self, profile: AgentProfile, kinds: Iterable[ChannelKind]
    ) -> Iterator[tuple[_Head, Need]]:
        """Needs of these kinds that this agent meets, with who stands first; most urgent first."""
        # A need may hang in two parts under one key: their numbers come before the parts.
        ahead: list[tuple[_Head, int, Key, _Under]] = []
        for kind in kinds:
            for queue in (*(profile.queues or ("",)), ALL):
                under = self._parts.get((kind, queue))
                if under is not None:
                    first = under.first
                    keys = self._keys_of(profile, first)
                    n = len(ahead)
                    ahead += [(head, n, key, under) for key in keys if (head := first.get(key))]
        heapify(ahead)
        found: list[tuple[_Head, int, Need]] = []
        count = 0
        while ahead:
            head, _, key, under = heappop(ahead)
            while found and found[0][0] < head:
                at, _, need = heappop(found)
                if meets(profile, need):
                    yield at, need
            for need, at in under.lines[key].ranks():
                count += 1
                heappush(found, (at, count, need))
        while found:
            at, _, need = heappop(found)
            if meets(profile, need):
                yield at, need

    def _keys_of(self, profile: AgentProfile, under: Collection[Key]) -> Iterable[Key]:
        if len(profile.skills) > MOST_COMBINED:
            return [key for key in under if all(skill in profile.skills for skill in key)]
        known = self._combined.get(profile.name)
        if known is None or known[0] is not profile:
            names = sorted(profile.skills)
            keys = tuple(chain.from_iterable(combinations(names, n) for n in range(DEEP + 1)))
            known = self._combined[profile.name] = profile, keys
        return known[1]

    def forget(self, agent: AgentName) -> None:
        """The agent is in the directory no more."""
        self._combined.pop(agent, None)
