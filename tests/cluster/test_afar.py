"""Commands about what another node decides about: as if it were here, and done once.

Each is done at the owner's node, at another one, and at another one that dies at any step of it, so
that it is repeated at the node that took over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CommandId, ItemId, NodeName
from gateway.core.inbound import Claim
from gateway.core.model import ChannelKind, Item, ItemState
from tests.support.builders import GENERAL, MAIL, agent, mail, queue, task
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
ANA, BOB, ZED = AgentName("ana"), AgentName("bob"), AgentName("zed")
EVA = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)
LOOKS = frozenset({"answers", "asked", "tail", "renew", "capacity"})
ID = CommandId("the-one-command")

Story = Callable[[Tables, Running, Running], Awaitable[None]]


class Fall:
    """Where a node stops: its n-th step once it is armed never returns.

    What a node looks for again and again, whatever it is asked, does not count.
    """

    def __init__(self, n: int) -> None:
        self.armed = False
        self.reached = asyncio.Event()
        self._left = n

    async def step(self, name: str) -> None:
        if self.armed and name.partition(".")[0] not in LOOKS:
            self._left -= 1
            if self._left == 0:
                self.reached.set()
            if self._left <= 0:
                await asyncio.Event().wait()


def the_tables() -> Tables:
    profiles = [replace(agent(n), capacity={ChannelKind.TASK: 3}) for n in (ANA, BOB, ZED)]
    tables = a_house(new_tables(), *profiles)
    tables.queues[GENERAL] = queue(take_allowed=True)
    return tables


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables = the_tables()
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await story(tables, one, two)
            for node in (one, two):
                await node.caught_up()
            is_whole(tables, one, two)

    run(two_nodes())


def is_whole(tables: Tables, *nodes: Running) -> None:
    """Every open item is in one node's hands, and with it whoever has it in hand."""
    for node in nodes:
        state = node.node.ledger.state
        assert {i.id for i in tables.open_items(node.name)} == set(state.items)
        for item in state.items.values():
            if item.state is ItemState.ASSIGNED:
                assert item.agent is not None
                assert state.is_home_of(item.agent)
        assert node.node.reconciler.repaired == 0


def told(tables: Tables, kind: type[Any]) -> list[Any]:
    return [x.event for x in tables.journal.values() if type(x.event) is kind]


async def filed(one: Running, title: str, **fields: Any) -> Item:
    await one.node.intake.receive([task(title, subject=title, **fields)])
    await until(lambda: title in one.items)
    await one.caught_up()
    return one.items[title]


async def in_hand(one: Running, name: AgentName, title: str, **fields: Any) -> Item:
    await filed(one, title, **fields)
    await until(lambda: one.items[title].offer is not None)
    offer = one.items[title].offer
    assert offer is not None
    await one.act(name, c.Accept(id=one.command(), offer=offer.id))
    await one.caught_up()
    return one.items[title]


async def at_work(one: Running, two: Running) -> None:
    """Ana is at home at the one node, bob at the other; neither is offered what waits."""
    for node, name in ((one, ANA), (two, BOB)):
        await node.sign_in(name)
        await node.act(name, c.State(id=node.command(), state="not_ready"))


class Case(Struct, frozen=True):
    """A command of ana about something at bob's node.

    ``prepare`` makes it; ``count`` tells how often it took effect, in the whole journal.
    """

    prepare: Callable[[Running, Running], Awaitable[c.Command]]
    count: Callable[[Tables], int]
    in_hand: bool = True


async def a_tag(_one: Running, two: Running) -> c.Command:
    item = await filed(two, "t", identity=EVA)
    return c.TagCase(id=ID, case=item.case, add=("seen",))


async def a_take(_one: Running, two: Running) -> c.Command:
    item = await filed(two, "t", identity=EVA)
    return c.Take(id=ID, item=item.id)


async def a_reopening(_one: Running, two: Running) -> c.Command:
    item = await ended(two, identity=EVA)
    return c.Reopen(id=ID, case=item.case)


async def of_nobody(_one: Running, two: Running) -> c.Command:
    """Bob's tag has made his node the one that decides about it."""
    item = await ended(two)
    await two.act(BOB, c.TagCase(id=two.command(), case=item.case, add=("bobs",)))
    return c.Reopen(id=ID, case=item.case)


async def ended(two: Running, **fields: Any) -> Item:
    item = await filed(two, "t", **fields)
    await two.act(BOB, c.Take(id=two.command(), item=item.id))
    await two.act(BOB, c.Wrapup(id=two.command(), item=item.id, code="done"))
    return item


async def a_letter(_one: Running, two: Running) -> c.Command:
    await two.node.intake.receive([mail("m1", subject="m1")])
    await until(lambda: "m1" in two.items)
    customer = two.items["m1"].customer
    assert customer is not None
    return c.Compose(id=ID, channel=MAIL, customer=customer.id, to="eva@example.org", body="hello")


CASES = {
    "tag": Case(
        a_tag, lambda t: sum(x.tags == ("seen",) for x in told(t, e.CaseChanged)), in_hand=False
    ),
    "take": Case(
        a_take, lambda t: sum(x.reason == "taken by ana" for x in told(t, e.ItemAssigned))
    ),
    "reopen": Case(
        a_reopening, lambda t: sum(x.reason == "reopened" for x in told(t, e.CaseChanged))
    ),
    "reopen a case of nobody": Case(
        of_nobody, lambda t: sum(x.reason == "reopened" for x in told(t, e.CaseChanged))
    ),
    "compose": Case(
        a_letter, lambda t: sum(x.reason == "composed by ana" for x in told(t, e.ItemAssigned))
    ),
}


def hands(node: Running, name: AgentName) -> list[Item]:
    return [i for i in node.node.ledger.state.in_hand(name) if i.state is ItemState.ASSIGNED]


@pytest.mark.parametrize("name", CASES)
def test_a_command_about_what_is_elsewhere_is_done_as_if_it_were_here(name: str) -> None:
    case = CASES[name]

    async def story(tables: Tables, one: Running, two: Running) -> None:
        await at_work(one, two)
        command = await case.prepare(one, two)
        answer = await one.act(ANA, command)
        assert await one.act(ANA, command) == answer
        known = await one.node.desk.act(ANA, command, maybe_repeated=True)
        assert on_the_wire(known) == on_the_wire(answer)
        assert case.count(tables) == 1
        assert len(hands(one, ANA)) == case.in_hand
        if case.in_hand:
            assert hands(one, ANA)[0].id == answer.body["item"]

    play(story)


@pytest.mark.parametrize("name", CASES)
def test_at_the_node_that_has_it_it_is_answered_in_the_same_words(name: str) -> None:
    case = CASES[name]

    async def story(tables: Tables, one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        await two.sign_in(ANA)
        await two.act(ANA, c.State(id=two.command(), state="not_ready"))
        answer = await two.act(ANA, await case.prepare(one, two))
        assert case.count(tables) == 1
        assert len(hands(two, ANA)) == case.in_hand
        assert answer.body

    play(story)


async def asked_until_answered(
    node: Running, command: c.Command, *, maybe_repeated: bool = True
) -> Any:
    """As a desktop does it: what is not to be had just now is asked for again, under its id."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await node.node.desk.act(ANA, command, maybe_repeated=maybe_repeated)
            except Refused as refused:
                if refused.code != "unavailable":
                    raise
                await asyncio.sleep(0.2)


def on_the_wire(answer: Any) -> Any:
    return msgspec.json.encode(answer.body)


async def either(work: Awaitable[Any], fall: Fall, one: Running) -> None:
    """Until the work is done or the node has fallen; then the node is gone."""

    async def asked() -> None:
        with suppress(Refused):  # the node ends while it is asked
            await work
        over.set()

    async def fell() -> None:
        await fall.reached.wait()
        over.set()

    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked()), group.create_task(fell())]
        await over.wait()
        await one.vanish()
        for each in tasks:
            each.cancel()


async def dying(n: int, case: Case) -> bool:
    """The asking node dies at its n-th step of the command; false: it was done before that."""
    tables, fall, said = the_tables(), Fall(n), []

    async def ask(one: Running, command: c.Command) -> None:
        said.append(await one.act(ANA, command))

    async with running(tables, B) as two:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(running(tables, A, step=fall.step))
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await at_work(one, two)
            command = await case.prepare(one, two)
            for node in (one, two):
                await node.caught_up()
            fall.armed = True
            await either(ask(one, command), fall, one)
        await until(lambda: tables.peer(A).fenced and not tables.heirs)
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        await two.caught_up()
        two.node.desk.attach(ANA, "tab")
        answer = await asked_until_answered(two, command)
        assert await asked_until_answered(two, command) == answer
        assert not said or on_the_wire(said[0]) == on_the_wire(answer), "the same answer"
        await two.caught_up()
        assert case.count(tables) == 1
        assert len(hands(two, ANA)) == case.in_hand
        is_whole(tables, two)
    return fall.reached.is_set()


@pytest.mark.parametrize("name", CASES)
def test_if_the_asking_node_dies_at_any_step_it_is_done_once_and_answered_the_same(
    name: str,
) -> None:
    async def every_step() -> None:
        n = 1
        while await dying(n, CASES[name]):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())


async def owner_dying(n: int, case: Case) -> bool:
    """The node that has it dies at its n-th step of the command; false: it was done before that."""
    tables, fall, said = the_tables(), Fall(n), []
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(tables, A))
        two = await stack.enter_async_context(running(tables, B, step=fall.step))
        await until(lambda: one.handover.peer(B) and two.handover.peer(A))
        await at_work(one, two)
        command = await case.prepare(one, two)
        for node in (one, two):
            await node.caught_up()
        fall.armed = True

        async def ask() -> None:
            said.append(await asked_until_answered(one, command, maybe_repeated=False))

        async def fell() -> None:
            await fall.reached.wait()
            await two.vanish()

        async with asyncio.TaskGroup() as group:
            fallen = group.create_task(fell())
            await group.create_task(ask())
            if not fall.reached.is_set():
                fallen.cancel()
        again = await asked_until_answered(one, command)
        assert on_the_wire(again) == on_the_wire(said[0])
        await one.caught_up()
        assert case.count(tables) == 1
        assert len(hands(one, ANA)) == case.in_hand
    return fall.reached.is_set()


@pytest.mark.parametrize("name", CASES)
def test_if_the_node_that_has_it_dies_at_any_step_it_is_done_once_and_answered(name: str) -> None:
    async def every_step() -> None:
        n = 1
        while await owner_dying(n, CASES[name]):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())


# -- transfers ------------------------------------------------------------------------------


async def both_ready(one: Running, two: Running) -> None:
    await one.sign_in(ANA)
    await two.sign_in(BOB)


def test_a_transfer_to_an_agent_elsewhere_is_offered_there_and_there_alone() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB, note="yours"))
        await until(lambda: "t" in two.items)
        offer = two.items["t"].offer
        assert offer is not None
        assert (offer.agent, offer.reason) == (BOB, "transferred to you by Ana")
        assert "t" not in one.items
        assert two.node.ledger.state.reserved == {}
        await one.node.desk.act(
            ANA, c.Transfer(id=ID, item=item.id, agent=BOB), maybe_repeated=True
        )
        given = [x for x in told(tables, e.ItemQueued) if x.given_up_by == ANA]
        assert len(given) == 1
        assert [x.direction for x in told(tables, e.MessageAdded)][-1] == "note"

    play(story)


@pytest.mark.parametrize("why", ["not ready", "no capacity", "gone"])
def test_who_takes_nothing_elsewhere_is_refused_in_the_words_of_a_local_transfer(why: str) -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        if why == "not ready":
            await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        elif why == "gone":
            two.node.desk.detach(BOB, "tab", "gone")
        else:
            for title in ("b1", "b2", "b3"):
                await in_hand(two, BOB, title)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        words = (
            "has no capacity left for this" if why == "no capacity" else "takes no work just now"
        )
        assert (refused.value.code, refused.value.field) == ("busy", "agent")
        assert str(refused.value) == f"bob {words}; choose a queue"
        assert hands(one, ANA) == [one.items["t"]]

    play(story)


def test_who_is_kept_for_an_item_of_another_node_is_not_offered_a_third() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        two.overflow.keep(BOB, ItemId("of another node"), NodeName("n3"))
        with pytest.raises(Refused, match="bob is just being given something; choose a queue"):
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        assert hands(one, ANA) == [one.items["t"]]
        await asyncio.sleep(3.0)
        await one.act(ANA, c.Transfer(id=CommandId("once-more"), item=item.id, agent=BOB))
        await until(lambda: "t" in two.items)
        assert two.items["t"].offer is not None

    play(story)


def test_what_holds_the_customer_here_is_told_and_the_item_stays_in_hand() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await in_hand(one, ANA, "first", identity=EVA)
        item = await in_hand(one, ANA, "second", identity=EVA)
        with pytest.raises(Refused, match="ana works for the same customer, on #1, and stays"):
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        assert len(hands(one, ANA)) == 2

    play(story)


def test_a_transfer_waits_for_a_delivery_that_is_under_way() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await one.node.intake.receive([mail("m1", subject="m1")])
        await until(lambda: "m1" in one.items and one.items["m1"].offer is not None)
        offer = one.items["m1"].offer
        assert offer is not None
        await one.act(ANA, c.Accept(id=one.command(), offer=offer.id))
        item = one.items["m1"].id
        await one.act(ANA, c.Send(id=one.command(), item=item, body="a moment"))
        await until(lambda: one.node.dispatch.brings(one.node.ledger.state.outbox))
        await one.act(ANA, c.Transfer(id=ID, item=item, agent=BOB))
        await until(lambda: "m1" in two.items)
        assert two.items["m1"].offer is not None

    play(story)


async def dying_in_a_transfer(n: int) -> bool:
    tables, fall = the_tables(), Fall(n)
    async with running(tables, B) as two:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(running(tables, A, step=fall.step))
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await both_ready(one, two)
            item = await in_hand(one, ANA, "t")
            fall.armed = True
            command = c.Transfer(id=ID, item=item.id, agent=BOB)
            await either(one.act(ANA, command), fall, one)
        await until(lambda: tables.peer(A).fenced and not tables.heirs)
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        await two.caught_up()
        two.node.desk.attach(ANA, "tab")
        await asked_until_answered(two, command)
        await two.caught_up()
        assert len([x for x in told(tables, e.ItemQueued) if x.given_up_by == ANA]) == 1
        await until(lambda: two.items["t"].offer is not None)
        offer = two.items["t"].offer
        assert offer is not None
        assert offer.agent == BOB
        is_whole(tables, two)
    return fall.reached.is_set()


def test_a_transfer_whose_node_dies_at_any_step_is_made_once() -> None:
    async def every_step() -> None:
        n = 1
        while await dying_in_a_transfer(n):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())


# -- what cannot come -----------------------------------------------------------------------


def test_where_somebody_works_for_the_same_customer_the_agent_goes_there_and_takes_it() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await in_hand(two, BOB, "bobs", identity=EVA)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        await in_hand(one, ANA, "mine")
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        item = await filed(two, "t", identity=EVA)
        take = c.Take(id=ID, item=item.id)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, take)
        assert refused.value.code == "unavailable", "it is repeated, there"
        [gone] = told(tables, e.AgentHandedOver)
        assert (gone.agent, gone.to, gone.url) == (ANA, B, "ws://n2/agent/v1")
        assert "bob works for the same customer, on #" in gone.reason
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        two.node.desk.attach(ANA, "tab")
        answer = await two.node.desk.act(ANA, take, maybe_repeated=True)
        assert answer.body == {"item": item.id}
        assert {i.subject for i in hands(two, ANA)} == {"mine", "t"}

    play(story)


def test_if_neither_can_go_both_reasons_are_told() -> None:
    kim = replace(EVA, value="kim@example.org")

    async def story(_: Tables, one: Running, two: Running) -> None:
        tables = one.tables
        await both_ready(one, two)
        await one.sign_in(ZED)
        await in_hand(two, BOB, "bobs", identity=EVA)
        await one.act(ZED, c.State(id=one.command(), state="not_ready"))
        await in_hand(one, ANA, "mine", identity=kim)
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        await one.act(ZED, c.State(id=one.command(), state="ready"))
        await in_hand(one, ZED, "zeds", identity=kim)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        item = await filed(two, "t", identity=EVA)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Take(id=ID, item=item.id))
        assert refused.value.code == "busy"
        assert "bob works for the same customer, on #1, and stays, at n2; and zed works" in str(
            refused.value
        )
        assert not told(tables, e.AgentHandedOver)

    play(story)


def test_what_is_refused_there_is_refused_in_the_same_words_and_stays() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await at_work(one, two)
        item = await filed(two, "t")
        many = tuple(f"tag {n}" for n in range(51))
        with pytest.raises(Refused, match="50 tags at most"):
            await one.act(ANA, c.TagCase(id=ID, case=item.case, add=many))
        with pytest.raises(Refused, match="the case has an open work item already"):
            await one.act(ANA, c.Reopen(id=CommandId("reopening"), case=item.case))
        for title in ("a1", "a2", "a3"):
            mine = await filed(one, title)
            await one.act(ANA, c.Take(id=one.command(), item=mine.id))
        with pytest.raises(Refused, match="you have no capacity left for this kind of item"):
            await one.act(ANA, c.Take(id=CommandId("one-too-many"), item=item.id))
        with pytest.raises(Refused, match="there is no such open work item"):
            await one.act(ANA, c.Take(id=CommandId("of-nothing"), item=ItemId("nothing")))
        with pytest.raises(Refused, match="there is no channel 'nowhere'"):
            await one.act(ANA, c.Compose(id=CommandId("to-nowhere"), channel="nowhere", body="b"))  # type: ignore[arg-type]
        assert "t" in two.items
        assert not told(tables, e.ItemHandedOver)

    play(story)
