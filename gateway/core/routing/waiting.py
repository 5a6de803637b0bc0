"""Waiting items in order of rank, found by what an agent has. Pure.

Items that ask the same stand in one line. The lines hang in trees, by kind and by the queue that an
agent is a member of: from a root a branch for the first skill that is asked for, from there one for
the second, in the order of their names and without levels. An agent goes down where the own skills
lead and nowhere else, so finds all that could fit in a few dozen steps, however odd the
combinations are and however many there are of them.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from math import inf
from operator import itemgetter
from typing import Any

from gateway.core.ids import ItemId, QueueName, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.core.policy import ALL
from gateway.core.routing.fit import meets
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need

Head = tuple[float, ItemId]
"""Who stands first: rank and item."""
May = Callable[[ItemId, Need], bool]
_NOBODY: Head = (inf, ItemId(""))
_NO_MORE: "dict[SkillName, _Node]" = {}
"""Shared by all leaves, never filled."""
_ROOT = SkillName("")
_MEMBER_OF_ALL = ""
MOST_LEFT = 5_000
"""Nodes that somebody has left while nobody looked."""


class Asking(Line[ItemId, float]):
    """Those who ask for just this; ``head`` is who stands first of them.

    Whoever comes to one of ``nodes`` has all skills that are asked for: left to see are ``levels``
    above the first, and if ``narrow`` whom the queue is limited to.
    """

    __slots__ = ("head", "levels", "narrow", "need", "nodes")

    def __init__(self, need: Need) -> None:
        super().__init__()
        self.need = need
        self.head = _NOBODY
        self.nodes: list[_Node] = []
        self.levels = [pair for pair in need.skills if pair[1] > 1]
        self.narrow = bool(need.groups or need.sites)

    def meant_for(self, profile: AgentProfile) -> bool:
        """Whether the agent, who came to one of the nodes, meets the need."""
        skills = profile.skills
        for skill, level in self.levels:
            if skills[skill] < level:
                return False
        return not (self.narrow or profile.level) or meets(profile, self.need)

    def moved(self, before: Head) -> "list[_Node]":
        """``head`` was this before: the nodes hear; those that may lead less low than they say."""
        for node in self.nodes:
            # Items stand but once, so no two lines are ever compared.
            del node.heads[bisect_left(node.heads, before)]
            insort(node.heads, (*self.head, self))
            node.lower(self.head[0])
        return [node for node in self.nodes if node.least == before[0]]


class _Node:
    """Where the skills down to here lead: what asks for just these, and for what more.

    ``heads``: who stands first of each line that hangs here, in order; ``least`` is the lowest rank
    of these and of all that hangs further down, or a lower one of somebody who has gone since.
    """

    __slots__ = ("after", "heads", "least", "name", "up")

    def __init__(self, name: SkillName = _ROOT, up: "_Node | None" = None) -> None:
        self.name = name
        self.up = up
        self.after = _NO_MORE
        self.heads: list[tuple[Any, ...]] = []
        self.least = inf

    def lower(self, rank: float) -> None:
        """Somebody stands here now."""
        node: _Node | None = self
        while node is not None and rank < node.least:
            node.least = rank
            node = node.up

    def rise(self) -> bool:
        """Somebody has gone who stood here, or further down: whether that was the least."""
        least = self.heads[0][0] if self.heads else inf
        for following in self.after.values():
            if following.least < least:  # noqa: PLR1730 - `min` is a call for each
                least = following.least
        risen = least != self.least
        self.least = least
        return risen

    def hang(self, names: Iterable[SkillName], asking: Asking) -> None:
        node = self
        for name in names:
            following = node.after.get(name)
            if following is None:
                if node.after is _NO_MORE:
                    node.after = {}
                following = node.after[name] = _Node(name, node)
            node = following
        if node not in asking.nodes:
            insort(node.heads, (*asking.head, asking))
            node.lower(asking.head[0])
            asking.nodes.append(node)

    def drop(self, asking: Asking) -> "_Node":
        """What is left of the way to here."""
        del self.heads[bisect_left(self.heads, asking.head)]
        node = self
        while not node.heads and not node.after and node.up is not None:
            del node.up.after[node.name]
            node = node.up
        return node

    def reached(self, names: tuple[SkillName, ...]) -> "list[_Node]":
        """Where something hangs that asks for these and no others; ``names`` are in order."""
        found: list[_Node] = []
        most = len(names)
        ahead = [(self, 0)]
        while ahead:
            node, at = ahead.pop()
            if node.heads:
                found.append(node)
            if after := node.after:
                for n in range(at, most):
                    following = after.get(names[n])
                    if following is not None:
                        ahead.append((following, n + 1))
        return found


class Waiting:
    """Who waits, by need."""

    __slots__ = ("_asking", "_at", "_left", "_queues", "_roots")

    def __init__(self) -> None:
        self._at: dict[ItemId, Asking] = {}
        self._asking: dict[ChannelKind, dict[Need, Asking]] = {}
        self._roots: dict[ChannelKind, dict[str, _Node]] = {}
        self._queues: dict[str, None] = {}
        self._left: dict[_Node, None] = {}

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, item: ItemId) -> bool:
        return item in self._at

    @property
    def entries(self) -> int:
        """What the lines hold in memory, void entries included, and where they hang."""
        return sum(
            line.entries + len(line.nodes)
            for asking in self._asking.values()
            for line in asking.values()
        )

    @property
    def branches(self) -> int:
        """Steps from skill to skill that lead somewhere."""
        ahead = [root for roots in self._roots.values() for root in roots.values()]
        count = 0
        while ahead:
            node = ahead.pop()
            count += len(node.after)
            ahead += node.after.values()
        return count

    def needs(self) -> list[Need]:
        """What is asked by whatever waits."""
        return [need for asking in self._asking.values() for need in asking]

    def line_of(self, item: ItemId) -> Asking | None:
        """Where the item stands, ``None``: it does not wait."""
        return self._at.get(item)

    def line(self, need: Need) -> Asking | None:
        """Who asks for just this."""
        asking = self._asking.get(need.kind)
        return asking.get(need) if asking is not None else None

    # -- entering ---------------------------------------------------------------------------

    def enter(self, item: ItemId, need: Need, rank: float) -> None:
        """Wait at this place, which may be another than before."""
        line = self._at.get(item)
        if line is not None and line.need != need:
            self.leave(item)
            line = None
        if line is None:
            line = self.line(need)
            if line is None:
                self._begin(item, need, rank)
                return
            self._at[item] = line
        line.put(item, rank)
        before = line.head
        if (head := (rank, item)) < before:
            line.head = head
            line.moved(before)  # nobody has gone
        elif before[1] == item:
            self._settle(line)

    def leave(self, item: ItemId) -> None:
        """Wait no more; a stranger may."""
        line = self._at.pop(item, None)
        if line is None:
            return
        line.drop(item)
        if line:
            if line.head[1] == item:
                self._settle(line)
            return
        del self._asking[line.need.kind][line.need]
        for node in line.nodes:
            self._left[node.drop(line)] = None
        if len(self._left) > MOST_LEFT:
            self._rise()

    def _settle(self, line: Asking) -> None:
        """Who stood first has gone, or elsewhere."""
        before, first = line.head, line.first()
        if first is not None and first != before:
            line.head = first
            self._left.update(dict.fromkeys(line.moved(before)))

    def _rise(self) -> None:
        """Have the nodes know how low they lead, each but once though many have gone."""
        left, self._left = self._left, {}
        while left:
            above: dict[_Node, None] = {}
            for node in left:
                before = node.least
                if node.rise() and node.up is not None and node.up.least == before:
                    above[node.up] = None
            left = above

    def _begin(self, item: ItemId, need: Need, rank: float) -> None:
        """The first who asks for this."""
        asking = self._asking.get(need.kind)
        if asking is None:
            asking = self._asking[need.kind] = {}
            self._roots[need.kind] = {queue: _Node() for queue in self._queues}
        line = self._at[item] = asking[need] = Asking(need)
        line.put(item, rank)
        line.head = rank, item
        roots = self._roots[need.kind]
        if ALL in need.queues:
            for root in roots.values():
                self._hang(root, line)
        else:
            for queue in (_MEMBER_OF_ALL, need.queue, *need.queues):
                if (found := roots.get(queue)) is not None:
                    self._hang(found, line)

    def _hang(self, root: _Node, line: Asking) -> None:
        """Once for each language that will do: who has any of them comes by."""
        need = line.need
        asked = [skill for skill, level in need.skills if level > 0]
        if not need.languages:
            root.hang(asked, line)
        for language in need.languages:
            root.hang(sorted({*asked, language}), line)

    def look_from(self, queues: Iterable[QueueName]) -> None:
        """There is an agent who is a member of these; none named: of all."""
        for queue in queues or (_MEMBER_OF_ALL,):
            if queue not in self._queues:
                self._queues[queue] = None
                for kind, asking in self._asking.items():
                    root = self._roots[kind][queue] = _Node()
                    for need, line in asking.items():
                        if (
                            queue in (_MEMBER_OF_ALL, need.queue, *need.queues)
                            or ALL in need.queues
                        ):
                            self._hang(root, line)

    # -- taking -----------------------------------------------------------------------------

    def all(self) -> list[tuple[float, ItemId, Need]]:
        """All of them, in no order."""
        return [
            (rank, item, need)
            for asking in self._asking.values()
            for need, line in asking.items()
            for item, rank in line.ranks()
        ]

    def first_for(
        self,
        profile: AgentProfile,
        names: tuple[SkillName, ...],
        kinds: Iterable[ChannelKind],
        may: May,
    ) -> tuple[Head, Need] | None:
        """The most urgent of these kinds that this agent meets and ``may`` have.

        ``names`` are the agent's skills in order.
        """
        self._rise()
        best, found, soonest = _NOBODY, None, inf
        most = len(names)
        ahead = [(root.least, n, root, 0) for n, root in enumerate(self._looked(profile, kinds))]
        heapify(ahead)
        count = len(ahead)
        while ahead:
            least, _, node, at = heappop(ahead)
            if least > soonest or least == inf:
                break
            for rank, item, line in node.heads:
                if rank > soonest:
                    break
                if line.head < best and line.meant_for(profile):
                    head = line.head if may(item, line.need) else self._next(line, best, may)
                    if head < best:
                        best, found, soonest = head, line.need, head[0]
            if after := node.after:
                for n in range(at, most):
                    following = after.get(names[n])
                    if following is not None and following.least <= soonest:
                        count += 1
                        heappush(ahead, (following.least, count, following, n + 1))
        return None if found is None else (best, found)

    @staticmethod
    def _next(line: Asking, best: Head, may: May) -> Head:
        """The first who ``may``, but for who stands in front; nobody, if not before ``best``."""
        for item in line.in_order():
            head = line.rank_of(item), item
            if head >= best:
                break
            if head[1] != line.head[1] and may(item, line.need):
                return head
        return _NOBODY

    def for_agent(
        self, profile: AgentProfile, names: tuple[SkillName, ...], kinds: Iterable[ChannelKind]
    ) -> list[tuple[Head, Need]]:
        """Needs of these kinds that this agent meets, with who stands first; most urgent first."""
        found = {
            line.head: line.need
            for root in self._looked(profile, kinds)
            for node in root.reached(names)
            for _, _, line in node.heads
            if line.meant_for(profile)
        }
        return sorted(found.items(), key=itemgetter(0))

    def _looked(self, profile: AgentProfile, kinds: Iterable[ChannelKind]) -> list[_Node]:
        """Where the agent begins to look."""
        queues = profile.queues or (_MEMBER_OF_ALL,)
        return [
            self._roots[kind][queue] for kind in kinds if self._asking.get(kind) for queue in queues
        ]


def _widened(queue: str, need: Need) -> bool:
    """Whether members of the queue may take it besides those of the item's own."""
    return queue in need.queues or ALL in need.queues
