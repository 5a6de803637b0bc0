"""When a queue may go, and what is said when it may not."""

import pytest

from gateway.core import events as e
from gateway.core.clocks import ServicePolicy
from gateway.core.errors import IllegalMove, Refused
from gateway.core.folds import apply
from gateway.core.ids import AgentName, ItemId, NodeName, PolicyName, QueueName
from gateway.core.legal import check
from gateway.core.model import ItemState, Queue
from gateway.core.queues import remove
from gateway.core.state import NodeState
from tests.support.builders import START, agent, item, queue

OLD, SUE = QueueName("old"), AgentName("sue")


def a_state() -> NodeState:
    state = NodeState(NodeName("n1"))
    state.queues = {OLD: queue(OLD), QueueName("general"): queue()}
    return state


def _apply(state: NodeState, change: e.Change) -> tuple[Queue, ...]:
    return apply(state, change.event, START)  # type: ignore[return-value]


def refusal(state: NodeState, name: QueueName = OLD) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        remove(state, name, SUE)
    return refused.value.code, refused.value.detail


def test_a_queue_that_nobody_needs_goes() -> None:
    state = a_state()
    change = remove(state, OLD, SUE)
    check(state, [change])
    (gone,) = _apply(state, change)
    assert (gone.name, gone.active) == (OLD, False)
    assert list(state.queues) == ["general"]
    with pytest.raises(IllegalMove):
        check(state, [change])
    assert refusal(state) == ("not_found", "there is no queue 'old'")


def test_what_is_still_in_it_is_counted() -> None:
    state = a_state()
    states = [ItemState.QUEUED, ItemState.QUEUED, ItemState.HELD, ItemState.ASSIGNED]
    for n, one in enumerate(states):
        state.put(item(one, id=ItemId(str(n)), queue=OLD))
    code, detail = refusal(state)
    assert code == "conflict"
    assert detail == (
        "2 items are waiting and 1 item is put aside and 1 item is in agents' hands in queue 'old':"
        " move or close them first"
    )


def test_agents_who_work_in_it_are_named() -> None:
    state = a_state()
    for n in range(7):
        state.define_agent(agent(f"a{n}", queues=["old"]))
    assert refusal(state)[1].startswith("a0, a1, a2, a3, a4 and 2 more work in queue 'old'")
    moved = [agent(name, queues=["general"]) for name in state.profiles]
    assert isinstance(remove(state, OLD, SUE, moved).event, e.QueueRemoved)


def test_a_queue_to_which_a_policy_sends_what_is_overdue_stays() -> None:
    state = a_state()
    gold = ServicePolicy(name=PolicyName("gold"), level_queues={"2": OLD})
    state.put_entry(gold)
    assert refusal(state)[1].startswith("service policy 'gold' sends what is overdue to queue")
    assert isinstance(remove(state, OLD, SUE, policies=()).event, e.QueueRemoved)


def test_the_last_queue_stays() -> None:
    state = a_state()
    _apply(state, remove(state, OLD, SUE))
    assert refusal(state, QueueName("general"))[0] == "conflict"
