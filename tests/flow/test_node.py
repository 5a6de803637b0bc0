"""The parts of a node over a store that fails: nothing lost, nothing twice, nothing stuck."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.deadlines import expire
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, CommandId, ItemId
from gateway.core.inbound import File, Inbound
from gateway.core.model import ChannelKind, Item, ItemState, OutboundState
from gateway.core.times import PASS_SECONDS
from gateway.store.contract import BadBatch, CommitUnknown, Fenced, Unavailable
from tests.support.builders import MAIL, agent, mail, task
from tests.support.flownode import Rig, new_tables, running, sign_in
from tests.support.memory_tables import Tables
from tests.support.virtual import run

ANA, BOB = AgentName("ana"), AgentName("bob")


def story(
    tell: Callable[[Rig], Awaitable[None]], *names: str, tables: Tables | None = None
) -> Tables:
    """A day of a node with these agents."""
    there = tables or new_tables()

    async def day() -> None:
        async with running(there, *(agent(n) for n in names or ("ana",))) as rig:
            await tell(rig)

    run(day())
    return there


async def take(rig: Rig, inbound: Inbound) -> Any:
    (accepted,) = await rig.node.intake.receive([inbound])
    return await rig.node.intake.decided(accepted)


async def offered(rig: Rig) -> Item:
    """The one item that is offered, once it is."""
    async with asyncio.timeout(600):
        while True:
            for one in rig.node.ledger.state.items.values():
                if one.offer is not None:
                    return one
            await asyncio.sleep(0.01)


async def accept(rig: Rig, name: AgentName = ANA) -> Item:
    one = await offered(rig)
    assert one.offer is not None
    command = c.Accept(id=rig.command(), offer=one.offer.id)
    await rig.node.desk.act(name, command, maybe_repeated=False)
    return rig.node.ledger.state.items[one.id]


def swap(rig: Rig, **calls: Any) -> None:
    """Let the store do this instead."""
    for name, call in calls.items():
        setattr(rig.store, name, call)


def once(error: Exception, *, then: Any = None) -> Callable[..., Awaitable[Any]]:
    """A call that fails the first time, and does ``then`` after."""
    calls = []

    async def call(*args: Any, **named: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise error
        return await then(*args, **named)

    return call


# -- commands -------------------------------------------------------------------------------


def test_the_same_command_at_once_has_one_effect_and_one_answer() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        note = c.Note(id=CommandId("the-same-id"), item=item.id, body="Once")
        answers = await asyncio.gather(
            *(rig.node.desk.act(ANA, note, maybe_repeated=bool(n % 2)) for n in range(5))
        )
        assert all(a == answers[0] for a in answers)

    tables = story(tell)
    assert [m.body for m in tables.messages.values()].count("Once") == 1


def test_who_waits_for_an_act_that_is_cancelled_does_it() -> None:
    async def tell(rig: Rig) -> None:
        done = (await take(rig, mail("m1"))).case
        rig.store.faults.delayed = 1.0
        tag = c.TagCase(id=CommandId("the-same-id"), case=CaseId(done), add=("vip",))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(rig.node.desk.act(ANA, tag, maybe_repeated=True))
            await asyncio.sleep(0.01)
            second = group.create_task(rig.node.desk.act(ANA, tag, maybe_repeated=True))
            await asyncio.sleep(0.01)
            first.cancel()
        assert first.cancelled()
        assert second.result().body == {"tags": ["vip"]} or second.result().body == {
            "tags": ("vip",)
        }

    tables = story(tell)
    assert [case.tags for case in tables.cases.values()] == [("vip",)]


def test_a_waiter_that_is_cancelled_leaves_the_act_alone() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        rig.store.faults.delayed = 1.0
        note = c.Note(id=CommandId("the-same-id"), item=item.id, body="Once")
        async with asyncio.TaskGroup() as group:
            first = group.create_task(rig.node.desk.act(ANA, note, maybe_repeated=True))
            await asyncio.sleep(0.01)
            second = group.create_task(rig.node.desk.act(ANA, note, maybe_repeated=True))
            await asyncio.sleep(0.01)
            second.cancel()
        assert "message" in first.result().body

    story(tell)


def test_an_act_is_answered_after_its_commit_and_not_before() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        rig.store.faults.unavailable = 1.0
        note = c.Note(id=rig.command(), item=item.id, body="Slow")
        async with asyncio.TaskGroup() as group:
            act = group.create_task(rig.node.desk.act(ANA, note, maybe_repeated=False))
            await asyncio.sleep(5)
            assert not act.done()
            rig.store.faults.unavailable = 0.0
        assert act.result().body["seq"] == 2

    story(tell)


def test_what_a_channel_is_told_of_a_conversation_is_on_disk() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        rig.store.faults.unavailable = 1.0
        held = e.ItemHeld(item=item.id, reason="uncommitted")
        rig.node.ledger.record([e.Change(held)])
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(rig.node.conversations.item_of(item.case))
            await asyncio.sleep(5)
            assert not asked.done()
            rig.store.faults.unavailable = 0.0
        told = asked.result()
        assert told is not None
        assert told.state is rig.tables.items[item.id].state is ItemState.HELD

    story(tell)


def test_a_conversation_that_another_node_has_stands_as_that_node_last_wrote() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        elsewhere = replace(item, id=ItemId("elsewhere"), case=CaseId("theirs"))
        rig.tables.items[elsewhere.id] = elsewhere
        told = await rig.node.conversations.item_of(elsewhere.case)
        assert told is not None
        assert told.id == elsewhere.id
        rig.tables.items[elsewhere.id] = replace(elsewhere, state=ItemState.COMPLETED)
        assert await rig.node.conversations.item_of(elsewhere.case) is None

    story(tell)


def test_while_the_disk_is_away_new_acts_are_refused_as_unavailable() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        rig.store.faults.unavailable = 1.0
        rig.node.desk.detach(ANA, "tab", "something to write")
        await asyncio.sleep(1)
        note = c.Note(id=rig.command(), item=item.id, body="x")
        with pytest.raises(Refused) as refused:
            await rig.node.desk.act(ANA, note, maybe_repeated=False)
        assert refused.value.code == "unavailable"
        rig.store.faults.unavailable = 0.0
        await rig.caught_up()

    story(tell)


def test_a_look_that_fails_is_unavailable_and_the_id_stays_free() -> None:
    async def tell(rig: Rig) -> None:
        done = (await take(rig, mail("m1"))).case
        tag = c.TagCase(id=CommandId("the-same-id"), case=CaseId(done), add=("vip",))
        rig.store.faults.unavailable = 1.0
        with pytest.raises(Refused) as refused:
            await rig.node.desk.act(ANA, tag, maybe_repeated=True)
        assert refused.value.code == "unavailable"
        rig.store.faults.unavailable = 0.0
        await rig.node.desk.act(ANA, tag, maybe_repeated=True)

    tables = story(tell)
    assert [case.tags for case in tables.cases.values()] == [("vip",)]


def test_a_command_repeated_after_a_restart_gets_its_first_answer() -> None:
    said: list[Any] = []

    async def first(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        send = c.Send(id=CommandId("the-same-id"), item=item.id, body="Hello")
        said.append((send, (await rig.node.desk.act(ANA, send, maybe_repeated=False)).body))

    async def again(rig: Rig) -> None:
        send, body = said[0]
        assert (await rig.node.desk.act(ANA, send, maybe_repeated=True)).body == body
        assert len(rig.tables.messages) == 2

    story(again, tables=story(first))


def test_a_send_with_files_that_died_after_its_claim_is_sent_by_its_repeat() -> None:
    asked: list[c.Send] = []

    async def dies(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        plan = File(name="plan.pdf", type="application/pdf", data=b"%PDF")
        file = await rig.store.save_file(plan, ANA)
        files = (file.id,)
        asked.append(c.Send(id=CommandId("the-same-id"), item=item.id, body="x", attachments=files))
        await rig.store.claim_files(files, ANA, asked[0].id)

    async def again(rig: Rig) -> None:
        for _ in range(2):
            await rig.node.desk.act(ANA, asked[0], maybe_repeated=True)
        (sent,) = (m for m in rig.tables.messages.values() if m.direction == "out")
        assert tuple(a.id for a in sent.attachments) == asked[0].attachments

    story(again, tables=story(dies))


def test_the_files_of_a_refused_send_can_be_sent_with_the_next() -> None:
    async def tell(rig: Rig) -> None:
        await take(rig, mail("m1"))
        item = await accept(rig)
        plan = File(name="plan.pdf", type="application/pdf", data=b"%PDF")
        files = ((await rig.store.save_file(plan, ANA)).id,)
        send = c.Send(id=rig.command(), item=ItemId("none"), body="x", attachments=files)
        with pytest.raises(Refused) as refused:
            await rig.node.desk.act(ANA, send, maybe_repeated=False)
        assert refused.value.field == "item"
        send = c.Send(id=rig.command(), item=item.id, body="x", attachments=files)
        await rig.node.desk.act(ANA, send, maybe_repeated=False)

    story(tell)


def test_an_offer_that_ran_out_while_the_node_was_away_was_not_missed() -> None:
    async def dies(rig: Rig) -> None:
        await take(rig, mail("m1"))
        one = await offered(rig)
        assert one.offer is not None
        await rig.node.ledger.committed(rig.node.ledger.position)
        late = replace(one.offer, deadline=one.offer.made_at - timedelta(hours=1))
        rig.tables.items[one.id] = replace(rig.tables.items[one.id], offer=late)

    async def again(rig: Rig) -> None:
        await rig.node.ledger.committed(rig.node.ledger.position)
        events = [entry.event for entry in rig.tables.journal.values()]
        (back,) = (event for event in events if isinstance(event, e.OfferWithdrawn))
        assert back.reason == "it ran out while the node was away"
        assert not any(isinstance(event, e.OfferMissed) for event in events)

    story(again, tables=story(dies))


def test_a_refusal_is_an_answer_and_is_remembered() -> None:
    nowhere = c.Note(id=CommandId("the-same-id"), item=ItemId("none"), body="x")

    async def tell(rig: Rig) -> None:
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await rig.node.desk.act(ANA, nowhere, maybe_repeated=True)
            assert (refused.value.code, refused.value.field) == ("not_found", "item")

    tables = story(tell)
    story(tell, tables=tables)
    assert len([k for k in tables.commands if k[1] == "the-same-id"]) == 1


# -- intake ---------------------------------------------------------------------------------


def test_what_the_inbox_holds_undecided_is_decided_after_a_restart() -> None:
    async def dies(rig: Rig) -> None:
        rig.tables.receive(rig.node.writer.term, [mail("m1"), mail("m2")], [])

    tables = story(dies)
    assert not tables.cases

    async def again(rig: Rig) -> None:
        decided = await take(rig, mail("m1"))
        assert decided.status == "processed"
        await take(rig, mail("m2"))
        assert len(rig.tables.cases) == len(rig.tables.messages) == 2

    story(again, tables=tables)


def test_the_same_key_again_is_the_same_thing() -> None:
    async def tell(rig: Rig) -> None:
        one = await take(rig, mail("m1"))
        two = await asyncio.gather(*(take(rig, mail("m1")) for _ in range(3)))
        assert two == [one] * 3

    tables = story(tell)
    story(tell, tables=tables)
    assert len(tables.messages) == 1


def test_while_the_database_is_away_nothing_is_put_into_quarantine() -> None:
    async def tell(rig: Rig) -> None:
        swap(rig, case_of_reference=once(Unavailable("gone"), then=rig.store.case_of_reference))
        decided = await take(rig, mail("m1", references=("x@example.org",)))
        assert decided.status == "processed"

    story(tell)


def test_a_contact_that_makes_the_decision_fail_is_put_aside_alone() -> None:
    async def tell(rig: Rig) -> None:
        swap(
            rig,
            case_of_reference=once(ZeroDivisionError("a bug"), then=rig.store.case_of_reference),
        )
        bad = mail("m1", references=("x@example.org",))
        decided = await take(rig, bad)
        assert (decided.status, decided.reason) == ("quarantined", "ZeroDivisionError: a bug")
        assert (await take(rig, mail("m2"))).status == "processed"

    story(tell)


def test_one_inbound_that_the_database_refuses_is_put_aside_alone() -> None:
    async def tell(rig: Rig) -> None:
        real = rig.store.receive

        async def picky(term: Any, inbounds: Any, memories: Any, duties: Any = ()) -> Any:
            if any(i.body == "poison" for i in inbounds):
                raise BadBatch("a value that no table takes")
            return await real(term, inbounds, memories, duties)

        swap(rig, receive=picky)
        all_three = [mail("m1"), mail("m2", body="poison", raw=b"poison"), mail("m3")]
        accepted = await rig.node.intake.receive(all_three)
        decided = [await rig.node.intake.decided(a) for a in accepted]
        assert [d.status for d in decided] == ["processed", "quarantined", "processed"]
        assert "could not be stored" in decided[1].reason

    story(tell)


def test_a_message_that_joins_a_case_uses_up_no_ticket_number() -> None:
    async def tell(rig: Rig) -> None:
        first = await take(rig, mail("m1"))
        for n in range(2, 9):
            again = mail(f"m{n}", references=("m1@example.org",))
            assert (await take(rig, again)).case == first.case
        other = mail("other", subject="Something else")
        assert (await take(rig, other)).number == first.number + 1

    story(tell)


def test_nothing_received_is_nothing_to_store() -> None:
    async def tell(rig: Rig) -> None:
        assert await rig.node.intake.receive([]) == []

    story(tell)


def test_intake_goes_on_while_the_writer_raises_our_own_epoch() -> None:
    """An unknown commit fences our own older term, not us."""

    async def tell(rig: Rig) -> None:
        rig.store.faults.delayed = 1.0
        rig.store.faults.slow = 0.2
        real = rig.store.commit
        swap(rig, commit=once(CommitUnknown("cut"), then=real))
        rig.node.desk.detach(ANA, "tab", "something to write")

        async def keep_trying(inbound: Inbound) -> None:
            while True:
                try:
                    await take(rig, inbound)
                except Refused:
                    await asyncio.sleep(0.05)
                else:
                    return

        async with asyncio.TaskGroup() as group:
            for n in range(20):
                group.create_task(keep_trying(mail(f"m{n}")))
                await asyncio.sleep(0.02)
        assert rig.node.writer.term.epoch > 1

    tables = story(tell)
    assert len(tables.messages) == 20


def test_a_node_that_is_fenced_stops() -> None:
    async def tell(rig: Rig) -> None:
        rig.tables.begin(rig.node.writer.term.node)
        rig.node.desk.detach(ANA, "tab", "something to write")
        await asyncio.sleep(60)
        raise AssertionError("it still runs")

    with pytest.raises(BaseExceptionGroup) as stopped:
        story(tell)
    assert stopped.group_contains(Fenced)


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
