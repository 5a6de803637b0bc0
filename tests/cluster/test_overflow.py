"""Waiting items go where somebody is free: by request and grant, over a store in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.cluster.overflow import DESERTED_SECONDS
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.core.inbound import Claim
from gateway.core.model import AgentProfile, ChannelKind, Item, ItemState
from gateway.core.overflow import APART_SECONDS, Granted, wanted
from gateway.core.reservation import SECONDS
from gateway.core.routing.need import need_of
from tests.support.builders import GENERAL, agent, mail, queue, task
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.virtual import run

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")
ANA, BOB, ZED = AgentName("ana"), AgentName("bob"), AgentName("zed")
Story = Callable[..., Awaitable[None]]


def play(
    story: Story,
    *,
    after: float | None = 0.0,
    nodes: tuple[NodeName, ...] = (A, B),
    profiles: tuple[AgentProfile, ...] = (agent(ANA), agent(BOB)),
    serving: Any = None,
) -> None:
    """Nodes that know each other; the queue lets its items go ``after`` so many seconds."""

    async def all_nodes(begun: list[Running]) -> None:
        if len(begun) < len(nodes):
            async with running(tables, nodes[len(begun)], serving=serving or {}) as one:
                await all_nodes([*begun, one])
            return
        await until(lambda: all(len(one.figures.others()) == len(nodes) - 1 for one in begun))
        await story(*begun)
        assert all(one.node.reconciler.repaired == 0 for one in begun)
        placed = [i for one in begun for i in one.node.ledger.state.items]
        assert len(placed) == len(set(placed)), "an item at two nodes"

    tables = a_house(new_tables(), *profiles)
    tables.queues[GENERAL] = queue(overflow_after=after)
    run(all_nodes([]))


async def filed(one: Running, *titles: str, **fields: Any) -> None:
    await one.node.intake.receive([task(t, subject=t, **fields) for t in titles])


async def at_lunch(one: Running, name: AgentName = ANA) -> None:
    """Somebody works here, and takes nothing just now."""
    await one.sign_in(name)
    await one.act(name, c.State(id=one.command(), state="not_ready", reason="lunch"))


def offered(one: Running, title: str) -> AgentName | None:
    item = one.items.get(title)
    return item.offer.agent if item is not None and item.offer is not None else None


def events(one: Running, kind: type[Any]) -> list[Any]:
    mine = [x.event for (node, _), x in one.tables.journal.items() if node == one.name]
    return [event for event in mine if type(event) is kind]


def knows_of_somebody(one: Running) -> Callable[[], bool]:
    return lambda: any(other.capacity.agents.ready for other in one.figures.others())


def test_in_one_pool_an_item_is_offered_where_somebody_is_free() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "t", priority=3)
        await until(lambda: "t" in one.items or "t" in two.items)
        came = (one.items.get("t") or two.items["t"]).queued_at
        await until(lambda: offered(two, "t") == BOB, 3.0)
        item = two.items["t"]
        assert (item.owner, item.priority, item.queued_at) == (B, 3, came)
        assert item.moved_at is not None
        assert item.offer is not None
        assert item.offer.reason.startswith("was kept free for it")
        assert "t" not in one.items
        [adopted] = events(two, e.ItemAdopted)
        assert "; here bob is" in adopted.reason
        assert two.node.ledger.state.reserved == {}

    play(story)


def test_an_item_waits_at_its_node_as_long_as_the_rule_says() -> None:
    async def story(one: Running, two: Running) -> None:
        await at_lunch(one)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "t")
        await until(lambda: "t" in one.items)
        await asyncio.sleep(4.0)
        assert one.items["t"].state is ItemState.QUEUED
        assert one.overflow.why(one.items["t"]) == "it may go to another node in 6 s"
        await asyncio.sleep(5.5)
        assert "t" in one.items
        await until(lambda: offered(two, "t") == BOB, 4.0)
        item = two.items["t"]
        assert item.moved_at is not None
        assert item.queued_at is not None
        assert (item.moved_at - item.queued_at).total_seconds() >= 10.0

    play(story, after=10.0)


def test_a_queue_without_a_rule_keeps_its_items_where_somebody_works() -> None:
    async def story(one: Running, two: Running) -> None:
        await at_lunch(one)
        await two.sign_in(BOB)
        await filed(one, "t")
        await until(lambda: "t" in one.items)
        await asyncio.sleep(300)
        assert one.overflow.asked == 0
        assert "keeps its items at their node" in one.overflow.why(one.items["t"])

    play(story, after=None)


def test_what_comes_to_a_node_where_nobody_works_goes_where_somebody_does() -> None:
    async def story(one: Running, two: Running) -> None:
        await filed(one, "t", priority=3)
        await until(lambda: "t" in one.items)
        await asyncio.sleep(60)
        assert one.items["t"].state is ItemState.QUEUED
        assert "nobody who could ever get it is signed in" in one.overflow.why(one.items["t"])
        came = one.items["t"].queued_at
        await two.sign_in(BOB)
        await until(lambda: offered(two, "t") == BOB, 4.0)
        assert (two.items["t"].queued_at, two.items["t"].priority) == (came, 3)
        await filed(one, "u")
        await until(lambda: offered(two, "u") == BOB, 2.5)

    play(story, after=None)


@pytest.mark.parametrize("after", [None, 600.0])
def test_it_waits_there_in_its_place_if_all_are_busy(after: float | None) -> None:
    async def story(one: Running, two: Running) -> None:
        await at_lunch(two, BOB)
        await until(lambda: one.figures.others()[0].capacity.crew)
        await filed(one, "first")
        await until(lambda: "first" in two.items, 4.0)
        await filed(two, "second")
        await until(lambda: "second" in two.items)
        [adopted] = events(two, e.ItemAdopted)
        assert adopted.reason.endswith("signed in there; here somebody is")
        assert two.node.ledger.state.reserved == {}
        await two.act(BOB, c.State(id=two.command(), state="ready"))
        made = events(two, e.OfferMade)
        assert [two.tables.items[m.item].subject for m in made] == ["first", "second"]
        await asyncio.sleep(30)
        assert len(events(two, e.ItemHandedOver)) == 0

    play(story, after=after)


@pytest.mark.parametrize("free", [True, False])
def test_of_two_who_are_elsewhere_it_goes_to_who_had_the_case_last_if_free(
    free: bool,
) -> None:
    async def story(one: Running, two: Running, three: Running) -> None:
        await one.sign_in(ZED)
        await one.node.intake.receive([mail("m1", subject="m1")])
        await until(lambda: offered(one, "m1") == ZED)
        offer = one.items["m1"].offer
        assert offer is not None
        await one.act(ZED, c.Accept(id=one.command(), offer=offer.id))
        await one.act(ZED, c.Wrapup(id=one.command(), item=one.items["m1"].id, code="done"))
        await one.act(ZED, c.State(id=one.command(), state="not_ready"))
        epoch = one.tables.fences[C]
        await one.handover.hand_over(agents=[ZED], to=C, to_epoch=epoch, reason="moves")
        await until(lambda: three.node.ledger.state.is_home_of(ZED))
        three.node.desk.attach(ZED, "tab")
        if free:
            await three.act(ZED, c.State(id=three.command(), state="ready"))
        await at_lunch(one)
        await two.sign_in(BOB)
        await until(lambda: sum(bool(o.capacity.spare) for o in one.figures.others()) == 1 + free)
        again = mail("m2", subject="m2", references=("m1@example.org",))
        await one.node.intake.receive([again])
        who, where = (ZED, three) if free else (BOB, two)
        await until(lambda: who in [offered(where, title) for title in where.items], 5.0)
        (item,) = where.items.values()
        assert item.last_agent == ZED

    play(story, nodes=(A, B, C), profiles=(agent(ANA), agent(BOB), agent(ZED)))


def test_a_desktop_that_is_gone_for_a_moment_is_waited_for() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        one.node.desk.detach(ANA, "tab", "reconnects")
        await filed(one, "t")
        await asyncio.sleep(DESERTED_SECONDS - 5)
        assert one.overflow.asked == 0
        await until(lambda: offered(two, "t") == BOB, 10.0)

    play(story, after=None)


def test_only_those_count_who_could_ever_get_it() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "t", skills={"hu": 2, "billing": 1})
        await until(lambda: offered(two, "t") == BOB, 4.0)

    ana, bob = agent(ANA, hu=2), agent(BOB, hu=3, billing=1)
    play(story, after=None, profiles=(ana, bob))


def test_who_seems_to_fit_and_does_not_is_sent_nothing() -> None:
    """Two who have a half each: the figures alone cannot tell them from one who has both."""

    async def story(one: Running, two: Running) -> None:
        await two.sign_in(ANA)
        await two.sign_in(BOB)
        await until(lambda: one.figures.others() and one.figures.others()[0].capacity.crew)
        await filed(one, "t", skills={"hu": 2, "billing": 1})
        await until(lambda: one.overflow.asked > 0)
        await asyncio.sleep(10)
        assert one.items["t"].state is ItemState.QUEUED

    play(story, after=None, profiles=(agent(ANA, hu=2), agent(BOB, billing=1)))


def test_nobody_is_asked_while_somebody_here_can_take_it() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await two.sign_in(BOB)
        await asyncio.sleep(3)
        await filed(one, "t")
        await until(lambda: offered(one, "t") == ANA)
        await asyncio.sleep(3)
        assert one.overflow.asked == 0

    play(story)


def test_no_grant_no_move() -> None:
    """What was published is a second old: whoever is asked in vain says so, and all stays."""

    async def story(one: Running, two: Running) -> None:
        await at_lunch(one)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        two.node.desk.detach(BOB, "tab", "gone")
        await filed(one, "t")
        await until(lambda: one.overflow.asked == 1)
        await until(lambda: "was asked" in one.overflow.why(one.items["t"]), 3.0)
        assert "nobody who fits (no particular skill) is free here" in one.overflow.why(
            one.items["t"]
        )
        await asyncio.sleep(20)
        assert one.items["t"].state is ItemState.QUEUED
        assert (two.overflow.granted, one.overflow.moved) == (0, 0)
        assert "nobody who fits is free at n2 either" in one.overflow.why(one.items["t"])

    play(story)


def test_a_kept_agent_gets_nothing_else_and_is_free_again_when_the_item_does_not_come() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        item = Item(
            id=two.tables.new_id(), case=two.tables.new_id(), number=9, channel="office",  # type: ignore[arg-type]
            kind="task", queue=GENERAL, state=ItemState.QUEUED, version=1, owner=A,  # type: ignore[arg-type]
            created_at=two.node.ledger.clock.now(),
        )  # fmt: skip
        question = wanted(item, need_of(two.node.ledger.state, item))
        granted = await one.asking.ask(B, "overflow", question, Granted)
        again = await one.asking.ask(B, "overflow", question, Granted)
        assert (granted.agent, granted.epoch) == (BOB, 1)
        assert again == granted, "asked twice, kept once"
        assert two.overflow.granted == 1
        await filed(two, "own")
        await until(lambda: "own" in two.items)
        await until(lambda: offered(two, "own") == BOB, SECONDS + 1)
        at = {type(x.event): x.at for x in two.tables.journal.values()}
        kept = (at[e.OfferMade] - at[e.AgentReserved]).total_seconds()
        assert SECONDS <= kept < SECONDS + 0.1
        [ended] = events(two, e.ReservationEnded)
        assert ended.reason == "the item did not come in time"

    play(story, after=None)


def test_two_nodes_that_count_on_the_same_agent_bring_one_item() -> None:
    async def story(one: Running, two: Running, three: Running) -> None:
        await at_lunch(one)
        await at_lunch(two, ZED)
        await three.sign_in(BOB)
        for node in (one, two):
            await until(knows_of_somebody(node))
        await asyncio.gather(filed(one, "a1", "a2", "a3"), filed(two, "b1", "b2", "b3"))
        await until(lambda: len(three.items) >= 2)
        await asyncio.sleep(5)
        # Two tasks are what one agent can carry; nothing was sent to wait there.
        assert len(three.items) == 2
        assert all(item.state is ItemState.OFFERED for item in three.items.values())
        assert len(one.items) + len(two.items) == 4

    play(story, nodes=(A, B, C), profiles=(agent(ANA), agent(BOB), agent(ZED)))


def test_an_item_moves_at_most_once_in_ten_seconds() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "t")
        await until(lambda: offered(two, "t") == BOB)
        came = two.items["t"].moved_at
        assert came is not None
        await one.sign_in(ANA)
        offer = two.items["t"].offer
        assert offer is not None
        await two.act(BOB, c.Decline(id=two.command(), offer=offer.id))
        two.node.desk.detach(BOB, "tab", "gone")
        await asyncio.sleep(3)
        assert "it has just come from another node" in two.overflow.why(two.items["t"])
        await until(lambda: offered(one, "t") == ANA, 15.0)
        moved = one.items["t"].moved_at
        assert moved is not None
        assert (moved - came).total_seconds() >= APART_SECONDS
        assert [p.agent for p in one.items["t"].passed] == [BOB], "and it is known who declined"

    play(story)


def test_what_works_for_the_same_customer_here_keeps_it_here_and_the_reason_is_told() -> None:
    eva = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)

    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await filed(one, "first", identity=eva)
        await until(lambda: offered(one, "first") == ANA)
        offer = one.items["first"].offer
        assert offer is not None
        await one.act(ANA, c.Accept(id=one.command(), offer=offer.id))
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "second", identity=eva)
        await filed(one, "other")
        await until(lambda: offered(two, "other") == BOB)
        assert one.items["second"].state is ItemState.QUEUED
        why = one.overflow.why(one.items["second"])
        assert why.startswith("it stays at this node: ana works for the same customer, on #1")
        await one.act(ANA, c.Wrapup(id=one.command(), item=one.items["first"].id))
        await until(lambda: offered(two, "second") == BOB)

    play(story)


def test_what_is_offered_here_for_the_same_customer_is_not_taken_back_for_another() -> None:
    eva = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)

    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        await filed(one, "first", identity=eva)
        await until(lambda: offered(one, "first") == ANA)
        await filed(one, "second", identity=eva)
        await until(lambda: "second" in one.items)
        await asyncio.sleep(3)
        assert offered(one, "first") == ANA
        assert "of the same customer is offered to ana" in one.overflow.why(one.items["second"])

    limited = replace(agent(ANA), capacity={ChannelKind.TASK: 1})
    play(story, profiles=(limited, agent(BOB)))


def test_the_most_urgent_goes_first_when_one_is_free() -> None:
    async def story(one: Running, two: Running) -> None:
        await filed(one, "old")
        await until(lambda: "old" in one.items)
        await filed(one, "urgent", priority=50)
        await until(lambda: "urgent" in one.items)
        await two.sign_in(BOB)
        await until(lambda: two.items, 6.0)
        assert "urgent" in two.items

    play(story, profiles=(agent(ANA), replace(agent(BOB), capacity={ChannelKind.TASK: 1})))


def test_a_node_that_leaves_takes_nothing() -> None:
    async def story(one: Running, two: Running) -> None:
        await at_lunch(one)
        await two.sign_in(BOB)
        await until(knows_of_somebody(one))
        two.overflow._accepts = lambda: False
        await filed(one, "t")
        await until(lambda: one.overflow.asked == 1)
        await asyncio.sleep(3)
        assert "this node is leaving" in one.overflow.why(one.items["t"])
        two.card = replace(two.card, state="leaving")
        await asyncio.sleep(3)
        assert one.overflow.why(one.items["t"]).endswith("there is no other node")

    play(story)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_through_faults_each_item_ends_offered_at_one_place(share: float) -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        for node in (one, two):
            node.store.faults.unavailable = node.store.faults.unknown = share
            node.store.faults.delayed, node.store.faults.slow = 0.3, 0.5
        for turn in range(6):
            await filed_somehow(one, f"t{turn}")
            await asyncio.sleep(1.0)
        await asyncio.sleep(20)
        for node in (one, two):
            node.store.faults.unavailable = node.store.faults.unknown = 0.0
            node.store.faults.delayed = 0.0
        await until(lambda: len(one.items) + len(two.items) == 6)
        await until(lambda: sum(i.offer is not None for i in two.items.values()) > 0, 180.0)

    play(story)


async def filed_somehow(one: Running, title: str) -> None:
    """As a channel does it: until it is taken."""
    while True:
        try:
            return await filed(one, title)
        except Refused:
            await asyncio.sleep(0.1)
