"""What cannot be stored: it is put aside alone, and the node begins anew without it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.core.inbound import Inbound
from gateway.core.model import Message
from gateway.flow.ledger import Unstorable
from gateway.store.contract import BadBatch, Batch, Entries, Fenced, Unavailable
from tests.support.builders import agent, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables
from tests.support.virtual import run

ANA = AgentName("ana")
POISON = "poison"


def poisonous(entry: e.Entry) -> bool:
    return any(isinstance(row, Message) and POISON in row.body for row in entry.rows)


def dislike_poison(rig: Rig) -> list[int]:
    """Let the store refuse what holds it; returns how many entries each commit had, as it goes."""
    real, sizes = rig.store.commit, []

    async def commit(term: Any, batch: Batch) -> None:
        sizes.append(len(batch.entries))
        if any(map(poisonous, batch.entries)):
            raise BadBatch("DataError: it tastes bad")
        await real(term, batch)

    rig.store.commit = commit  # type: ignore[method-assign]
    return sizes


def stop_writing(rig: Rig) -> Callable[[], None]:
    """Let the journal wait, so that batches fill; returns what lets it go on."""
    real, go = rig.store.commit, asyncio.Event()

    async def commit(term: Any, batch: Batch) -> None:
        await go.wait()
        await real(term, batch)

    rig.store.commit = commit  # type: ignore[method-assign]
    return go.set


def life(tables: Tables, tell: Callable[[Rig], Awaitable[None]], *, ready: bool = False) -> None:
    async def day() -> None:
        async with running(tables, agent("ana"), ready=ready) as rig:
            await tell(rig)

    run(day())


@contextmanager
def begins_anew(why: type[Exception] = Unstorable) -> Iterator[None]:
    with pytest.raises(BaseExceptionGroup) as ended:
        yield
    assert ended.group_contains(why)


async def until_the_end() -> None:
    await asyncio.sleep(60)
    raise AssertionError("it still runs")


def statuses(tables: Tables) -> dict[str, str]:
    found = tables.inbox_by_id.values()
    return {row.inbound.key: row.decided.status if row.decided else "received" for row in found}


def test_an_inbound_whose_decision_cannot_be_stored_is_put_aside_alone() -> None:
    tables = new_tables()
    sizes: list[int] = []

    async def tell(rig: Rig) -> None:
        nonlocal sizes
        sizes = dislike_poison(rig)
        go_on = stop_writing(rig)
        rig.node.desk.attach(ANA, "so that a commit is under way")
        mails = [
            mail("before", identity=None),
            mail("bad", body=POISON, identity=None),
            mail("after", identity=None),
        ]
        accepted = await rig.node.intake.receive(mails)
        await asyncio.sleep(1)
        assert rig.node.ledger.waiting > 3
        go_on()
        assert (await rig.node.intake.decided(accepted[0])).status == "processed"
        await until_the_end()

    with begins_anew():
        life(tables, tell)
    assert statuses(tables) == {"before": "processed", "bad": "quarantined", "after": "received"}
    (bad,) = (row for row in tables.inbox_by_id.values() if row.inbound.key == "bad")
    assert bad.decided is not None
    assert "it tastes bad" in bad.decided.reason
    assert sizes[-1] == 1, "the verdict is a commit of its own"
    kinds = [type(entry.event) for entry in tables.journal.values()]
    assert kinds[-1] is e.InboundDecided

    async def next_life(rig: Rig) -> None:
        dislike_poison(rig)
        await asyncio.sleep(10)

    life(tables, next_life)
    assert statuses(tables) == {"before": "processed", "bad": "quarantined", "after": "processed"}
    assert {m.body for m in tables.messages.values()} == {"Good morning"}


def test_positions_stay_without_a_gap_around_a_verdict() -> None:
    tables = new_tables()

    async def tell(rig: Rig) -> None:
        dislike_poison(rig)
        await rig.node.intake.receive([mail("bad", body=POISON)])
        await until_the_end()

    with begins_anew():
        life(tables, tell)
    offsets = [position.offset for _, position in tables.journal]
    assert offsets == list(range(1, len(offsets) + 1))


def test_a_command_whose_effect_cannot_be_stored_is_answered_once_the_node_is_back() -> None:
    tables = new_tables()
    note: c.Note | None = None

    async def tell(rig: Rig) -> None:
        nonlocal note
        await take(rig, mail("m1"))
        item = await accept(rig)
        dislike_poison(rig)
        note = c.Note(id=rig.command(), item=item, body=POISON)
        # Nobody is told anything: the desktop repeats what was not answered.
        with pytest.raises(asyncio.CancelledError):
            await rig.node.desk.act(ANA, note, maybe_repeated=False)
        raise asyncio.CancelledError

    with begins_anew():
        life(tables, tell, ready=True)

    async def repeated(rig: Rig) -> None:
        dislike_poison(rig)
        assert note is not None
        with pytest.raises(Refused) as refused:
            await rig.node.desk.act(ANA, note, maybe_repeated=True)
        assert refused.value.code == "internal"
        await rig.caught_up()

    life(tables, repeated)


async def take(rig: Rig, inbound: Inbound) -> None:
    (accepted,) = await rig.node.intake.receive([inbound])
    await rig.node.intake.decided(accepted)


async def accept(rig: Rig) -> Any:
    async with asyncio.timeout(60):
        while True:
            for one in rig.node.ledger.state.items.values():
                if one.offer is not None:
                    command = c.Accept(id=rig.command(), offer=one.offer.id)
                    await rig.node.desk.act(ANA, command, maybe_repeated=False)
                    return one.id
            await asyncio.sleep(0.01)


def test_what_is_refused_only_together_is_stored_in_parts_and_the_node_goes_on() -> None:
    tables = new_tables()
    refused: list[int] = []

    async def tell(rig: Rig) -> None:
        real = rig.store.commit

        async def commit(term: Any, batch: Batch) -> None:
            attached = any(isinstance(x.event, e.AgentAttached) for x in batch.entries)
            if attached and any(map(poisonous, batch.entries)):
                refused.append(len(batch.entries))
                raise BadBatch("too much at once")
            await real(term, batch)

        rig.store.commit = commit  # type: ignore[method-assign]
        go_on = stop_writing(rig)
        rig.node.desk.attach(ANA, "so that a commit is under way")
        accepted = await rig.node.intake.receive([mail("odd", body=POISON)])
        rig.node.desk.attach(ANA, "with it in one commit")
        await asyncio.sleep(1)
        go_on()
        assert (await rig.node.intake.decided(accepted[0])).status == "processed"

    life(tables, tell)
    assert refused
    assert statuses(tables) == {"odd": "processed"}


class Encoding(Entries):
    """A batch that encodes as it is filled, and fails half way through a record."""

    def add(self, entry: e.Entry) -> None:
        if poisonous(entry):
            raise TypeError("no such text")
        super().add(entry)


def test_what_cannot_even_be_encoded_is_put_aside_and_what_was_before_it_is_written() -> None:
    tables = new_tables()

    async def tell(rig: Rig) -> None:
        go_on = stop_writing(rig)
        ledger = rig.node.ledger
        ledger._new_batch = Encoding
        ledger._open = Encoding()
        rig.node.desk.attach(ANA, "so that a commit is under way")
        await asyncio.sleep(0.1)
        mails = [mail("before", identity=None), mail("bad", body=POISON, identity=None)]
        await rig.node.intake.receive(mails)
        await asyncio.sleep(1)
        go_on()
        await until_the_end()

    with begins_anew():
        life(tables, tell)
    assert statuses(tables) == {"before": "processed", "bad": "quarantined"}


def test_a_node_that_was_fenced_meanwhile_leaves_no_verdict() -> None:
    tables = new_tables()

    async def tell(rig: Rig) -> None:
        real = rig.store.commit

        async def commit(term: Any, batch: Batch) -> None:
            if any(map(poisonous, batch.entries)):
                rig.tables.begin(term.node)
                raise BadBatch("it tastes bad")
            await real(term, batch)

        rig.store.commit = commit  # type: ignore[method-assign]
        await rig.node.intake.receive([mail("bad", body=POISON)])
        await until_the_end()

    with begins_anew(Fenced):
        life(tables, tell)
    assert statuses(tables) == {"bad": "received"}


def test_a_verdict_waits_for_a_database_that_is_away() -> None:
    tables = new_tables()

    async def tell(rig: Rig) -> None:
        real, away = rig.store.commit, iter([True, True, False])

        async def commit(term: Any, batch: Batch) -> None:
            if any(map(poisonous, batch.entries)):
                raise BadBatch("it tastes bad")
            if any(isinstance(x.event, e.InboundDecided) for x in batch.entries) and next(away):
                raise Unavailable("away")
            await real(term, batch)

        rig.store.commit = commit  # type: ignore[method-assign]
        await rig.node.intake.receive([mail("bad", body=POISON)])
        await until_the_end()

    with begins_anew():
        life(tables, tell)
    assert statuses(tables) == {"bad": "quarantined"}
