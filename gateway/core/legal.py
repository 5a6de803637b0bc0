"""Whether changes can be applied, found out before the first of them is."""

from collections.abc import Sequence

from gateway.core import events as e
from gateway.core.errors import IllegalMove
from gateway.core.ids import CaseId, ItemId, OutboundId
from gateway.core.lifecycle import step
from gateway.core.model import ItemState, OutboundState
from gateway.core.state import NodeState


def check(state: NodeState, changes: Sequence[e.Change]) -> None:
    """Walk the state table, and see that all that is named is there. Raises ``IllegalMove``."""
    walk = _Walk(state)
    for change in changes:
        walk.take(change.event)


class _Walk:
    """What the changes so far would have made of the state."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._items: dict[ItemId, ItemState] = {}
        self._cases: set[CaseId] = set()
        self._outbox: dict[OutboundId, bool] = {}

    def take(self, event: e.Event) -> None:
        match event:
            case e.CaseOpened(case=case):
                self._cases.add(case.id)
            case e.CaseChanged(case=known) | e.MessageAdded(case=known):
                self._need(known in self._cases or known in self._state.cases, event)
            case e.ItemCreated(item=item):
                self._need(item.case in self._cases or item.case in self._state.cases, event)
                self._items[item.id] = item.state
            case e.ItemReprioritised(item=item_id):
                self._state_of(item_id, event)
            case e.OutboundQueued(outbound=outgoing):
                self._outbox[outgoing.id] = True
            case e.OutboundAttempted(outbound=out):
                self._need(self._is_waiting(out), event)
            case e.OutboundSettled(outbound=out, state=settled):
                self._need(self._is_waiting(out), event)
                self._outbox[out] = settled is OutboundState.PENDING
            case e.AgentRemoved(agent=agent):
                self._need(agent in self._state.profiles, event)
            case _ if isinstance(event, e.ItemMove):
                self._items[event.item] = step(self._state_of(event.item, event), event)
            case _:
                pass

    def _state_of(self, item: ItemId, event: e.Event) -> ItemState:
        if item in self._items:
            return self._items[item]
        known = self._state.items.get(item)
        if known is None:
            raise IllegalMove("not there", type(event).__name__)
        return known.state

    def _is_waiting(self, outbound: OutboundId) -> bool:
        return self._outbox.get(outbound, outbound in self._state.outbox)

    def _need(self, there: bool, event: e.Event) -> None:  # noqa: FBT001 - an assertion
        if not there:
            raise IllegalMove("not there", type(event).__name__)
