"""Whether changes can be applied, found out before the first of them is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.core import events as e
from gateway.core.errors import IllegalMove
from gateway.core.ids import CaseId, ItemId, OutboundId
from gateway.core.lifecycle import ENDED, MOVING, step
from gateway.core.model import ItemState, OutboundState
from gateway.core.state import NodeState


def check(state: NodeState, changes: Sequence[e.Change]) -> None:
    """Walk the state table, and see that all that is named is there. Raises ``IllegalMove``."""
    walk = _Walk(state)
    for change in changes:
        look = _LOOKS.get(type(change.event))
        if look is not None:
            look(walk, change.event)


class _Walk:
    """What the changes so far would have made of the state."""

    __slots__ = ("cases", "items", "outbox", "state")

    def __init__(self, state: NodeState) -> None:
        self.state = state
        self.items: dict[ItemId, ItemState] = {}
        self.cases: set[CaseId] = set()
        self.outbox: dict[OutboundId, bool] = {}

    def state_of(self, item: ItemId, event: e.Event) -> ItemState:
        if item in self.items:
            return self.items[item]
        known = self.state.items.get(item)
        if known is None:
            raise _not_there(event)
        return known.state

    def need_case(self, case: CaseId, event: e.Event) -> None:
        if case not in self.state.cases and case not in self.cases:
            raise _not_there(event)

    def need_outbound(self, outbound: OutboundId, event: e.Event) -> None:
        if not self.outbox.get(outbound, outbound in self.state.outbox):
            raise _not_there(event)


def _not_there(event: e.Event) -> IllegalMove:
    return IllegalMove("not there", type(event).__name__)


def _case_opened(walk: _Walk, event: e.CaseOpened) -> None:
    walk.cases.add(event.case.id)


def _about_case(
    walk: _Walk,
    event: e.CaseChanged
    | e.MessageAdded
    | e.CopyCame
    | e.CaseMerged
    | e.CaseSeparated
    | e.CaseLinked,
) -> None:
    walk.need_case(event.case, event)


def _item_created(walk: _Walk, event: e.ItemCreated) -> None:
    walk.need_case(event.item.case, event)
    walk.items[event.item.id] = event.item.state


def _item_adopted(walk: _Walk, event: e.ItemAdopted) -> None:
    if event.item.id in walk.items or event.item.id in walk.state.items:
        raise IllegalMove("ours", type(event).__name__)
    walk.cases.add(event.case.id)
    walk.items[event.item.id] = event.item.state


def _item_handed_over(walk: _Walk, event: e.ItemHandedOver) -> None:
    # What is offered is taken back first: an offer that the agent may accept goes nowhere.
    state = walk.state_of(event.item, event)
    if state is ItemState.OFFERED or state in ENDED:
        raise IllegalMove(state, type(event).__name__)


def _item_moved(walk: _Walk, event: e.ItemMove) -> None:
    walk.items[event.item] = step(walk.state_of(event.item, event), event)


def _outbound_queued(walk: _Walk, event: e.OutboundQueued) -> None:
    walk.outbox[event.outbound.id] = True


def _outbound_adopted(walk: _Walk, event: e.OutboundAdopted) -> None:
    walk.outbox[event.outbound.id] = True


def _outbound_attempted(walk: _Walk, event: e.OutboundAttempted | e.OutboundHandedOver) -> None:
    walk.need_outbound(event.outbound, event)


def _outbound_settled(walk: _Walk, event: e.OutboundSettled) -> None:
    walk.need_outbound(event.outbound, event)
    walk.outbox[event.outbound] = event.state is OutboundState.PENDING


def _agent_removed(walk: _Walk, event: e.AgentRemoved) -> None:
    if event.agent not in walk.state.profiles:
        raise _not_there(event)


def _agent_claimed(walk: _Walk, event: e.AgentClaimed) -> None:
    if walk.state.is_home_of(event.status.name):
        raise IllegalMove("ours", type(event).__name__)


def _agent_released(walk: _Walk, event: e.AgentReleased | e.AgentHandedOver) -> None:
    if event.agent not in walk.state.statuses:
        raise _not_there(event)


def _agent_reserved(walk: _Walk, event: e.AgentReserved) -> None:
    if event.reservation.agent not in walk.state.statuses:
        raise _not_there(event)


_Noted = e.CareEvent | e.CallbackChanged | e.CallbackTried | e.CopiesJoined


def _about_item(walk: _Walk, event: e.ServiceEvent | e.WatchEvent | _Noted) -> None:
    state = walk.state_of(event.item, event)
    if state in ENDED:
        raise IllegalMove(state, type(event).__name__)


def _item_refiled(walk: _Walk, event: e.ItemRefiled) -> None:
    walk.need_case(event.case, event)
    if (state := walk.state_of(event.item, event)) in ENDED:
        raise IllegalMove(state, type(event).__name__)


def _messages_split(walk: _Walk, event: e.MessagesSplit) -> None:
    walk.need_case(event.case, event)
    walk.need_case(event.into, event)


def _queue_removed(walk: _Walk, event: e.QueueRemoved) -> None:
    if event.queue not in walk.state.queues:
        raise _not_there(event)


_LOOKS: Mapping[type[Any], Callable[[_Walk, Any], None]] = {
    e.CaseOpened: _case_opened,
    e.CaseChanged: _about_case,
    e.MessageAdded: _about_case,
    e.CopyCame: _about_case,
    e.ItemCreated: _item_created,
    e.ItemAdopted: _item_adopted,
    e.ItemHandedOver: _item_handed_over,
    e.ItemReprioritised: _about_item,
    e.ItemRevalued: _about_item,
    e.ItemCared: _about_item,
    e.WaitTold: _about_item,
    e.WaitMeasured: _about_item,
    e.OutboundQueued: _outbound_queued,
    e.OutboundAdopted: _outbound_adopted,
    e.OutboundAttempted: _outbound_attempted,
    e.OutboundSettled: _outbound_settled,
    e.OutboundHandedOver: _outbound_attempted,
    e.ClocksSet: _about_item,
    e.ServiceLevelWarned: _about_item,
    e.ServiceLevelBreached: _about_item,
    e.ServiceLevelEscalated: _about_item,
    e.RuleFired: _about_item,
    e.MacroRun: _about_item,
    e.CustomerAsked: _about_item,
    e.CustomerAnswered: _about_item,
    e.ReviewAsked: _about_item,
    e.ReviewEnded: _about_item,
    e.ItemMisrouted: _about_item,
    e.CaseMerged: _about_case,
    e.CaseSeparated: _about_case,
    e.CaseLinked: _about_case,
    e.MessagesSplit: _messages_split,
    e.ItemRefiled: _item_refiled,
    e.CopiesJoined: _about_item,
    e.CallbackChanged: _about_item,
    e.CallbackTried: _about_item,
    e.AgentRemoved: _agent_removed,
    e.AgentClaimed: _agent_claimed,
    e.AgentReleased: _agent_released,
    e.AgentHandedOver: _agent_released,
    e.AgentReserved: _agent_reserved,
    e.QueueRemoved: _queue_removed,
    **dict.fromkeys(MOVING, _item_moved),
}
