"""How many bytes of mails are held at once, over all mailboxes of a node."""

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.budget import Budget
from channels.email.mailbox import Mailbox
from channels.email.parse import MailParser
from channels.email.understand import Understanding
from tests.channels.email.test_reader import Played, reader
from tests.support.mailworld import LANGUAGE, Journal, mail


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_never_more_is_lent_than_there_is_and_everybody_has_a_turn(
    wanted: list[int],
) -> None:
    budget = Budget(20)
    served: list[int] = []

    async def one(number: int, count: int) -> None:
        held = budget.fit(count)
        await budget.take(held)
        assert budget.lent <= budget.most
        served.append(number)
        await asyncio.sleep(0)
        budget.give_back(held)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number, count in enumerate(wanted):
                group.create_task(one(number, count))

    asyncio.run(all_of_them())
    assert served == list(range(len(wanted))), "first come, first served"
    assert budget.lent == 0


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    budget = Budget(10)
    await budget.take(10)
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(budget.take(9))
        behind = group.create_task(budget.take(2))
        await asyncio.sleep(0)
        impatient.cancel()
        budget.give_back(5)
        await behind
    assert budget.lent == 7


async def test_two_mailboxes_with_too_little_room_for_both_are_read_to_their_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    understanding = Understanding(MailParser(LANGUAGE))
    understanding.budget = Budget(2_000)
    monkeypatch.setattr("channels.email.fetch.MAX_BATCH", 3)
    boxes = [Played(), Played()]
    journals = [Journal(), Journal()]
    for box in boxes:
        box.steps = 10_000
        for number in range(20):
            box.deliver(mail(f"mail {number}", size=400))

    async def read(box: Played, journal: Journal) -> None:
        with pytest.raises(Exception, match="nothing more happens"):
            await reader(journal, understanding).run(cast("Mailbox", box), lambda: None)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for box, journal in zip(boxes, journals, strict=True):
            group.create_task(read(box, journal))
    assert [len(journal.stored) for journal in journals] == [20, 20]
    assert understanding.budget.lent == 0
