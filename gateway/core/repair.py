"""What should be impossible, looked for all the same: one item, one place (promise 4)."""

from datetime import timedelta

from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import Context
from gateway.core.lifecycle import IN_HAND
from gateway.core.model import Item, ItemState
from gateway.core.state import NodeState

LATE = timedelta(seconds=30)
"""How long after its deadline an offer that still stands counts as stuck."""


class Problem(Struct, frozen=True):
    """One impossible thing and the changes that put it right."""

    item: str
    text: str
    changes: tuple[e.Change, ...]


def problems(state: NodeState, ctx: Context) -> list[Problem]:
    """All that is wrong now; empty in every test."""
    found = []
    for item in state.items.values():
        text = _wrong(state, item, ctx)
        if text is not None:
            noted = e.Change(e.ItemRepaired(item=item.id, problem=text))
            found.append(Problem(item.id, text, (noted, *_repair(item, text))))
    return found


def _wrong(state: NodeState, item: Item, ctx: Context) -> str | None:
    if item.case not in state.cases:
        return "its case header is not in memory"
    if item.state not in IN_HAND:
        return None
    holder = item.offer.agent if item.offer else item.agent
    if holder is None:
        return f"{item.state.value} to nobody"
    if item.offer is not None and ctx.now - item.offer.deadline > LATE:
        return "offered long past its deadline"
    if all(held.id != item.id for held in state.in_hand(holder)):
        return f"not in the hands of {holder}, who should hold it"
    return None


def _repair(item: Item, text: str) -> list[e.Change]:
    if item.state is ItemState.OFFERED and item.offer is not None:
        gone = e.OfferWithdrawn(
            item=item.id, offer=item.offer.id, agent=item.offer.agent, reason=f"repaired: {text}"
        )
        return [e.Change(gone)]
    if item.state is ItemState.ASSIGNED:
        back = e.ItemQueued(item=item.id, queue=item.queue, reason=f"repaired: {text}")
        return [e.Change(back)]
    return []
