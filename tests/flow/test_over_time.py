"""Commits, attempts and deadlines over a store that fails."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.deadlines import expire
from gateway.core.errors import TryAgain, Undeliverable
from gateway.core.model import ChannelKind, ItemState, OutboundState
from gateway.core.times import PASS_SECONDS
from gateway.store.contract import CommitUnknown, Unavailable
from tests.flow.days import ANA, accept, offered, once, story, swap, take
from tests.support.builders import MAIL, mail, task
from tests.support.flownode import Rig, running, sign_in
from tests.support.virtual import run

# -- the journal's writer -------------------------------------------------------------------


@pytest.mark.parametrize("landed", [True, False])
def test_an_unknown_commit_is_there_once_whether_it_landed_or_not(landed: bool) -> None:
    async def tell(rig: Rig) -> None:
        real = rig.store.commit

        async def cut(term: Any, batch: Any) -> None:
            swap(rig, commit=real)
            if landed:
                rig.tables.commit(term, batch.entries)
            raise CommitUnknown("cut")

        swap(rig, commit=cut)
        decided = await take(rig, mail("m1"))
        assert decided.status == "processed"
        assert rig.node.ledger.writable

    tables = story(tell)
    assert len(tables.messages) == 1
    assert len(tables.journal) == len({position for _, position in tables.journal})


# -- the outbox -----------------------------------------------------------------------------


def test_a_database_that_is_away_is_no_attempt() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        swap(rig, message=once(Unavailable("gone"), then=rig.store.message))
        send = c.Send(id=rig.command(), item=item.id, body="Hello")
        await rig.node.desk.act(ANA, send, maybe_repeated=False)
        await asyncio.sleep(30)
        assert [(o.attempt, o.repeat) for o in rig.sinks[MAIL].sent] == [(1, False)]

    story(tell)


def test_an_attempt_cut_short_by_the_end_is_repeated_by_the_next_one() -> None:
    async def dies(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        send = c.Send(id=rig.command(), item=item.id, body="Hello")
        await rig.node.desk.act(ANA, send, maybe_repeated=False)
        await rig.sinks[MAIL].begun.wait()

    async def again(rig: Rig) -> None:
        await asyncio.sleep(5)
        (out,) = rig.sinks[MAIL].sent
        assert (out.attempt, out.repeat) == (2, True)
        assert [o.state for o in rig.tables.outbox.values()] == [OutboundState.SENT]

    story(again, tables=story(dies))


async def answers(rig: Rig, *bodies: str) -> None:
    """One after the other, on one mail, without waiting for any to leave."""
    await take(rig, mail("m1"))
    item = await accept(rig)
    for body in bodies:
        send = c.Send(id=rig.command(), item=item.id, body=body)
        await rig.node.desk.act(ANA, send, maybe_repeated=False)


def brought(rig: Rig) -> list[str]:
    return [out.message.body for out in rig.sinks[MAIL].sent if out.message is not None]


def test_what_was_said_later_waits_until_what_was_said_before_has_left() -> None:
    async def tell(rig: Rig) -> None:
        rig.sinks[MAIL].errors += [TryAgain("not now"), TryAgain("nor now")]
        await answers(rig, "first", "second", "third")
        await asyncio.sleep(60)
        assert brought(rig) == ["first", "first", "first", "second", "third"]

    story(tell)


def test_what_is_given_up_holds_nobody_up() -> None:
    async def tell(rig: Rig) -> None:
        rig.sinks[MAIL].errors += [TryAgain("not now"), Undeliverable("no such mailbox")]
        await answers(rig, "first", "second")
        await asyncio.sleep(60)
        assert brought(rig) == ["first", "first", "second"]

    story(tell)


def test_after_a_restart_they_leave_in_the_order_in_which_they_were_said() -> None:
    async def dies(rig: Rig) -> None:
        rig.sinks[MAIL].errors += [TryAgain("not now")]
        await answers(rig, "first", "second")
        await asyncio.sleep(1)

    async def again(rig: Rig) -> None:
        await asyncio.sleep(60)
        assert brought(rig) == ["first", "second"]

    story(again, tables=story(dies))


def test_whoever_wants_a_later_one_now_gets_the_earlier_one_first() -> None:
    async def tell(rig: Rig) -> None:
        rig.sinks[MAIL].errors += [TryAgain("not now")] * 4
        await answers(rig, "first", "second")
        await asyncio.sleep(100)
        before = len(brought(rig))
        later = next(o for o in rig.node.ledger.state.outbox.values() if o.attempts == 0)
        rig.node.dispatch.hurry(later.id)
        await asyncio.sleep(1)
        assert brought(rig)[before:] == ["first", "second"]

    story(tell)


# -- time -----------------------------------------------------------------------------------


def test_what_changes_often_has_one_deadline() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        until = rig.node.ledger.clock.now() + timedelta(days=3)
        park = c.Park(id=rig.command(), item=item.id, until=until)
        await rig.node.desk.act(ANA, park, maybe_repeated=False)
        before = rig.node.timers.planned
        for n in range(500):
            change = e.ItemReprioritised(item=item.id, by="sue", priority=n % 7)
            rig.node.ledger.record([e.Change(change)])
        assert rig.node.timers.planned <= before

    story(tell)


def test_what_will_not_happen_any_more_is_forgotten() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        before = rig.node.timers.planned
        for days in range(1, 50):
            until = rig.node.ledger.clock.now() + timedelta(days=days)
            park = c.Park(id=rig.command(), item=item.id, until=until)
            await rig.node.desk.act(ANA, park, maybe_repeated=False)
            resume = c.Resume(id=rig.command(), item=item.id)
            await rig.node.desk.act(ANA, resume, maybe_repeated=False)
        assert rig.node.timers.planned <= before

    story(tell)


@pytest.mark.parametrize("hours", [0.5, 1.5, 2.0, 5.25])
def test_what_lies_hours_ahead_happens_in_its_time(hours: float) -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        until = rig.node.ledger.clock.now() + timedelta(hours=hours)
        park = c.Park(id=rig.command(), item=item.id, until=until)
        await rig.node.desk.act(ANA, park, maybe_repeated=False)
        await asyncio.sleep(hours * 3_600 - 1)
        assert rig.node.ledger.state.items[item.id].state is ItemState.HELD
        await asyncio.sleep(2)
        assert (await offered(rig)).id == item.id

    story(tell)


def test_a_deadline_that_cannot_be_decided_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_for_mail(state: Any, deadline: Any, ctx: Any) -> Any:
        if state.items[deadline.key].kind is ChannelKind.EMAIL:
            raise RuntimeError("a bug")
        return expire(state, deadline, ctx)

    monkeypatch.setattr("gateway.flow.timers.expire", fails_for_mail)

    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        passes = await take(rig, task("t1"))
        await asyncio.sleep(121)
        state = rig.node.ledger.state
        assert [p.how for p in state.items[passes.item].passed] == ["missed"]

    story(tell, "ana")


def test_looks_at_an_item_that_waits_are_planned_once() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        one = await offered(rig)
        assert one.offer is not None
        decline = c.Decline(id=rig.command(), offer=one.offer.id)
        await rig.node.desk.act(ANA, decline, maybe_repeated=False)
        before = rig.node.timers.planned
        for n in range(100):
            state: Any = "not_ready" if n % 2 == 0 else "ready"
            await rig.node.desk.act(
                ANA, c.State(id=rig.command(), state=state), maybe_repeated=False
            )
            await asyncio.sleep(0.1)
        assert rig.node.timers.planned <= before + 1
        await asyncio.sleep(PASS_SECONDS)
        assert (await offered(rig)).id == one.id

    story(tell)


def test_after_a_restart_desktops_have_their_grace_from_then_on() -> None:
    async def first(rig: Rig) -> None:
        await take(rig, mail("m1"))
        await accept(rig)

    tables = story(first)

    async def later() -> None:
        async with running(tables, ready=False) as rig:
            (item,) = rig.node.ledger.state.items.values()
            await asyncio.sleep(299)
            assert rig.node.ledger.state.items[item.id].state is ItemState.ASSIGNED
            await asyncio.sleep(2)
            assert rig.node.ledger.state.items[item.id].state is ItemState.QUEUED
            await sign_in(rig, ANA)
            assert (await offered(rig)).id == item.id

    run(later())


def test_nothing_is_to_be_repaired() -> None:
    async def tell(rig: Rig) -> None:
        for n in range(10):
            await take(rig, mail(f"m{n}"))
        await asyncio.sleep(1000)
        assert rig.node.reconciler.repaired == 0

    story(tell, "ana", "bob")
