"""Commands over a store that fails: one effect, one answer, after the commit."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, CommandId, ItemId
from gateway.core.inbound import File
from gateway.core.model import ItemState
from tests.flow.days import ANA, accept, offered, story, take
from tests.support.builders import mail
from tests.support.flownode import Rig

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
