"""Intake over a store that fails: nothing lost, nothing twice, nothing stuck."""

import asyncio
from typing import Any

import pytest

from gateway.core.errors import Refused
from gateway.core.inbound import Inbound
from gateway.store.contract import BadBatch, CommitUnknown, Fenced, Unavailable
from tests.flow.days import ANA, once, story, swap, take
from tests.support.builders import mail
from tests.support.flownode import Rig

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
