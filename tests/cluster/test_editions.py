"""When a node begins to write what is new: once every other node knows it."""

import asyncio

import pytest

from gateway.cluster.editions import Editions
from gateway.core.edition import EDITION
from gateway.core.election import Look, Peer
from gateway.core.ids import NodeName
from gateway.store.contract import Term, Unavailable
from tests.support.clusternodes import a_house, running
from tests.support.flownode import new_tables
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_store import MemoryStore
from tests.support.virtual import run

ME, OTHER = NodeName("n1"), NodeName("n2")


class Rows(MemoryCluster):
    """Counts who wants to raise the edition; the first try meets no database."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.wanted: list[int] = []

    async def raise_edition(self, term: Term, wanted: int) -> int:
        self.wanted.append(wanted)
        if len(self.wanted) == 1:
            raise Unavailable("away")
        return wanted


def a_peer(node: NodeName, edition: int, **more: object) -> Peer:
    told = {"node": node, "epoch": 1, "counter": 1, "fence": 1, "edition": edition, **more}
    return Peer(**told)  # type: ignore[arg-type]


def a_look(*others: Peer, written: int = EDITION - 1) -> Look:
    mine = a_peer(ME, EDITION)
    return Look(began=0.0, ended=0.0, timeline=1, peers=(mine, *others), written=written)


@pytest.mark.parametrize(
    ("other", "raised"),
    [
        (a_peer(OTHER, EDITION), True),
        (a_peer(OTHER, EDITION + 1), True),
        (a_peer(OTHER, EDITION - 1), False),
        (a_peer(OTHER, EDITION - 1, state="leaving"), False),
        (a_peer(OTHER, EDITION - 1, state="stopped"), True),
        (a_peer(OTHER, EDITION - 1, fence=2), True),
    ],
)
def test_only_whoever_is_there_and_older_is_waited_for(other: Peer, raised: bool) -> None:
    async def story() -> None:
        async with running(a_house(new_tables()), ME) as one:
            one.node.ledger.written = EDITION - 1
            rows = Rows(one.store)
            editions = Editions(one.node.ledger, one.node.writer, rows)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(editions.run())
                editions.note(a_look(other))
                await asyncio.sleep(60.0)  # of virtual time
                assert rows.wanted == ([EDITION, EDITION] if raised else [])
                assert one.node.ledger.written == (EDITION if raised else EDITION - 1)
                task.cancel()

    run(story())


def test_what_another_node_has_raised_is_learned_with_the_next_look() -> None:
    async def story() -> None:
        async with running(a_house(new_tables()), ME) as one:
            one.node.ledger.written = EDITION - 1
            editions = Editions(one.node.ledger, one.node.writer, Rows(one.store))
            editions.note(a_look(written=EDITION))
            assert one.node.ledger.written == EDITION
            editions.note(a_look(written=EDITION - 1))
            assert one.node.ledger.written == EDITION

    run(story())
