"""What is meant for somebody who is at work at another node goes there, or waits a little."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId
from gateway.core.inbound import Claim
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.store.homes import Claimed
from tests.cluster.test_overflow import ANA, BOB, A, B, C, events, offered, play
from tests.support.builders import agent, mail
from tests.support.clusternodes import Running, until

EVA = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)
MAX = Claim(kind="email", value="max@example.org", name="Max", verified=True)


async def taken(one: Running, name: AgentName, title: str, who: Claim = EVA) -> Item:
    """A mail in somebody's hands."""
    await one.node.intake.receive([mail(title, subject=title, identity=who)])
    await until(lambda: offered(one, title) == name)
    offer = one.items[title].offer
    assert offer is not None
    await one.act(name, c.Accept(id=one.command(), offer=offer.id))
    return one.items[title]


async def done(one: Running, name: AgentName, item: Item, code: str = "done") -> None:
    await one.act(name, c.Wrapup(id=one.command(), item=item.id, code=code))


async def ready(one: Running, name: AgentName, state: Any = "ready") -> None:
    await one.act(name, c.State(id=one.command(), state=state, reason="lunch"))


async def goes_to(name: AgentName, one: Running, two: Running) -> None:
    """The agent is at home at another node from now on, connected and not ready."""
    await one.act(name, c.State(id=one.command(), state="not_ready", reason="moves"))
    epoch = one.tables.fences[two.name]
    await one.handover.hand_over(agents=[name], to=two.name, to_epoch=epoch, reason="moves")
    await until(lambda: two.node.ledger.state.is_home_of(name))
    two.node.desk.attach(name, "tab")


async def claimed(one: Running, name: AgentName) -> None:
    """Who was at home nowhere is at home there."""
    ledger = one.node.ledger
    fresh = ledger.state.status(name, ledger.clock.now())
    found = await one.homes.claim(await one.node.writer.current_term(), fresh)
    assert isinstance(found, Claimed)
    ledger.record([e.Change(e.AgentClaimed(status=found.status))])


async def promised(one: Running, seconds: float) -> ItemId:
    """What ana has promised, of a mail that she has answered."""
    item = await taken(one, ANA, "m1")
    due = one.node.ledger.clock.now() + timedelta(seconds=seconds)
    said = c.MakePromise(id=one.command(), item=item.id, text="a new part", due_at=due)
    await one.act(ANA, said)
    await done(one, ANA, item)
    return one.items["m1"].id


async def parted(one: Running, two: Running) -> ItemId:
    """A promise of ana's is due at one, and waits; she is at two by now."""
    await one.sign_in(ANA)
    promise = await promised(one, 5.0)
    await ready(one, ANA, "not_ready")
    await until(lambda: one.items["m1"].state is ItemState.QUEUED)
    await goes_to(ANA, one, two)
    return promise


def only(*, code: str = "done", to: AgentName = ANA) -> Any:
    """It went to the other node, and was offered there to whom it is for."""

    async def look(one: Running, two: Running, item: ItemId) -> None:
        await until(lambda: [i.id for i in two.items.values() if i.offer is not None] == [item])
        (found,) = two.items.values()
        assert found.offer is not None
        assert (found.offer.agent, found.offer.reason) == (to, "had this case last")
        assert item not in one.node.ledger.state.items
        assert found.moved_at is not None
        (adopted,) = (x for x in events(two, e.ItemAdopted) if x.item.id == item)
        assert adopted.reason.endswith(f"{to}, for whom it is, is there")
        offer = found.offer.id
        await two.act(to, c.Accept(id=two.command(), offer=offer))
        await done(two, to, found, code)

    return look


def test_a_promise_that_is_due_goes_to_the_node_where_its_agent_is_at_work() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(BOB)
        await ready(one, BOB, "not_ready")
        promise = await parted(one, two)
        await ready(one, BOB)
        await ready(two, ANA)
        await only()(one, two, promise)
        assert [x.agent for x in events(two, e.PromiseKept)] == [ANA]
        assert events(one, e.PromiseBroken) == events(two, e.PromiseBroken) == []
        assert [x.offer.agent for x in events(one, e.OfferMade)].count(BOB) == 0

    play(story, after=None)


def test_it_waits_for_its_agent_there_and_is_broken_there_if_nobody_comes_back() -> None:
    async def story(one: Running, two: Running) -> None:
        promise = await parted(one, two)
        await one.sign_in(BOB)
        await until(lambda: "m1" in two.items, 5.0)
        assert two.items["m1"].state is ItemState.QUEUED
        assert two.overflow.why(two.items["m1"]) == "queue 'general' keeps its items at their node"
        await asyncio.sleep(600)
        assert (two.items["m1"].id, two.items["m1"].state) == (promise, ItemState.QUEUED)
        await until(lambda: events(two, e.PromiseBroken), 400.0)

    play(story, after=None)


def test_it_goes_on_with_its_agent_and_waits_where_it_is_while_its_agent_is_nowhere() -> None:
    async def story(one: Running, two: Running, three: Running) -> None:
        promise = await parted(one, two)
        await until(lambda: "m1" in two.items, 5.0)
        two.node.desk.detach(ANA, "tab", "gone")
        await until(lambda: not two.node.ledger.state.is_home_of(ANA), 400.0)
        await asyncio.sleep(60)
        assert "ana, who is looked for at the other nodes" in two.overflow.why(two.items["m1"])
        await claimed(three, ANA)
        await three.sign_in(ANA)
        await only()(two, three, promise)

    play(story, after=None, nodes=(A, B, C))


@pytest.mark.parametrize("free", [True, False])
def test_a_call_back_goes_to_the_node_of_the_one_who_is_to_call(free: bool) -> None:
    """Though somebody else could call at once; unless that one is not at work at all."""

    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        item = await taken(one, ANA, "m1")
        at = one.node.ledger.clock.now() + timedelta(seconds=20)
        number = "+49 30 123456"
        wish = c.AskCallback(id=one.command(), item=item.id, number=number, at=at, mine=True)
        await one.act(ANA, wish)
        await done(one, ANA, item)
        (call,) = one.items.values()
        await goes_to(ANA, one, two)
        await one.sign_in(BOB)
        if free:
            await ready(two, ANA)
            await only(code="reached")(one, two, call.id)
        else:
            await until(lambda: offered(one, call.subject) == BOB, 23.0)

    play(story, after=None)


def test_an_answer_goes_to_who_had_the_case_though_others_are_free_here() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await done(one, ANA, await taken(one, ANA, "m1"))
        await goes_to(ANA, one, two)
        await ready(two, ANA)
        await one.sign_in(BOB)
        again = mail("m2", subject="m2", references=("m1@example.org",), identity=EVA)
        await one.node.intake.receive([again])
        await until(lambda: offered(two, "m2") == ANA, 4.0)
        await one.node.intake.receive([mail("m3", subject="m3", identity=MAX)])
        await until(lambda: offered(one, "m3") == BOB, 1.0)

    play(story, after=None)


@pytest.mark.parametrize("comes", [True, False])
def test_who_is_busy_there_is_waited_for_as_long_as_the_queue_says(comes: bool) -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await done(one, ANA, await taken(one, ANA, "m1"))
        await goes_to(ANA, one, two)
        await ready(two, ANA)
        other = await taken(two, ANA, "other", MAX)
        await one.sign_in(BOB)
        again = mail("m2", subject="m2", references=("m1@example.org",), identity=EVA)
        await one.node.intake.receive([again])
        await until(lambda: "m2" in one.items)
        await asyncio.sleep(20)
        assert one.items["m2"].state is ItemState.QUEUED
        if comes:
            await done(two, ANA, other)
            await until(lambda: offered(two, "m2") == ANA, 4.0)
        else:
            await until(lambda: offered(one, "m2") == BOB, 11.0)
            assert two.overflow.granted == 0

    limited = replace(agent(ANA), capacity={ChannelKind.EMAIL: 1})
    play(story, after=None, profiles=(limited, agent(BOB)))


def test_who_is_at_work_nowhere_is_not_waited_for() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await done(one, ANA, await taken(one, ANA, "m1"))
        await goes_to(ANA, one, two)
        await one.sign_in(BOB)
        again = mail("m2", subject="m2", references=("m1@example.org",), identity=EVA)
        await one.node.intake.receive([again])
        await until(lambda: offered(one, "m2") == BOB, 3.0)
        assert "m2" not in two.items

    play(story, after=None)


def test_a_customer_for_whom_somebody_works_here_is_not_torn_apart() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await done(one, ANA, await taken(one, ANA, "m1"))
        await goes_to(ANA, one, two)
        await ready(two, ANA)
        await one.sign_in(BOB)
        await taken(one, BOB, "another matter")
        again = mail("m2", subject="m2", references=("m1@example.org",), identity=EVA)
        await one.node.intake.receive([again])
        await until(lambda: offered(one, "m2") == BOB, 3.0)
        assert (one.overflow.asked, two.overflow.granted) == (0, 0)

    play(story, after=None)


def test_what_cannot_be_asked_is_everybodys_at_once() -> None:
    async def story(one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await done(one, ANA, await taken(one, ANA, "m1"))
        await goes_to(ANA, one, two)
        await ready(two, ANA)
        await one.sign_in(BOB)
        await two.vanish()
        again = mail("m2", subject="m2", references=("m1@example.org",), identity=EVA)
        await one.node.intake.receive([again])
        await until(lambda: offered(one, "m2") == BOB, 4.0)

    play(story, after=None)
