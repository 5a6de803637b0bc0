"""The writer's manner of telling what has landed."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from gateway.core import events as e
from gateway.core.ids import NodeName, QueueName
from gateway.core.model import Queue
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.flow.writer import TOLD_AT_ONCE, Writer
from gateway.store.contract import Batch, Journal, Term
from tests.support.builders import House


class Disk:
    """A journal that always commits."""

    async def commit(self, term: Term, batch: Batch) -> None:
        await asyncio.sleep(0)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask the journal for {name}")


async def test_a_large_batch_is_told_in_parts_in_order_and_others_get_their_turn() -> None:
    house = House()
    ledger = Ledger(NodeState(NodeName("n")), house.clock, house.new_id, 1)
    writer = Writer(ledger, cast("Journal", Disk()), Term(node=NodeName("n"), epoch=1))
    told: list[list[int]] = []
    turns: list[int] = []
    turn = 0

    def consumer(entries: Sequence[e.Entry]) -> None:
        told.append([entry.position.offset for entry in entries])
        turns.append(turn)

    ledger.subscribe(consumer)
    count = 2 * TOLD_AT_ONCE + 1
    for n in range(count):
        queue = Queue(name=QueueName(f"queue-{n}"))
        ledger.record([e.Change(e.QueueDefined(queue=queue, by="sue"))])
    async with asyncio.TaskGroup() as group:
        working = group.create_task(writer.run())
        waiting = group.create_task(ledger.committed(ledger.position))
        while not waiting.done():
            turn += 1
            await asyncio.sleep(0)
        working.cancel()
    assert [n for part in told for n in part] == list(range(1, count + 1))
    assert [len(part) for part in told] == [TOLD_AT_ONCE, TOLD_AT_ONCE, 1]
    assert len(set(turns)) == len(turns), "the loop had no turn between two parts"
    assert writer.commits == 1
