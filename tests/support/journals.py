"""Journals in which anything that may happen happens at random, of two nodes and their agents."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.facts.values import Told
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    ItemId,
    MessageId,
    NodeName,
    OfferId,
    Position,
    QueueName,
    TicketNumber,
)
from gateway.core.lifecycle import ENDED, MOVES, step
from gateway.core.model import CaseStatus, ItemState

NODES = [NodeName("eu-1"), NodeName("us-1")]
AGENTS = [AgentName("ana"), AgentName("bob"), AgentName("cleo")]
QUEUES = [QueueName("general"), QueueName("sales")]
CHANNELS = [("site", m.ChannelKind.WEBCHAT), ("mail", m.ChannelKind.EMAIL)]
PAUSES = [0.25, 1, 7, 40, 300, 899, 900, 4_000, 90_000]
# The clock goes back in Berlin on the second day, and forward in the other.
STARTS = [datetime(2026, 10, 24, 23, 50, tzinfo=UTC), datetime(2026, 3, 28, 22, 14, 59, tzinfo=UTC)]


class Journals:
    """Writes one; ``told`` is what the nodes have written, as time went by."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now = self.dice.choice(STARTS)
        self.told: list[Told] = []
        self.cases: dict[CaseId, m.Case] = {}
        self.items: dict[ItemId, m.Item] = {}
        self._offsets = {node: itertools.count(1) for node in NODES}
        self._epochs = dict.fromkeys(NODES, 1)
        self._ids = itertools.count(1)
        self._seqs = itertools.count(1)

    def new_id(self) -> str:
        # Not in the order of their making: which case a family goes by is left to chance.
        return f"0190a{self.dice.randrange(999):03}-0000-7000-8000-{next(self._ids):012x}"

    def say(self, node: NodeName, event: e.Event) -> None:
        position = Position(self._epochs[node], next(self._offsets[node]))
        self.told.append(Told(node, position, self.now, event))

    def write(self, steps: int) -> list[Told]:
        for _ in range(steps):
            self.now += timedelta(seconds=self.dice.choice(PAUSES))
            act = self.dice.choices(_DEEDS, weights=_WEIGHTS)[0]
            act(self)
        return self.told

    # -- deeds ------------------------------------------------------------------------------

    def opened(self) -> None:
        channel, kind = self.dice.choice(CHANNELS)
        node = self.dice.choice(NODES)
        case = m.Case(
            id=CaseId(self.new_id()),
            number=TicketNumber(1000 + len(self.cases)),
            version=1,
            opened_at=self.now,
            channel=ChannelName(channel),
            kind=kind,
        )
        self.cases[case.id] = case
        self.say(node, e.CaseOpened(case=case))
        self.work(case, node)

    def work(self, case: m.Case, node: NodeName) -> None:
        item = m.Item(
            id=ItemId(self.new_id()),
            case=case.id,
            number=case.number,
            channel=case.channel,
            kind=case.kind,
            queue=self.dice.choice(QUEUES),
            state=ItemState.NEW,
            version=1,
            owner=node,
            created_at=self.now,
            language=self.dice.choice(["", "de", "es"]),
        )
        self.items[item.id] = item
        self.say(node, e.ItemCreated(item=item))
        self.move(item)

    def another(self) -> None:
        if self.cases:
            case = self.dice.choice(list(self.cases.values()))
            self.work(case, self.dice.choice(NODES))

    def moved(self) -> None:
        going = [one for one in self.items.values() if one.state not in ENDED]
        if going:
            self.move(self.dice.choice(going))

    def move(self, item: m.Item) -> None:
        kind = self.dice.choice([event for state, event in MOVES if state is item.state])
        event = self.made(kind, item)
        changes: dict[str, Any] = {"state": step(item.state, event)}
        if isinstance(event, e.ItemQueued):
            changes |= {"queue": event.queue, "agent": None}
        if isinstance(event, e.OfferMade):
            changes["offer"] = event.offer
        if isinstance(event, e.OfferAccepted | e.ItemAssigned):
            changes["agent"] = event.agent
        self.items[item.id] = replace(item, **changes)
        self.say(item.owner, event)

    def made(self, kind: type[Any], item: m.Item) -> Any:
        known: dict[str, Any] = {
            "item": item.id,
            "queue": self.dice.choice(QUEUES),
            "reason": "by chance",
            "by": "ana",
            "agent": item.agent or self.dice.choice(AGENTS),
            "until": None,
            "offer": OfferId("o"),
            "code": self.dice.choice(["", "done", "spam"]),
        }
        if kind is e.OfferMade:
            soon = self.now + timedelta(seconds=20)
            known["offer"] = m.Offer(
                id=OfferId("o"),
                agent=self.dice.choice(AGENTS),
                made_at=self.now,
                deadline=soon,
                reason="",
            )
        elif item.state is ItemState.OFFERED and item.offer is not None:
            known["agent"] = item.offer.agent
        elif kind is e.ItemAssigned:
            known["agent"] = self.dice.choice(AGENTS)
        elif kind is e.ItemQueued:
            known["restart"] = self.dice.random() < 0.3
            known["given_up_by"] = item.agent if self.dice.random() < 0.5 else None
        return kind(**{name: known[name] for name in kind.__struct_fields__ if name in known})

    def handed_over(self) -> None:
        going = [one for one in self.items.values() if one.state not in ENDED]
        if not going:
            return
        item = self.dice.choice(going)
        here, there = item.owner, NODES[1 - NODES.index(item.owner)]
        self.say(here, e.ItemHandedOver(item=item.id, case=item.case, to=there, reason="overflow"))
        item = self.items[item.id] = replace(item, owner=there)
        adopted = e.ItemAdopted(
            item=item, case=self.cases[item.case], from_node=here, reason="overflow"
        )
        self.now += timedelta(seconds=1)
        self.say(there, adopted)

    def spoken(self) -> None:
        if not self.items:
            return
        item = self.dice.choice(list(self.items.values()))
        way = self.dice.choice(["in", "out", "note"])
        self.say(
            item.owner,
            e.MessageAdded(
                message=MessageId(self.new_id()),
                case=item.case,
                seq=next(self._seqs),
                direction=way,  # type: ignore[arg-type]
                item=item.id if self.dice.random() < 0.9 else None,
                automatic=self.dice.random() < 0.1,
            ),
        )

    def changed(self) -> None:
        if not self.cases:
            return
        case = self.dice.choice(list(self.cases))
        node = self.dice.choice(NODES)
        change = self.dice.choice(
            [
                {"status": CaseStatus.SOLVED},
                {"status": CaseStatus.OPEN},
                {"level": self.dice.randint(1, 3)},
                {"stage": self.dice.choice(["", "check", "pay"])},
                {"category": self.dice.choice(["billing", "login"])},
            ]
        )
        self.say(node, e.CaseChanged(case=case, by="ana", **change))  # type: ignore[arg-type]

    def rated(self) -> None:
        if self.cases:
            case, score = self.dice.choice(list(self.cases)), self.dice.randint(1, 5)
            rating = e.CaseRated(case=case, score=score, agent=self.dice.choice(AGENTS))
            self.say(self.dice.choice(NODES), rating)

    def refiled(self) -> None:
        if len(self.cases) < 2 or not self.items:
            return
        into = self.dice.choice(list(self.cases.values()))
        item = self.dice.choice(list(self.items.values()))
        if item.case == into.id:
            return
        was = self.cases[item.case]
        self.items[item.id] = replace(item, case=into.id)
        self.say(
            item.owner,
            e.ItemRefiled(
                item=item.id,
                case=into.id,
                number=into.number,
                was=was.id,
                was_number=was.number,
                reason="",
            ),
        )

    def attended(self) -> None:
        agent, node = self.dice.choice(AGENTS), self.dice.choice(NODES)
        kinds: list[e.Event] = [
            e.AgentAttached(agent=agent, node=node, epoch=1, tab="t", claims=True),
            e.AgentAttached(agent=agent, node=node, epoch=1, tab="t", claims=True),
            e.AgentDetached(agent=agent, tab="t", reason=""),
            e.AgentStateChanged(agent=agent, presence=m.Presence.READY),
            e.AgentStateChanged(agent=agent, presence=m.Presence.READY),
            e.AgentStateChanged(agent=agent, presence=m.Presence.NOT_READY, reason="lunch"),
        ]
        self.say(node, self.dice.choice(kinds))

    def begun_anew(self) -> None:
        node = self.dice.choice(NODES)
        self._epochs[node] += 1
        self._offsets[node] = itertools.count(1)
        self.say(node, e.NodeStarted(node=node, region=node[:2], items=0))


_DEEDS = [
    Journals.opened,
    Journals.another,
    Journals.moved,
    Journals.handed_over,
    Journals.spoken,
    Journals.changed,
    Journals.rated,
    Journals.refiled,
    Journals.attended,
    Journals.begun_anew,
]
_WEIGHTS = [8, 4, 55, 4, 15, 8, 2, 2, 20, 2]


def journal(seed: int, steps: int = 60) -> list[Told]:
    """What two nodes have written, as time went by; the same for the same seed."""
    return Journals(seed).write(steps)
