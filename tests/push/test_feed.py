"""Who sees what of a committed entry."""

from msgspec import UNSET
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import AgentName, CaseId, OfferId, Position, RuleName
from gateway.core.model import AgentProfile, ChannelKind, Delivery, ItemState, Offer, Presence
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from push.feed import Frames, Mirror, concerned, project
from push.protocol import (
    DeliveryFrame,
    ItemFrame,
    MessageFrame,
    NumberedFrame,
    OfferFrame,
    OfferGone,
    StateFrame,
)
from tests.support.builders import House, agent, mail
from tests.support.pushworld import QUEUE, START, World

ANA, BEN = AgentName("ana"), AgentName("ben")


class Watched(World):
    """A world whose frames are collected as they are projected."""

    def __init__(self) -> None:
        super().__init__("ana", "ben")
        self.mirror = Mirror()
        self.mirror.load((), (), self.state.profiles.values())
        self._frames: Frames = []
        self.subscribe(
            lambda entries: self._frames.extend(
                frame for entry in entries for frame in project(entry, self.mirror)
            )
        )

    def seen(self) -> list[tuple[AgentName, NumberedFrame]]:
        """What was shown since the last time, once all is committed."""
        self.commit()
        frames, self._frames = self._frames, []
        return frames


def test_nobody_sees_an_item_that_only_waits() -> None:
    world = Watched()
    world.arrive()
    assert world.seen() == []


def test_an_offer_shows_item_deadline_and_reason_to_its_agent_alone() -> None:
    world = Watched()
    item = world.arrive()
    offer = world.offer(item, "ana")
    ((agent, frame),) = world.seen()
    assert agent == ANA
    assert isinstance(frame, OfferFrame)
    assert (frame.offer, frame.item.id, frame.reason) == (offer, item.id, "longest idle")
    assert frame.capacity is not UNSET
    assert frame.capacity.used == 50


def test_the_way_an_offer_ends_is_said() -> None:
    ways: list[tuple[str, e.Event]] = []
    for how in ("accepted", "declined", "missed", "the agent is not ready"):
        world = Watched()
        item = world.arrive()
        offer = world.offer(item, "ana")
        world.seen()
        end: e.Event
        match how:
            case "accepted":
                end = e.OfferAccepted(item=item.id, offer=offer, agent=ANA)
            case "declined":
                end = e.OfferDeclined(item=item.id, offer=offer, agent=ANA, reason="busy")
            case "missed":
                end = e.OfferMissed(item=item.id, offer=offer, agent=ANA)
            case _:
                end = e.OfferWithdrawn(item=item.id, offer=offer, agent=ANA, reason=how)
        world.happen(end)
        (_, gone), *rest = world.seen()
        assert isinstance(gone, OfferGone)
        assert gone.reason == how
        assert len(rest) == (how == "accepted"), "an accepted item follows its offer into hand"
        ways.append((how, end))
    assert len(ways) == 4


def test_a_message_is_shown_before_the_item_that_counts_it() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    said = world.hear(item, "And my invoice?")
    (_, message), (_, header) = world.seen()
    assert isinstance(message, MessageFrame)
    assert message.message == said
    assert isinstance(header, ItemFrame)
    assert (header.item.preview, header.item.case.last_seq) == ("And my invoice?", 2)
    assert header.capacity is UNSET


def test_a_message_to_a_parked_item_reaches_who_parked_it() -> None:
    world = Watched()
    item = world.give("ana")
    world.happen(e.ItemHeld(item=item.id, reason="waiting for the customer"))
    world.seen()
    world.hear(item, "Here is the number.")
    assert {agent for agent, _ in world.seen()} == {ANA}


def test_an_offered_item_shows_no_conversation() -> None:
    world = Watched()
    item = world.arrive()
    world.offer(item, "ana")
    world.seen()
    world.hear(item, "Hurry.")
    ((_, frame),) = world.seen()
    assert isinstance(frame, ItemFrame)
    assert frame.item.state is ItemState.OFFERED


def test_a_reassigned_item_leaves_one_agent_and_comes_to_the_other() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    world.happen(e.ItemAssigned(item=item.id, agent=BEN, by="boss", reason="so"))
    (loser, gone), (winner, here) = world.seen()
    assert (loser, winner) == (ANA, BEN)
    assert isinstance(gone, ItemFrame)
    assert isinstance(here, ItemFrame)
    assert (gone.gone, here.gone) == (True, False)
    assert gone.capacity is not UNSET
    assert here.capacity is not UNSET
    assert (gone.capacity.used, here.capacity.used) == (0, 50)


def test_an_item_that_goes_straight_from_hand_into_an_offer_is_shown_once() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    offer = Offer(id=OfferId("o1"), agent=ANA, made_at=START, deadline=START, reason="yours again")
    offered = replace(item, state=ItemState.OFFERED, agent=None, offer=offer)
    event = e.OfferMade(item=item.id, offer=offer)
    frames = project(e.Entry(Position(1, 999), START, event, (offered,)), world.mirror)
    assert [type(frame) for _, frame in frames] == [ItemFrame, OfferFrame]
    assert isinstance(frames[0][1], ItemFrame)
    assert frames[0][1].gone


def test_a_transferred_item_is_gone_from_who_gave_it_away() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    world.happen(e.ItemQueued(item=item.id, queue=QUEUE, reason="transferred"))
    ((agent, frame),) = world.seen()
    assert agent == ANA
    assert isinstance(frame, ItemFrame)
    assert frame.gone


def test_a_completed_item_is_gone_and_forgotten() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    world.happen(e.ItemCompleted(item=item.id, agent=ANA, code="done"))
    frames = [frame for _, frame in world.seen()]
    assert [f.gone for f in frames if isinstance(f, ItemFrame)] == [True]
    assert world.mirror.items == {}
    assert list(world.mirror.in_hand(ANA)) == []


def test_a_changed_case_shows_on_its_items() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    world.happen(e.CaseChanged(case=item.case, by="ana", tags=("vip",)))
    ((_, frame),) = world.seen()
    assert isinstance(frame, ItemFrame)
    assert frame.item.case.tags == ("vip",)


def test_a_case_change_that_no_desktop_shows_is_no_frame() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    case = world.state.cases[item.case]
    world.state.cases[item.case] = replace(case, joined_because="other")
    world.happen(e.CaseChanged(case=item.case, by="ana", subject=case.subject))
    assert world.seen() == []


def test_a_delivery_shows_with_its_reason() -> None:
    world = Watched()
    item = world.give("ana")
    said = world.hear(item, "hm")
    world.seen()
    world.happen(
        e.DeliveryChanged(
            message=said.id, case=item.case, state=Delivery.FAILED, reason="mailbox full"
        )
    )
    ((_, frame),) = world.seen()
    assert isinstance(frame, DeliveryFrame)
    assert (frame.item, frame.state, frame.reason) == (item.id, Delivery.FAILED, "mailbox full")


def test_presence_is_shown_to_the_agent() -> None:
    world = Watched()
    world.happen(e.AgentStateChanged(agent=ANA, presence=Presence.READY))
    ((agent, frame),) = world.seen()
    assert agent == ANA
    assert isinstance(frame, StateFrame)
    assert frame.state is Presence.READY


def test_a_new_profile_that_changes_the_cost_of_work_in_hand_is_told() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    profile = AgentProfile(name=ANA, display_name="Ana", capacity={ChannelKind.EMAIL: 4})
    world.happen(e.AgentDefined(profile=profile, by="admin"))
    ((_, frame),) = world.seen()
    assert isinstance(frame, ItemFrame)
    assert frame.item.id == item.id
    assert frame.capacity is not UNSET
    assert frame.capacity.used == 25


def test_idle_cases_are_kept_for_a_while_and_not_for_ever() -> None:
    world = Watched()
    item = world.give("ana")
    world.happen(e.ItemCompleted(item=item.id, agent=ANA))
    world.seen()
    assert item.case in world.mirror.cases
    case = world.state.cases[item.case]
    for number in range(5_000):
        other = replace(case, id=CaseId(f"case{number}"))
        world.happen(e.CaseOpened(case=other))
    world.seen()
    assert item.case not in world.mirror.cases
    assert len(world.mirror.cases) <= 4_096


def test_an_entry_names_everyone_it_concerns() -> None:
    world = Watched()
    item = world.give("ana")
    world.seen()
    world.happen(e.ItemAssigned(item=item.id, agent=BEN, by="boss", reason="so"))
    assert BEN in concerned(world.pending[-1])


def test_what_is_kept_back_in_a_matter_that_the_mirror_has_forgotten_can_be_shown() -> None:
    house = House(agent("ana"))
    hold = Rule(name=RuleName("odd"), then=Then(hold="look at it"), when=When(words=("odd",)))
    house.record([e.Change(e.RuleDefined(rule=hold, by="test"))])
    house.sign_in("ana")
    house.arrive(mail("m1"))
    item = house.accept("ana")
    case = house.state.cases[item.case]
    house.complete("ana", item.id)
    before, mirror = len(house.entries), Mirror()
    house.arrive(mail("m2", body="That is odd"), referenced=case, reference="m1@example.org")
    frames = [frame for entry in house.entries[before:] for frame in project(entry, mirror)]
    assert {agent for agent, _ in frames} == {"ana"}
