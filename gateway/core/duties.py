"""Named duties: what only one node may do at a time, and who should. Pure.

A duty (reading one mailbox, say) is held by one *life* of one node, under an epoch of its own
that rises with every change of hands; what is written under a duty requires that epoch. No clock
takes part in who holds it: a duty comes free when its holder gives it up, says that it stops, or
has lost its own right to write (it was fenced, or began anew), and what it left has been adopted.

Every node looks at the same rows and comes to the same answer here; where two do not, because
one looked a moment earlier, a compare-and-set settles it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from gateway.core.ids import NodeName

ROUND_SECONDS = 1.0
"""A node looks so often."""
TURN_SECONDS = 2.0
"""How long the next in line waits for the one before it to take a free duty."""
CALM_SECONDS = 300.0
"""How long a better node must have served without a break before a duty returns to it.

A change of hands costs a reconnection and nothing else, but a node that fell over once is the
likeliest to fall over again: five minutes are longer than the minute within which a node that
begins anew again and again gives up, and than the rounds of an upgrade.
"""

NAMED, NEAR, ABLE = 0, 1, 2
"""How well a node suits a duty: it is the preferred one, in the preferred region, able to."""


class DutyTerm(Struct, frozen=True, kw_only=True):
    """The right to do a duty: writes under it require that its epoch is still the current one."""

    name: str
    epoch: int


class Member(Struct, frozen=True, kw_only=True):
    """A node as its lease and fence show it.

    ``life`` names the incarnation that has the fence, ``settling`` says that somebody is still
    adopting what the node had, ``fenced`` that its lease is not of that life.
    """

    node: NodeName
    life: str
    state: str
    fenced: bool = False
    settling: bool = False


class Wish(Struct, frozen=True, kw_only=True):
    """A node can do a duty; ``rank`` says how well it suits (``NAMED``, ``NEAR``, ``ABLE``)."""

    duty: str
    node: NodeName
    life: str
    rank: int = ABLE


class Duty(Struct, frozen=True, kw_only=True):
    """A duty's row. Without ``node`` it was given up; ``asked`` is the life that asked for it."""

    name: str
    epoch: int
    node: NodeName | None = None
    life: str | None = None
    asked: str | None = None


class Look(Struct, frozen=True, kw_only=True):
    """All rows at one moment, as the node of ``life`` saw them."""

    life: str
    members: tuple[Member, ...]
    duties: tuple[Duty, ...]
    wishes: tuple[Wish, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """What ``me`` has seen: the last look, and since when what it shows is so, in its seconds.

    ``free`` are duties that nobody holds, ``calm`` the lives that may do duties.
    """

    me: NodeName
    look: Look | None = None
    free: Mapping[str, float] = field(default_factory=dict)
    calm: Mapping[str, float] = field(default_factory=dict)


class DutyState(Struct, frozen=True, kw_only=True):
    """A duty as people see it.

    ``node`` has it, ``able`` could; ``label`` is its short name where this node can do it, and
    ``here`` says that it does.
    """

    duty: str
    label: str
    node: NodeName | None
    epoch: int
    able: tuple[NodeName, ...]
    here: bool


class Take(Struct, frozen=True):
    """Try to become the holder of a free duty whose row has this epoch; 0: it has no row yet."""

    duty: str
    seen: int
    reason: str


class Give(Struct, frozen=True):
    """End what is done under it, then give the duty up; ``to`` is who should have it."""

    duty: str
    to: NodeName | None
    reason: str


class _Picture:
    """A look, sorted for questions."""

    def __init__(self, look: Look) -> None:
        self.members = {member.node: member for member in look.members}
        self.duties = {duty.name: duty for duty in look.duties}
        self.wishes: dict[str, dict[NodeName, Wish]] = {}
        for wish in look.wishes:
            if self.is_able(wish):
                self.wishes.setdefault(wish.duty, {})[wish.node] = wish
        held = (self.holder(duty) for duty in look.duties)
        self.loads: Counter[NodeName] = Counter(node for node in held if node is not None)

    def is_able(self, wish: Wish) -> bool:
        """By its newest life, which serves."""
        member = self.members.get(wish.node)
        return member is not None and member.life == wish.life and may_do(member)

    def holder(self, duty: Duty) -> NodeName | None:
        """Who may write under the duty, or whose estate it still belongs to; else it is free."""
        member = self.members.get(duty.node) if duty.node is not None else None
        if member is None:
            return None
        if duty.life != member.life:
            return member.node if member.settling else None
        return None if member.state == "stopped" else member.node

    def free(self) -> list[str]:
        """Duties that somebody wants and nobody holds."""
        return [
            name
            for name in sorted(self.wishes)
            if (duty := self.duties.get(name)) is None or self.holder(duty) is None
        ]

    def line(self, name: str) -> list[Wish]:
        """Who can do it, the one who should first."""
        duty = self.duties.get(name)
        asked = duty.asked if duty is not None else None
        return sorted(
            self.wishes.get(name, {}).values(),
            key=lambda w: (asked is None or w.life != asked, w.rank, self.loads[w.node], w.node),
        )


def may_do(member: Member) -> bool:
    """Whether a node takes duties at all."""
    return member.state == "serving" and not member.fenced and not member.settling


def observe(facts: Facts, look: Look | None, now: float) -> Facts:
    """What is known after a look; ``None``: it failed, so nothing has been calm since."""
    if look is None:
        return Facts(me=facts.me)
    picture = _Picture(look)
    lives = [member.life for member in look.members if may_do(member)]
    return Facts(
        me=facts.me,
        look=look,
        free={name: facts.free.get(name, now) for name in picture.free()},
        calm={life: facts.calm.get(life, now) for life in lives},
    )


def decide(facts: Facts, now: float) -> list[Take | Give]:
    """What this node should do about duties now. At most one goes back for preference's sake."""
    if facts.look is None:
        return []
    picture = _Picture(facts.look)
    return [*_takes(facts, picture, now), *_gives(facts, facts.look.life, picture, now)]


def _takes(facts: Facts, picture: _Picture, now: float) -> Iterator[Take]:
    for name in picture.free():
        line = picture.line(name)
        place = next((n for n, wish in enumerate(line) if wish.node == facts.me), None)
        waited = now - facts.free.get(name, now)
        if place is not None and waited >= place * TURN_SECONDS:
            row = picture.duties.get(name)
            reason = _why_free(row, picture) + _why_me(facts.me, line, place, picture)
            yield Take(name, row.epoch if row is not None else 0, reason)
        picture.loads[line[0].node] += 1


def _gives(facts: Facts, life: str, picture: _Picture, now: float) -> Iterator[Give]:
    moved = False
    for name, duty in sorted(picture.duties.items()):
        if duty.node != facts.me or duty.life != life:
            continue
        able = picture.wishes.get(name, {})
        if facts.me not in able:
            yield Give(name, None, f"{facts.me} does not do it any more")
            continue
        best = picture.line(name)[0]
        if best.node == facts.me:
            continue
        if best.life == duty.asked:
            yield Give(name, best.node, f"{best.node} asked for it")
            continue
        calm = now - facts.calm.get(best.life, now)
        if not moved and best.rank < able[facts.me].rank and calm >= CALM_SECONDS:
            moved = True
            yield Give(
                name,
                best.node,
                f"{best.node} is preferred and has served for {calm:.0f} s without a break",
            )


def _why_free(duty: Duty | None, picture: _Picture) -> str:
    if duty is None:
        return "nobody has had it before"
    if duty.node is None:
        return "it was given up"
    member = picture.members.get(duty.node)
    if member is None:
        return f"{duty.node} is no more"
    if duty.life == member.life:
        return f"{duty.node} has stopped"
    return f"{duty.node} was taken over" if member.fenced else f"{duty.node} has begun anew"


def _why_me(me: NodeName, line: Sequence[Wish], place: int, picture: _Picture) -> str:
    mine = line[place]
    suits = {NAMED: "is the preferred node", NEAR: "is in the preferred region"}.get(mine.rank)
    if place:
        late = ", ".join(wish.node for wish in line[:place])
        return f"; {late} did not take it in time, {me} is next"
    if len(line) == 1:
        return f"; only {me} can do it"
    if suits is not None:
        return f"; {me} {suits}"
    return f"; {me} has the fewest, {picture.loads[me]}, of {len(line)} nodes that can do it"


def holders(look: Look) -> dict[str, NodeName]:
    """Who holds what."""
    picture = _Picture(look)
    found = ((duty.name, picture.holder(duty)) for duty in look.duties)
    return {name: node for name, node in found if node is not None}


def is_able(node: NodeName, look: Look) -> bool:
    """Whether others may count on a node to take what it says that it can do."""
    return any(member.node == node and may_do(member) for member in look.members)


def able(look: Look) -> dict[str, tuple[NodeName, ...]]:
    """Which living nodes can do what, who should do it first."""
    picture = _Picture(look)
    return {name: tuple(w.node for w in picture.line(name)) for name in sorted(picture.wishes)}


def better_at(facts: Facts) -> list[str]:
    """Duties that ``me`` suits better than who holds them: what to ask for on coming back."""
    if facts.look is None:
        return []
    picture = _Picture(facts.look)
    found = []
    for name, able in sorted(picture.wishes.items()):
        mine, row = able.get(facts.me), picture.duties.get(name)
        holder = picture.holder(row) if row is not None else None
        if mine is None or holder is None or holder == facts.me:
            continue
        theirs = able.get(holder)
        if theirs is None or mine.rank < theirs.rank:
            found.append(name)
    return found
