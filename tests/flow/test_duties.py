"""What is read under a duty: stored while it is held, turned away alone when it is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.core.duties import Duty, DutyTerm
from gateway.core.errors import StoodDown
from gateway.core.inbound import Inbound
from gateway.ports import Memory
from gateway.store.contract import BadBatch, CommitUnknown, DutyLost
from tests.support.builders import MAIL, NODE, chat, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.virtual import run

BOX = "mailbox support at imap.firm.example, INBOX"
HELD, OLD = DutyTerm(name=BOX, epoch=3), DutyTerm(name=BOX, epoch=2)


def note(value: bytes) -> Memory:
    return Memory(key="cursor", value=value)


def story(tell: Callable[[Rig], Awaitable[None]]) -> None:
    """A day of a node that holds the mailbox."""

    async def day() -> None:
        async with running(new_tables()) as rig:
            life = rig.tables.marks[NODE]
            rig.tables.duties[BOX] = Duty(name=BOX, epoch=HELD.epoch, node=NODE, life=life)
            await tell(rig)

    run(day())


async def decided(rig: Rig, *inbounds: Inbound, **more: Any) -> list[str]:
    accepted = await rig.node.intake.receive(inbounds, **more)
    return [(await rig.node.intake.decided(one)).status for one in accepted]


def test_under_a_duty_that_is_held_mails_and_cursor_are_stored_together() -> None:
    async def tell(rig: Rig) -> None:
        assert await decided(rig, mail("m1"), memory=note(b"1"), duty=HELD) == ["processed"]
        assert rig.tables.memories[MAIL, "cursor"] == b"1"

    story(tell)


def test_whose_duty_is_lost_is_turned_away_and_those_beside_it_are_not() -> None:
    async def tell(rig: Rig) -> None:
        intake = rig.node.intake
        async with asyncio.TaskGroup() as group:  # they travel in one commit
            late = group.create_task(refused(intake.receive([mail("late")], note(b"late"), OLD)))
            other = group.create_task(decided(rig, chat("hello")))
            held = group.create_task(decided(rig, mail("m1"), memory=note(b"1"), duty=HELD))
        assert isinstance(late.result(), StoodDown)
        assert other.result() == held.result() == ["processed"]
        assert (MAIL, "late") not in rig.tables.inbox
        assert rig.tables.memories[MAIL, "cursor"] == b"1"
        with pytest.raises(StoodDown):
            await rig.node.memory.save(MAIL, note(b"late"), OLD)
        await rig.node.memory.save(MAIL, note(b"2"), HELD)
        assert rig.tables.memories[MAIL, "cursor"] == b"2"

    story(tell)


async def refused(call: Awaitable[Any]) -> Exception:
    try:
        await call
    except StoodDown as error:
        return error
    raise AssertionError("it was taken")


def test_what_may_be_stored_already_is_dealt_with_although_the_duty_has_gone() -> None:
    async def tell(rig: Rig) -> None:
        store = rig.store.receive
        calls = 0

        async def cut(term: Any, inbounds: Any, memories: Any, duties: Any = ()) -> Any:
            nonlocal calls
            calls += 1
            rows = await store(term, inbounds, memories, duties)
            if calls == 1:
                rig.tables.duties[BOX] = Duty(name=BOX, epoch=HELD.epoch)  # given up
                raise CommitUnknown("the answer was lost")
            return rows

        rig.store.receive = cut  # type: ignore[method-assign]
        assert await decided(rig, mail("m1"), memory=note(b"1"), duty=HELD) == ["processed"]
        with pytest.raises(StoodDown):
            await rig.node.intake.receive([mail("m2")], note(b"2"), HELD)
        assert rig.tables.memories[MAIL, "cursor"] == b"1"

    story(tell)


def test_a_mail_that_the_database_refuses_does_not_keep_the_others_from_the_next_reader() -> None:
    """The duty goes while the batch is stored one by one: no memory passes by what is not there."""

    async def tell(rig: Rig) -> None:
        store = rig.store.receive

        async def picky(term: Any, inbounds: Any, memories: Any, duties: Any = ()) -> Any:
            if any(inbound.body == "poison" for inbound in inbounds):
                rig.tables.duties[BOX] = Duty(name=BOX, epoch=HELD.epoch + 1)
                raise BadBatch("a value that no table takes")
            return await store(term, inbounds, memories, duties)

        rig.store.receive = picky  # type: ignore[method-assign]
        mails = [mail("m1"), mail("m2", body="poison", raw=b"poison"), mail("m3")]
        assert await decided(rig, *mails, memory=note(b"3"), duty=HELD) == [
            "processed", "quarantined", "processed",
        ]  # fmt: skip
        assert (MAIL, "cursor") not in rig.tables.memories

    story(tell)


def test_the_error_names_the_terms_that_are_lost() -> None:
    lost = DutyLost("gone", frozenset({OLD}))
    assert OLD in lost.duties
    assert HELD not in lost.duties
