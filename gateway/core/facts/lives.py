"""The facts of a case: its entries, one by one, become what was counted and what lasted.

A *wait* begins when an item comes to a queue from elsewhere, and ends in one of three ways: it is
answered, abandoned, or flows out (to another queue, to later, or it is closed unanswered). Offers
that are declined, missed or withdrawn end none. So ``offered = answered + abandoned + flowed_out +
still waiting``, always.

Entries that do not follow from each other (of nodes whose clocks differ, or the first of which
have been dropped) are taken as they are: what is over is over, and nothing is ever raised.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.core.facts.life import Life
from gateway.core.facts.matters import in_order
from gateway.core.facts.of_cases import CASE_ACTS, Act
from gateway.core.facts.of_items import ITEM_ACTS
from gateway.core.facts.values import CaseFacts, Told

_ACTS: Mapping[type[Any], Act] = {**CASE_ACTS, **ITEM_ACTS}
COUNTED = frozenset(_ACTS)
"""The events that facts of cases are made of."""


def facts_of(entries: Iterable[Told]) -> CaseFacts:
    """All facts of these cases. The same entries in whatever order, or twice, give the same."""
    life = Life()
    for told in in_order(entries):
        act = _ACTS.get(type(told.event))
        if act is not None:
            act(life, told, told.event)
    return life.facts()


def of_items(facts: CaseFacts) -> CaseFacts:
    """What is about work items alone: the beginning of the case is not in the journal any more."""
    return CaseFacts(
        items=facts.items,
        moments=[one for one in facts.moments if one.item is not None],
        segments=[one for one in facts.segments if one.item is not None],
    )
