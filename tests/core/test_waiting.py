"""The lines of waiting items, beside a plain look at every one of them."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.ids import AgentName, ItemId, QueueName, SiteName, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.core.policy import ALL
from gateway.core.routing.fit import meets
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need
from gateway.core.routing.waiting import Head, Waiting

SKILLS = [SkillName(s) for s in ("billing", "de", "en", "hu", "sales")]
QUEUES = [QueueName(q) for q in ("general", "press", "shop")]
SITES = [SiteName(s) for s in ("", "hill", "port")]
GROUPS = ["back", "front"]
KINDS = (ChannelKind.EMAIL, ChannelKind.VOICE)
ITEMS = [ItemId(f"i{n}") for n in range(12)]


class Plain:
    """The lines, and all that waits in a dictionary; items, needs and agents are thrown by dice."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.needs = [self.need() for _ in range(7)]
        self.waiting = Waiting()
        self.known: dict[ItemId, tuple[Need, float]] = {}

    def need(self) -> Need:
        some, sample = self.dice.randint, self.dice.sample
        return Need(
            kind=self.dice.choice(KINDS),
            queue=self.dice.choice(QUEUES),
            skills=tuple(sorted((s, some(0, 5)) for s in sample(SKILLS, some(0, 3)))),
            languages=tuple(sample(SKILLS[1:4], some(0, 2))),
            queues=tuple(sample([*QUEUES, QueueName(ALL)], max(some(-3, 2), 0))),
            groups=tuple(sample(GROUPS, max(some(-2, 1), 0))),
            sites=tuple(sample(SITES[1:], max(some(-2, 1), 0))),
            desk=tuple(sample([1, 2], some(0, 2))),
        )

    def agent(self) -> AgentProfile:
        some, sample = self.dice.randint, self.dice.sample
        return AgentProfile(
            name=AgentName("ana"),
            skills={skill: some(0, 5) for skill in sample(SKILLS, some(0, 5))},
            queues=tuple(sample(QUEUES, max(some(-2, 2), 0))),
            groups=tuple(sample(GROUPS, some(0, 1))),
            site=self.dice.choice(SITES),
            level=max(some(-2, 2), 0),
        )

    def enter(self) -> None:
        """Whoever comes, or changes the need, or the place in the line."""
        item, need = self.dice.choice(ITEMS), self.dice.choice(self.needs)
        self.known[item] = need, float(self.dice.randint(0, 4))
        self.waiting.enter(item, *self.known[item])

    def leave(self, item: ItemId) -> None:
        self.known.pop(item, None)
        self.waiting.leave(item)

    def check(self) -> None:
        """What the lines say is what is there."""
        waiting, known = self.waiting, self.known
        assert len(waiting) == len(known)
        assert set(waiting.needs()) == {need for need, _ in known.values()}
        assert sorted(waiting.all()) == sorted((rank, i, need) for i, (need, rank) in known.items())

    def look(self, agent: AgentProfile, kept: set[ItemId]) -> None:
        """What the agent finds is what is found by looking at every item."""
        names = tuple(sorted(skill for skill, level in agent.skills.items() if level))
        self.waiting.look_from(agent.queues)
        fits = sorted(
            ((rank, item), need) for item, (need, rank) in self.known.items() if meets(agent, need)
        )
        free = [one for one in fits if one[0][1] not in kept]
        first = self.waiting.first_for(agent, names, KINDS, lambda item, _: item not in kept)
        assert first == (free[0] if free else None)
        heads: dict[Need, Head] = {}
        for head, need in fits:
            heads.setdefault(need, head)
        in_order = [(head, need) for need, head in heads.items()]
        assert self.waiting.for_agent(agent, names, KINDS) == in_order


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_whoever_looks_finds_what_a_look_at_every_item_finds(seed: int) -> None:
    plain = Plain(seed)
    for _ in range(70):
        what = plain.dice.random()
        if what < 0.45:
            plain.enter()
        elif what < 0.65:
            plain.leave(plain.dice.choice(ITEMS))
        else:
            kept = set(plain.dice.sample(ITEMS, plain.dice.randint(0, 6)))
            plain.look(plain.agent(), kept)
        plain.check()
    for item in ITEMS:
        plain.leave(item)
    left = plain.waiting.entries, plain.waiting.branches
    assert left == (0, 0), "nothing is left of those who went"


def test_a_line_knows_its_first_while_somebody_goes_through_it() -> None:
    line: Line[str, float] = Line()
    for rank, name in enumerate("abcde"):
        line.put(name, float(rank))
    through = line.in_order()
    assert [next(through), next(through)] == ["a", "b"]
    assert line.first() == (0.0, "a")
    line.drop("a")
    line.drop("c")
    line.put("e", -1.0)
    assert line.first() == (-1.0, "e")
    assert list(through) == ["d"], "c has gone, and e is in front by now"
