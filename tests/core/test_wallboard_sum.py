"""The wallboard of several nodes: shares added up, told by differences."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.ids import NodeName, QueueName
from gateway.core.merge_patch import difference, patched
from gateway.core.model import ChannelKind
from gateway.core.pool import NodeCapacity, Tally
from gateway.core.wallboard import Wallboard
from gateway.core.wallboard_days import Counts, QueueDay
from gateway.core.wallboard_sum import Board, Known, document, together
from tests.support.builders import GENERAL, START, House, agent, needs, queue

VECTORS = Path(__file__).parent.parent / "vectors" / "board" / "patches.json"
PATCHES = json.loads(VECTORS.read_text())
_JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)
_DOCUMENTS = st.dictionaries(st.sampled_from("abcde"), _JSON)


@settings(max_examples=50, deadline=None)
@given(_DOCUMENTS, _DOCUMENTS)
def test_a_document_with_the_difference_is_the_other_one(before: Any, after: Any) -> None:
    patch = difference(before, after)
    assert patched(before, patch) == after
    assert difference(after, after) == {}


def test_a_difference_tells_no_more_than_has_changed() -> None:
    before = {"queues": {"a": {"waiting": 1, "ready": 2}, "b": {"waiting": 0}}, "at": 1}
    after = {"queues": {"a": {"waiting": 2, "ready": 2}}, "at": 1}
    assert difference(before, after) == {"queues": {"a": {"waiting": 2}, "b": None}}


@pytest.mark.parametrize("one", PATCHES, ids=lambda one: one["about"])
def test_changes_are_applied_as_the_vectors_say(one: Any) -> None:
    assert patched(one["board"], one["changed"]) == one["gives"]


def share(house: House, name: str = "n1", age: float = 0.0) -> NodeCapacity:
    tally, board = Tally(house.state), Wallboard(house.state)
    tally.settle()
    board.settle()
    now = house.clock.now()
    capacity = replace(tally.capacity(now), board=board.share(now))
    return NodeCapacity(node=NodeName(name), region="eu", age=age, capacity=capacity)


def board(house: House, *nodes: NodeCapacity, **more: Any) -> Board:
    known = Known(queues=house.state.queues)
    return together(nodes or [share(house)], known, house.clock.now(), **more)


def test_two_nodes_are_added_up() -> None:
    house = House(
        *(agent(name, de=2) for name in ("ana", "bob", "cid")),
        queues=[queue(display_name="General care")],
    )
    house.sign_in("ana")
    house.new_item(requirement=needs(hu=1))
    house.pass_time(10)
    one = share(house)
    both = board(house, one, replace(one, node=NodeName("n2"), age=9.0))
    assert both.queues[GENERAL].name == "General care"
    assert both.queues[GENERAL].waiting == both.total.waiting == 2
    assert both.total.oldest_at == house.state.items[next(iter(house.state.items))].queued_at
    assert (both.agents.ready, both.agents.offline) == (2, 1)
    assert both.kinds[ChannelKind.EMAIL].waiting == 2
    (cover,) = both.coverage.values()
    assert (cover.skills, cover.waiting, cover.ready, cover.signed_in) == ({"hu": 1}, 2, 0, 0)
    assert {name: node.late for name, node in both.nodes.items()} == {"n1": False, "n2": True}


def test_who_is_busy_could_take_what_nobody_is_free_for() -> None:
    house = House(agent("ana", de=2))
    house.sign_in("ana")
    house.new_item(kind=ChannelKind.VOICE)
    house.accept("ana")
    house.new_item(kind=ChannelKind.VOICE, requirement=needs(de=2))
    (cover,) = board(house).coverage.values()
    assert (cover.ready, cover.signed_in) == (0, 1)


def test_what_a_node_that_is_gone_counted_today_still_counts() -> None:
    house = House(agent("ana"))
    house.new_item()
    minute = int(START.timestamp() // 60)
    counts = Counts(offered=4, answered=4, timed=4, in_time=3)
    day = QueueDay(name=GENERAL, day="2026-03-02", today=counts, minutes={minute: counts})
    other = replace(day, day="2026-03-01", minutes={})
    found = board(house, gone=[day, other])
    assert found.queues[GENERAL].today.answered == 4
    assert found.total.today.service_level == found.total.last_15.service_level == 0.75
    strange = replace(day, name=QueueName("gone"))
    assert QueueName("gone") not in board(house, gone=[strange]).queues


def test_the_document_holds_no_null_and_no_age() -> None:
    house = House(agent("ana"))
    house.sign_in("ana", ready=False)
    house.new_item()
    before = document(board(house))
    assert b"null" not in msgspec.json.encode(before)
    house.pass_time(3)
    assert difference(before, document(board(house))) == {}


def test_what_is_expected_is_told_of_queues_where_somebody_waits() -> None:
    house = House(agent("ana"), queues=[queue(), queue("sales")])
    house.new_item()
    found = board(house, expects=lambda queue, _kind, waiting, _nodes: 61.0 + waiting)
    assert found.queues[GENERAL].expected == 60
    assert found.total.expected == 60
    nobody = board(house)
    assert "expected" not in document(nobody)["total"]
