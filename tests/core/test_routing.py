"""Who is offered what, and why."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, SkillName
from gateway.core.model import ChannelKind, CustomerBrief, Item, ItemState
from gateway.core.routing.explain import explain
from gateway.core.times import PASS_SECONDS
from tests.support.builders import SITE, START, House, agent, hands_id, needs, queue


def test_a_language_is_met_by_whoever_speaks_it() -> None:
    house = House(agent("ana", de=1), agent("bob", fr=1))
    house.sign_in("ana", "bob")
    item = house.new_item(requirement=needs(fr=1))
    assert house.offered() == {item.id: "bob"}


def test_a_level_must_be_reached() -> None:
    house = House(agent("ana", billing=2), agent("bob", billing=4))
    house.sign_in("ana", "bob")
    item = house.new_item(requirement=needs(billing=3))
    assert house.offered() == {item.id: "bob"}


def test_a_queue_asks_for_skills_too_and_the_higher_level_counts() -> None:
    house = House(
        agent("ana", billing=2),
        agent("bob", billing=4),
        queues=[queue(skills={SkillName("billing"): 3})],
    )
    house.sign_in("ana", "bob")
    item = house.new_item(requirement=needs(billing=1))
    assert house.offered() == {item.id: "bob"}


def test_an_item_stays_in_its_queue() -> None:
    house = House(
        agent("ana", queues=["sales"]),
        agent("bob", queues=["general"]),
        queues=[queue("general"), queue("sales")],
    )
    house.sign_in("ana", "bob")
    item = house.new_item()
    assert house.offered() == {item.id: "bob"}


def test_the_only_speaker_of_a_language_is_kept_for_it() -> None:
    house = House(agent("ana", hu=1, en=1), agent("bob", en=1), agent("cid", en=1))
    house.sign_in("ana")
    house.clock.seconds = 1000
    house.sign_in("bob", "cid")
    item = house.new_item(requirement=needs(en=1))
    assert house.offered()[item.id] in ("bob", "cid"), "though ana has been idle longest"


def test_among_equals_the_longest_idle_is_chosen() -> None:
    house = House(agent("ana"), agent("bob"), agent("cid"))
    for name in ("bob", "cid", "ana"):
        house.clock.seconds += 10
        house.sign_in(name)
    items = [house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE) for _ in range(4)]
    assert [house.offered()[i.id] for i in items] == ["bob", "cid", "ana", "bob"]
    assert house.offers[-1].reason.endswith("first in line among the best fits (1 in hand)")


def test_a_chat_goes_to_who_has_no_mail_in_hand_even_if_that_one_is_worth_more() -> None:
    house = House(agent("ana", en=1), agent("bob", en=1, hu=1))
    house.sign_in("ana")
    mail = house.new_item(requirement=needs(en=1))
    house.accept("ana")
    house.clock.seconds += 10
    house.sign_in("bob")
    chat = house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE, requirement=needs(en=1))
    assert house.offered()[chat.id] == "bob", f"{mail.id} would have to wait"


def test_the_second_chat_goes_to_who_has_the_first_so_that_a_call_finds_somebody() -> None:
    house = House(agent("ana", en=1), agent("bob", en=1, hu=1))
    house.sign_in("ana", "bob")
    chats = [
        house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE, requirement=needs(en=1))
        for _ in range(2)
    ]
    call = house.new_item(kind=ChannelKind.VOICE, requirement=needs(en=1))
    assert {house.offered()[chat.id] for chat in chats} == {"ana"}
    assert house.offered()[call.id] == "bob"


def test_a_mail_goes_to_who_can_begin_it_and_not_to_who_has_a_chat_in_hand() -> None:
    house = House(agent("ana", en=1), agent("bob", en=1, hu=1, ja=1))
    house.sign_in("ana", "bob")
    house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE, requirement=needs(en=1))
    mail = house.new_item(requirement=needs(en=1))
    assert house.offered()[mail.id] == "bob", "though ana is worth less"


def test_who_has_just_finished_comes_after_who_waits_longer() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    house.clock.seconds = 100
    first = house.new_item()
    house.accept("ana")
    house.sign_in("bob")
    house.clock.seconds = 500
    house.settles = False
    house.complete("ana", first.id)
    second = house.new_item()
    house.settle()
    assert house.offered() == {second.id: "bob"}, "idle since 100, ana only since 500"


def test_the_longer_idle_wins_also_when_item_and_agent_come_in_one_settling() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("bob")
    house.clock.seconds = 500
    house.settles = False
    house.sign_in("ana")
    item = house.new_item()
    house.settle()
    assert house.offered() == {item.id: "bob"}


def test_the_most_urgent_item_goes_first() -> None:
    house = House(agent("ana"))
    low = house.new_item()
    high = house.new_item(priority=10)
    house.sign_in("ana")
    assert [m.item for m in house.offers] == [high.id, low.id]


def test_waiting_a_minute_is_worth_a_point() -> None:
    house = House(agent("ana"))
    old = house.new_item()
    house.clock.seconds += 61
    young = house.new_item(priority=1)
    house.sign_in("ana")
    assert [m.item for m in house.offers] == [old.id, young.id]


def test_a_valued_customer_counts_as_points() -> None:
    house = House(agent("ana"))
    plain = house.new_item()
    valued = house.new_item(customer=CustomerBrief(id=hands_id("c1"), value=5))
    house.sign_in("ana")
    assert [m.item for m in house.offers] == [valued.id, plain.id]


def test_what_is_due_soon_overtakes() -> None:
    house = House(agent("ana"))
    plain = house.new_item()
    due = house.new_item(due_at=START + timedelta(seconds=600))
    house.sign_in("ana")
    assert [m.item for m in house.offers] == [due.id, plain.id]


def test_the_last_agent_is_asked_first() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    house.clock.seconds = 100
    house.sign_in("bob")
    item = house.new_item(last_agent=AgentName("bob"))
    assert house.offered() == {item.id: "bob"}
    assert house.offers[-1].reason == "had this case last"


@pytest.mark.parametrize("kind", [ChannelKind.VOICE, ChannelKind.EMAIL])
def test_whoever_gives_way_to_a_matter_of_that_agents_goes_to_somebody_else(
    kind: ChannelKind,
) -> None:
    """Both come at once, and the longer idle is the best for the first, but knows the second."""
    house = House(agent("ana"), agent("bob"))
    first = house.new_item(kind=kind)
    hers = house.new_item(kind=kind, last_agent=AgentName("ana"))
    house.settles = False
    house.sign_in("ana", "bob")
    house.settle()
    assert house.offered() == {first.id: "bob", hers.id: "ana"}


def test_of_two_matters_of_one_agent_the_more_urgent_is_kept_and_the_other_awaited() -> None:
    house = House(agent("ana"), agent("bob"))
    known = {"kind": ChannelKind.VOICE, "last_agent": AgentName("ana")}
    first, second = house.new_item(**known), house.new_item(**known)
    house.settles = False
    house.sign_in("ana", "bob")
    house.settles = True
    house.settle()
    assert house.offered() == {first.id: "ana"}
    house.accept("ana")
    house.pass_time(31)
    assert house.offered() == {second.id: "bob"}


def busy(house: House, name: str) -> Item:
    """Give ``name`` a call's worth of chats, so that nothing more fits."""
    taken = []
    for _ in range(2):
        house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE, requirement=needs(**{name: 1}))
        taken.append(house.accept(name))
    return taken[-1]


def test_the_last_agent_is_awaited_while_busy_and_then_no_longer() -> None:
    house = House(agent("ana", ana=1), agent("bob"))
    house.sign_in("ana")
    busy(house, "ana")
    house.sign_in("bob")
    item = house.new_item(last_agent=AgentName("ana"))
    house.pass_time(29)
    assert house.offered() == {}
    house.pass_time(2)
    assert house.offered() == {item.id: "bob"}


def test_the_last_agent_who_becomes_free_in_time_gets_it() -> None:
    house = House(agent("ana", ana=1), agent("bob"))
    house.sign_in("ana")
    taken = busy(house, "ana")
    house.sign_in("bob")
    item = house.new_item(last_agent=AgentName("ana"))
    house.pass_time(10)
    house.complete("ana", taken.id)
    assert house.offered() == {item.id: "ana"}


def test_nobody_waits_for_a_last_agent_who_leaves() -> None:
    house = House(agent("ana", ana=1), agent("bob"))
    house.sign_in("ana")
    busy(house, "ana")
    house.sign_in("bob")
    item = house.new_item(last_agent=AgentName("ana"))
    assert house.offered() == {}
    house.say("ana", c.State(id=house.command(), state="not_ready"))
    assert house.offered() == {item.id: "bob"}


def test_an_item_that_was_kept_for_its_last_agent_is_looked_at_again() -> None:
    """First nobody is there, then the last agent is, and busy, then another one comes."""
    house = House(agent("ana", ana=1), agent("bob"))
    item = house.new_item(last_agent=AgentName("ana"))
    house.settles = False
    for _ in range(2):
        house.new_item(kind=ChannelKind.WEBCHAT, channel=SITE, requirement=needs(ana=1), priority=9)
    house.settles = True
    house.sign_in("ana")
    assert item.id not in house.offered(), "two chats came first and ana is full"
    house.sign_in("bob")
    assert item.id not in house.offered(), "kept for ana"
    house.pass_time(31)
    assert house.offered()[item.id] == "bob"


def test_a_declined_item_goes_to_another_at_once() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    item = house.new_item()
    house.sign_in("bob")
    house.decline("ana")
    assert house.offered() == {item.id: "bob"}


def test_the_only_agent_is_asked_again_after_a_while() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    item = house.new_item()
    house.decline("ana")
    assert house.offered() == {}
    house.pass_time(PASS_SECONDS - 1)
    assert house.offered() == {}
    house.pass_time(2)
    assert house.offered() == {item.id: "ana"}


def test_who_missed_an_offer_and_comes_back_is_asked_again_after_a_while() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    item = house.new_item()
    house.pass_time(120)
    assert not house.is_ready("ana")
    house.pass_time(5)
    house.say("ana", c.State(id=house.command(), state="ready"))
    assert house.offered() == {}, "it was let go by five seconds ago"
    house.pass_time(PASS_SECONDS)
    assert house.offered() == {item.id: "ana"}


def test_a_look_that_comes_too_late_harms_nobody() -> None:
    """The item was taken meanwhile: it does not wait any more."""
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    item = house.new_item()
    house.decline("ana")
    house.sign_in("bob")
    house.accept("bob")
    house.pass_time(PASS_SECONDS + 5)
    assert house.state.items[item.id].state is ItemState.ASSIGNED


def test_looking_again_is_planned_for_when_something_ends() -> None:
    """Not each second because somebody else let it go by long ago."""
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    house.new_item()
    house.decline("ana")
    house.say("ana", c.State(id=house.command(), state="not_ready"))
    house.pass_time(PASS_SECONDS + 20)
    house.waits.clear()
    house.sign_in("bob")
    house.decline("bob")
    (wait,) = house.waits
    assert wait.at == house.clock.now() + timedelta(seconds=PASS_SECONDS)


def test_what_an_agent_transfers_to_a_queue_does_not_come_back_at_once() -> None:
    house = House(agent("ana"), agent("bob"), queues=[queue("general"), queue("sales")])
    house.sign_in("ana")
    item = house.new_item()
    house.accept("ana")
    house.say("ana", c.Transfer(id=house.command(), item=item.id, queue=queue("sales").name))
    assert house.offered() == {}
    house.sign_in("bob")
    assert house.offered() == {item.id: "bob"}


def test_a_transferred_item_may_come_back_if_there_is_nobody_else() -> None:
    house = House(agent("ana"), queues=[queue("general"), queue("sales")])
    house.sign_in("ana")
    item = house.new_item()
    house.accept("ana")
    house.say("ana", c.Transfer(id=house.command(), item=item.id, queue=queue("sales").name))
    house.pass_time(PASS_SECONDS + 1)
    assert house.offered() == {item.id: "ana"}


def test_work_is_shared_fairly() -> None:
    names = ["ana", "bob", "cid", "dan"]
    house = House(*map(agent, names))
    for name in names:
        house.clock.seconds += 1
        house.sign_in(name)
    took = dict.fromkeys(names, 0)
    for _ in range(80):
        house.clock.seconds += 5
        item = house.new_item()
        who = house.offered()[item.id]
        house.accept(who)
        house.clock.seconds += 5
        house.complete(who, item.id)
        took[who] += 1
    assert set(took.values()) == {20}


def test_the_reason_says_what_spoke_for_the_agent() -> None:
    house = House(agent("ana", de=2, billing=1))
    house.sign_in("ana")
    house.clock.seconds = 42
    house.new_item(requirement=needs(de=2))
    assert house.offers[-1].reason == "has de 2; idle longest among the best fits (42 s)"


@pytest.mark.parametrize(
    ("prepare", "cause"),
    [
        ("offline", "1 is not connected (ana)"),
        ("not_ready", "1 is not ready (lunch) (ana)"),
        ("busy", "1 has no capacity left (ana)"),
        ("declined", "1 declined it 0 s ago (ana)"),
        ("unskilled", "1 lacks fr (ana)"),
        ("low", "1 lacks de 3 (ana)"),
        ("elsewhere", "1 is not in queue 'general' (ana)"),
        ("none_of_it", "1 takes no email (ana)"),
    ],
)
def test_explain_names_the_cause(prepare: str, cause: str) -> None:
    profile = agent("ana", de=2, ana=1)
    wanted = needs()
    if prepare == "unskilled":
        wanted = needs(fr=1)
    if prepare == "low":
        wanted = needs(de=3)
    if prepare == "elsewhere":
        profile = agent("ana", queues=["sales"])
    if prepare == "none_of_it":
        profile = agent("ana")
        profile.capacity[ChannelKind.EMAIL] = 0
    house = House(profile)
    if prepare != "offline":
        house.sign_in("ana", ready=prepare != "not_ready")
    if prepare == "not_ready":
        house.say("ana", c.State(id=house.command(), state="not_ready", reason="lunch"))
    if prepare == "busy":
        for _ in range(2):
            house.new_item()
            house.accept("ana")
    item = house.new_item(requirement=wanted)
    if prepare == "declined":
        house.decline("ana")
    assert cause in explain(house.state, house.state.items[item.id], house.clock.now())


def test_explain_says_that_there_is_nobody() -> None:
    house = House()
    item = house.new_item()
    said = explain(house.state, item, house.clock.now())
    assert said == "needs no particular skill; there are no agents"


def test_a_new_profile_is_considered_for_what_waits() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    item = house.new_item(requirement=needs(fr=1))
    assert house.offered() == {}
    house.record([e.Change(e.AgentDefined(profile=agent("ana", fr=1), by="test"))])
    assert house.offered() == {item.id: "ana"}


def test_an_agent_who_is_removed_is_offered_nothing() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    house.record([e.Change(e.AgentRemoved(agent=AgentName("ana"), by="test"))])
    house.new_item()
    assert house.offered() == {}


def test_what_a_removed_agent_had_in_hand_goes_back() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    first = house.new_item()
    house.accept("ana")
    second = house.new_item()
    third = house.new_item()
    house.say("ana", c.Park(id=house.command(), item=first.id))
    house.accept("ana") if len(house.offered_to("ana")) == 1 else None
    house.record([e.Change(e.AgentRemoved(agent=AgentName("ana"), by="test"))])
    house.sign_in("bob")
    assert house.state.in_hand(AgentName("ana")) == []
    assert {second.id, third.id} <= house.offered().keys()


def test_what_a_removed_agent_put_aside_is_anybodys_when_it_wakes() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    item = house.new_item()
    house.accept("ana")
    until = house.clock.now() + timedelta(hours=1)
    house.say("ana", c.Park(id=house.command(), item=item.id, until=until))
    house.record([e.Change(e.AgentRemoved(agent=AgentName("ana"), by="test"))])
    house.sign_in("bob")
    house.pass_time(3601)
    assert house.offered() == {item.id: "bob"}


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 5)), min_size=1, max_size=12),
    st.booleans(),
)
def test_whoever_comes_first_nothing_waits_beside_who_could_take_it(
    crew: list[tuple[int, int]], work: list[tuple[int, int]], agents_first: bool
) -> None:
    skills = ["de", "fr", "hu"]
    profiles = [
        agent(f"a{n}", dict.fromkeys(skills[: count % 4], level))
        for n, (count, level) in enumerate(crew)
    ]
    house = House(*profiles)
    house.settles = False
    names = [p.name for p in profiles]
    if agents_first:
        house.sign_in(*names)
    for skill, priority in work:
        house.new_item(requirement=needs(**{skills[skill]: 1}), priority=priority)
    if not agents_first:
        house.sign_in(*names)
    house.settle()
    for item in house.state.items.values():
        if item.state is ItemState.QUEUED:
            assert "could take it" not in explain(house.state, item, house.clock.now())


def test_several_that_wait_for_a_pass_to_end_are_settled_once() -> None:
    """They wait beside each other; looking at both must come to an end, and plan a look."""
    house = House(agent("ana"))
    house.sign_in("ana")
    items = [house.new_item(), house.new_item()]
    for one in items:
        offer = house.state.items[one.id].offer
        assert offer is not None
        house.say("ana", c.Decline(id=house.command(), offer=offer.id))
    house.waits.clear()
    house.record([e.Change(e.QueueDefined(queue=queue(priority=1), by="test"))])
    assert {wait.item for wait in house.waits} == {one.id for one in items}
    house.pass_time(PASS_SECONDS + 1)
    assert house.offered().keys() == {one.id for one in items}
