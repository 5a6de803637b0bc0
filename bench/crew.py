"""The house that matching is measured in: agents, and work for them, from a seed. Pure.

Each agent speaks two of 24 languages and has five of 40 skills at a level of 1 to 5; an item asks
for a language and one or two skills at a least level. Both lean to what is common (Zipf).
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    ItemId,
    NodeName,
    QueueName,
    SkillName,
    TicketNumber,
)
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Case,
    ChannelKind,
    Item,
    ItemState,
    Presence,
    Queue,
    Requirement,
)
from gateway.core.state import NodeState

NODE, QUEUE = NodeName("bench"), QueueName("general")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANGUAGES = [SkillName(f"l{n:02}") for n in range(24)]
SKILLS = [SkillName(f"s{n:02}") for n in range(40)]
LEAN = 0.7
"""The exponent of Zipf's law: the commonest language is nine times as common as the rarest."""


def _weights(count: int) -> list[float]:
    return [1 / (n + 1) ** LEAN for n in range(count)]


def _some(dice: random.Random, names: Sequence[SkillName], count: int) -> list[SkillName]:
    """Different names, the common ones more often."""
    weights = _weights(len(names))
    found: dict[SkillName, None] = {}
    while len(found) < count:
        found[dice.choices(names, weights)[0]] = None
    return list(found)


def crew(dice: random.Random, count: int) -> list[AgentProfile]:
    """The agents."""
    out = []
    for n in range(count):
        skills = dict.fromkeys(_some(dice, LANGUAGES, 2), 1)
        skills |= {skill: dice.randint(1, 5) for skill in _some(dice, SKILLS, 5)}
        out.append(AgentProfile(name=AgentName(f"a{n:05}"), skills=skills))
    return out


def work(dice: random.Random, kind: ChannelKind) -> Iterator[Item]:
    """Endless items that wait, one second younger each."""
    for n in itertools.count(1):
        skills = dict.fromkeys(_some(dice, LANGUAGES, 1), 1)
        for skill in _some(dice, SKILLS, dice.choice((1, 2))):
            skills[skill] = dice.randint(1, 5)
        urgent = dice.choice((0, 0, 0, 5, 20))
        yield _item(n, kind, Requirement(skills=skills), urgent)


def _item(n: int, kind: ChannelKind, asked: Requirement, priority: int = 0) -> Item:
    at = START + timedelta(seconds=n)
    return Item(
        id=ItemId(f"i{n:07}"),
        case=CaseId(f"c{n:07}"),
        number=TicketNumber(n),
        channel=ChannelName("in"),
        kind=kind,
        queue=QUEUE,
        state=ItemState.QUEUED,
        version=1,
        owner=NODE,
        created_at=at,
        queued_at=at,
        priority=priority,
        requirement=asked,
    )


def alike(count: int) -> list[AgentProfile]:
    """Agents who can all do the same."""
    skills = {SkillName("service"): 3}
    return [AgentProfile(name=AgentName(f"a{n:05}"), skills=skills) for n in range(count)]


def plain_work(kind: ChannelKind) -> Iterator[Item]:
    """Endless items that ask for what all can do, one second younger each."""
    asked = Requirement(skills={SkillName("service"): 1})
    return (_item(n, kind, asked) for n in itertools.count(1))


def case_of(item: Item) -> Case:
    """The header of its matter."""
    return Case(
        id=item.case,
        number=item.number,
        version=1,
        opened_at=item.created_at,
        channel=item.channel,
        kind=item.kind,
    )


def house(profiles: Sequence[AgentProfile], *, ready: int | None = None) -> NodeState:
    """A node's picture with these agents at their desks, the first ``ready`` of them ready."""
    state = NodeState(NODE)
    state.load(queues=[Queue(name=QUEUE)], profiles=profiles)
    for n, profile in enumerate(profiles):
        presence = Presence.READY if ready is None or n < ready else Presence.NOT_READY
        status = AgentStatus(
            name=profile.name,
            presence=presence,
            reason="",
            since=START,
            idle_since=START + timedelta(milliseconds=n),
            home=NODE,
        )
        state.statuses[profile.name] = replace(status, tabs=1)
    return state
