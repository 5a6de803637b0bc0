"""Rules on what happens after intake, on a running node: in time, once, whatever node it is."""

import asyncio
from typing import Any

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, MacroName, RuleName
from gateway.core.macros import Macro
from gateway.core.model import Item, ItemState
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from gateway.ports import Accepted
from tests.support.builders import agent, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.virtual import run

ANA = AgentName("ana")
A_WHILE = 120.0
ASK: Any = Rule(
    name=RuleName("ask"), on=("silent",), after=A_WHILE, then=Then(reply="Still there, {customer}?")
)
CLOSE: Any = Rule(
    name=RuleName("close"),
    on=("silent",),
    after=A_WHILE,
    follows=RuleName("ask"),
    then=Then(complete="silent"),
)


async def declare(rig: Rig, *rules: Rule) -> None:
    position = rig.node.ledger.record(
        [e.Change(e.RuleDefined(rule=rule, by="test")) for rule in rules]
    )
    await rig.node.ledger.committed(position)


async def answered(rig: Rig) -> Item:
    """A mail that ana has answered and put aside."""
    (accepted,) = await rig.node.intake.receive([mail("m1")])
    decided = await rig.node.intake.decided(Accepted(id=accepted.id, fresh=True))
    assert decided.item is not None
    items = rig.node.ledger.state.items
    await asyncio.sleep(1)
    offer = items[decided.item].offer
    assert offer is not None
    for command in (
        c.Accept(id=rig.command(), offer=offer.id),
        c.Send(id=rig.command(), item=decided.item, body="Which one?", then="wait"),
    ):
        await rig.node.desk.act(ANA, command, maybe_repeated=False)
    return items[decided.item]


def fired(rig: Rig) -> list[str]:
    entries = [one for journal in rig.tables.journals.values() for one in journal]
    return [one.event.rule for one in entries if isinstance(one.event, e.RuleFired)]


def test_a_silent_customer_is_asked_and_then_the_item_ends_each_at_its_time() -> None:
    async def story() -> None:
        async with running(new_tables(), agent("ana")) as rig:
            await declare(rig, ASK, CLOSE)
            item = await answered(rig)
            await asyncio.sleep(A_WHILE - 20)
            assert fired(rig) == []
            await asyncio.sleep(40)
            assert fired(rig) == ["ask"]
            await asyncio.sleep(A_WHILE)
            assert fired(rig) == ["ask", "close"]
            assert rig.tables.items[item.id].state is ItemState.COMPLETED

    run(story())


def test_what_came_due_while_the_node_was_away_is_done_once_when_it_is_back() -> None:
    async def story() -> None:
        tables = new_tables()
        async with running(tables, agent("ana")) as rig:
            await declare(rig, ASK)
            await answered(rig)
        for _ in range(2):
            async with running(tables, agent("ana"), ready=False) as rig:
                await asyncio.sleep(2 * A_WHILE)
                await rig.caught_up()
                assert fired(rig) == ["ask"]
        out = [m for m in tables.messages.values() if m.direction == "out"]
        assert len(out) == 2

    run(story())


def test_a_rule_that_is_declared_late_looks_at_what_waits_already() -> None:
    async def story() -> None:
        async with running(new_tables(), agent("ana")) as rig:
            await answered(rig)
            await asyncio.sleep(2 * A_WHILE)
            await declare(rig, ASK)
            await asyncio.sleep(1)
            assert fired(rig) == ["ask"]

    run(story())


def test_a_tag_set_by_a_person_runs_a_macro_at_once() -> None:
    async def story() -> None:
        macro = Macro(name=MacroName("sorry"), then=Then(note="They were told."))
        angry = Rule(
            name=RuleName("angry"),
            on=("tagged",),
            when=When(tags=("angry",)),
            then=Then(macro=macro.name),
        )
        async with running(new_tables(), agent("ana")) as rig:
            rig.node.ledger.record([e.Change(e.MacroDefined(macro=macro, by="test"))])
            await declare(rig, angry)
            item = await answered(rig)
            tag = c.TagCase(id=rig.command(), case=item.case, add=("angry",))
            await rig.node.desk.act(ANA, tag, maybe_repeated=False)
            await asyncio.sleep(1)
            assert fired(rig) == ["angry"]
            notes = [m.body for m in rig.tables.messages.values() if m.direction == "note"]
            assert notes == ["They were told."]

    run(story())


def test_a_rule_that_will_not_fire_any_more_leaves_nothing_planned() -> None:
    in_days = Rule(
        name=RuleName("ask"), on=("waiting",), after=500_000.0, then=Then(reply="Still there?")
    )

    async def story() -> None:
        async with running(new_tables()) as rig:
            await declare(rig, in_days)
            before = rig.node.timers.planned
            for n in range(20):
                (accepted,) = await rig.node.intake.receive([mail(f"m{n}")])
                decided = await rig.node.intake.decided(Accepted(id=accepted.id, fresh=True))
                assert decided.item is not None
                await asyncio.sleep(1)
                assert rig.node.timers.planned == before + 1
                gone = e.ItemCanceled(item=decided.item, by="test", reason="")
                rig.node.ledger.record([e.Change(gone)])
                await asyncio.sleep(1)
            assert rig.node.timers.planned == before

    run(story())
