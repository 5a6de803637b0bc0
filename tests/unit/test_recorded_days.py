"""What the journal tells of a day, read as waits and as the times in which agents were ready."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core import events as e
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    ItemId,
    NodeName,
    OfferId,
    QueueName,
    TicketNumber,
)
from gateway.core.model import AgentProfile, ChannelKind, Item, ItemState, Offer, Presence, Queue
from gateway.sim.compare import AS_IT_IS, Policy, Tried, compare
from gateway.sim.presence import ready_spans
from gateway.sim.recorded import Replay, replayed
from gateway.sim.scenario import BadScenario
from gateway.sim.spells import Spells
from gateway.store.days import Happened, Recording

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
ANA, BOB, GENERAL = AgentName("ana"), AgentName("bob"), QueueName("general")
HERE = NodeName("here")


def at(seconds: float) -> datetime:
    return DAY + timedelta(seconds=seconds)


class Journal:
    """Written as a node would."""

    def __init__(self) -> None:
        self.work: list[Happened] = []
        self.people: list[Happened] = []

    def did(self, seconds: float, *events: Any) -> None:
        self.work += [Happened(at(seconds), event) for event in events]

    def comes(self, seconds: float, name: str, **more: Any) -> ItemId:
        item = ItemId(name)
        fields: dict[str, Any] = {"kind": ChannelKind.VOICE, **more}
        made = Item(
            id=item,
            case=CaseId(f"case-{name}"),
            number=TicketNumber(1),
            channel=ChannelName("in"),
            queue=GENERAL,
            state=ItemState.NEW,
            version=1,
            owner=HERE,
            created_at=at(seconds),
            **fields,
        )
        self.did(seconds, e.ItemCreated(item=made), queued(item))
        return item

    def served(self, item: ItemId, offered: float, accepted: float, *then: float) -> None:
        """Accepted, wrapped up and completed."""
        offer = Offer(
            id=OfferId("o"), agent=ANA, made_at=at(offered), deadline=at(offered + 20), reason=""
        )
        self.did(offered, e.OfferMade(item=item, offer=offer))
        self.did(accepted, e.OfferAccepted(item=item, offer=offer.id, agent=ANA))
        for seconds, event in zip(then, (e.WrapUpStarted, e.ItemCompleted), strict=False):
            self.did(seconds, event(item=item, agent=ANA))

    def there(self, name: AgentName, begins: float, ends: float) -> None:
        for seconds, event in (
            (begins, e.AgentAttached(agent=name, node=HERE, epoch=1, tab="t", claims=True)),
            (begins, e.AgentStateChanged(agent=name, presence=Presence.READY)),
            (ends, e.AgentStateChanged(agent=name, presence=Presence.NOT_READY)),
        ):
            self.people.append(Happened(at(seconds), event))

    def played(self, **more: Any) -> Replay:
        self.people.sort(key=lambda one: one.at)
        return replayed(
            Recording(
                begins=DAY,
                ends=NEXT,
                work=sorted(self.work, key=lambda one: one.at),
                people=self.people,
                profiles=[AgentProfile(name=ANA), AgentProfile(name=BOB)],
                queues=[Queue(name=GENERAL)],
                levels={},
                **more,
            )
        )


def queued(item: ItemId, **more: Any) -> e.ItemQueued:
    return e.ItemQueued(item=item, queue=GENERAL, reason="", **more)


def test_a_wait_and_the_work_after_it_are_read() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    journal.served(journal.comes(100, "a"), 110, 113, 413, 440)
    (found,) = journal.played().day.contacts
    assert (found.at, found.reaction, found.handle, found.wrapup) == (100, 3, 300, 27)
    assert math.isinf(found.patience), "nobody gave up that day"


def test_who_comes_back_from_a_hold_waits_anew_and_has_a_last_agent() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    item = journal.comes(0, "a", kind=ChannelKind.EMAIL)
    journal.served(item, 1, 2)
    journal.did(100, e.ItemHeld(item=item, reason="asked"))
    journal.did(600, queued(item, restart=True))
    journal.served(item, 605, 606, 700, 710)
    first, second = journal.played().day.contacts
    assert (first.at, first.handle, first.last_agent) == (0, 98, None)
    assert (second.at, second.handle, second.last_agent) == (600, 94, ANA)


def test_an_offer_that_was_missed_does_not_end_the_wait() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    item = journal.comes(0, "a")
    offer = Offer(id=OfferId("x"), agent=BOB, made_at=at(1), deadline=at(21), reason="")
    journal.did(1, e.OfferMade(item=item, offer=offer))
    journal.did(21, e.OfferMissed(item=item, offer=offer.id, agent=BOB))
    journal.served(item, 22, 24, 100, 100)
    replay = journal.played()
    assert replay.day.contacts[0].reaction == 2
    assert replay.was.waits.asa == 24


def test_who_gave_up_has_just_that_patience_and_who_was_answered_had_more() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    lost = journal.comes(0, "a")
    journal.did(45, e.ItemAbandoned(item=lost, reason="hung up"))
    journal.served(journal.comes(100, "b"), 130, 132, 200, 210)
    first, second = journal.played().day.contacts
    assert first.patience == 45
    assert second.patience > 32
    assert (first.handle, first.wrapup) == (68, 10), "by the example of the other"


def test_what_waited_when_the_day_began_still_waits_and_what_ended_before_does_not() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    journal.comes(-300, "a")
    early = journal.comes(-500, "b")
    journal.served(early, -490, -480, -100, -90)
    replay = journal.played()
    assert [contact.at for contact in replay.day.contacts] == [-300]
    assert replay.was.waits.waiting == 1
    assert "1 were waiting already when the day began" in replay.notes


def test_what_cannot_be_played_is_told() -> None:
    journal = Journal()
    journal.there(ANA, 0, 5_000)
    gone = journal.comes(10, "a")
    journal.did(20, e.ItemCanceled(item=gone, by="api", reason=""))
    made = journal.comes(0, "b")
    journal.work.pop()  # it never came into a queue
    journal.did(30, e.ItemAssigned(item=made, agent=ANA, by="ana", reason="composed"))
    journal.comes(40, "c")
    replay = journal.played()
    assert len(replay.day.contacts) == 1
    assert any(note.startswith("1 left a queue neither") for note in replay.notes)
    assert any(note.startswith("1 times agents worked on what") for note in replay.notes)


def test_the_replay_of_a_plain_day_is_as_it_was() -> None:
    journal = Journal()
    journal.there(ANA, 0, 80_000)
    for n in range(20):
        came = 1_000.0 * n
        journal.served(journal.comes(came, f"i{n}"), came, came + 4, came + 300, came + 320)
    replay = journal.played()
    (row,) = compare([replay.day], replay.queues, [Tried(Policy(name=AS_IT_IS))])
    assert row.asa == replay.was.waits.asa == 4
    assert row.service_level == 1
    assert row.occupancy == pytest.approx(replay.was.load.mean, abs=0.001)


def test_a_day_with_nobody_ready_or_nothing_to_do_is_refused() -> None:
    journal = Journal()
    with pytest.raises(BadScenario, match="nothing waited in a queue on 2026-03-02"):
        journal.played()
    journal.comes(0, "a")
    with pytest.raises(BadScenario, match="nobody was ready"):
        journal.played()


def test_an_agent_is_ready_only_while_connected() -> None:
    def spans(*entries: tuple[float, Any]) -> list[tuple[float, float]]:
        found = ready_spans([Happened(at(s), event) for s, event in entries], DAY, NEXT)
        return [((a - DAY).total_seconds(), (b - DAY).total_seconds()) for a, b in found[ANA]]

    def tab(name: str) -> e.AgentAttached:
        return e.AgentAttached(agent=ANA, node=HERE, epoch=1, tab=name, claims=True)

    ready = e.AgentStateChanged(agent=ANA, presence=Presence.READY)
    left = e.AgentDetached(agent=ANA, tab="t", reason="")
    begun = e.NodeStarted(node=HERE, region="", items=0)
    assert spans((-50, tab("a")), (-40, ready), (60, left)) == [(0, 60)]
    two = ((0, tab("a")), (1, tab("b")), (2, ready), (60, left), (90, left))
    assert spans(*two) == [(2, 90)], "two desktops: the last one counts"
    assert spans((0, tab("a")), (2, ready), (60, begun), (70, tab("a"))) == [(2, 60), (70, 86_400)]
    assert spans((0, tab("a")), (9, ready), (20, e.AgentReleased(agent=ANA, reason=""))) == [
        (9, 20)
    ]


def test_spells_of_items_older_than_what_was_read_are_left_alone() -> None:
    reader = Spells()
    reader.read([Happened(at(0), queued(ItemId("unknown")))])
    assert reader.found == []
