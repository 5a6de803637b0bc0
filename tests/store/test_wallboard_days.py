"""What nodes counted today, on PostgreSQL: of a node's lives the later one counts."""

import pytest
from msgspec.structs import replace

from gateway.core.ids import NodeName, QueueName
from gateway.core.model import ChannelKind
from gateway.core.wallboard_days import Counts, QueueDay
from gateway.store.contract import Term
from gateway.store.opening import Store

pytestmark = pytest.mark.integration
EU, US = NodeName("eu-1"), NodeName("us-1")
DAY = QueueDay(
    name=QueueName("general"),
    day="2026-03-02",
    today=Counts(offered=3, answered=2, timed=2, in_time=1),
    kinds={ChannelKind.VOICE: 3},
    minutes={29_541_060: Counts(offered=3)},
)


async def test_days_are_kept_by_node_and_an_earlier_life_changes_nothing(store: Store) -> None:
    rows = store.wallboard
    await rows.keep(Term(node=EU, epoch=2), [DAY])
    await rows.keep(Term(node=US, epoch=1), [])
    assert await rows.all() == {EU: (DAY,), US: ()}
    await rows.keep(Term(node=EU, epoch=1), [])
    later = replace(DAY, today=Counts(offered=4))
    await rows.keep(Term(node=US, epoch=1), [later])
    assert await rows.all() == {EU: (DAY,), US: (later,)}
    await store.pool.execute(
        "UPDATE wallboard_day SET doc = '{\"strange\": 1}' WHERE node = 'us-1'"
    )
    assert (await rows.all())[US] == ()
    await store.pool.execute("UPDATE wallboard_day SET changed_at = now() - interval '3 days'")
    assert await rows.all() == {}
