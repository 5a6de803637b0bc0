"""Counts of who writes how often, on a real PostgreSQL."""

from datetime import timedelta

import pytest

from gateway.core.ids import NodeName
from gateway.core.paces import Step
from gateway.store.opening import Store
from tests.support.builders import START

N1, N2 = NodeName("n1"), NodeName("n2")
pytestmark = pytest.mark.integration


async def test_counts_are_shared_rise_only_and_are_forgotten(store: Store) -> None:
    start = int(START.timestamp())
    steps = [Step("in:domain:messages", key, N1, start, 2) for key in ("b", "a")]
    await store.paces.store(steps)
    position, found = await store.paces.read(0, START)
    assert sorted(found, key=lambda one: one.key) == sorted(steps, key=lambda one: one.key)
    lower, other = Step(steps[0].what, "b", N1, start, 1), Step(steps[0].what, "b", N2, start, 7)
    await store.paces.store([lower, other])
    newer, found = await store.paces.read(position, START)
    assert newer > position
    assert {(one.node, one.count) for one in found if one.key == "b"} == {(N1, 2), (N2, 7)}
    assert (await store.paces.read(newer, START + timedelta(seconds=1)))[1] == []
    await store.paces.forget(START + timedelta(seconds=1))
    assert (await store.paces.read(0, START))[1] == []
