"""The state table, walked."""

import itertools
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from gateway.core import events as e
from gateway.core.errors import IllegalMove
from gateway.core.lifecycle import ENDED, IN_HAND, MOVES, allows, diagram, step
from gateway.core.model import ItemState

STATES = list(ItemState)
EVENTS: list[type[Any]] = list(get_args(e.ItemMove))
CELLS = list(itertools.product(STATES, EVENTS))


def event_of(kind: type[Any]) -> Any:
    """``step`` looks at the type alone."""
    return kind(**{f.name: None for f in fields(kind) if f.required})


@pytest.mark.parametrize(("state", "kind"), CELLS)
def test_a_move_is_in_the_table_or_is_refused(state: ItemState, kind: type[Any]) -> None:
    if (state, kind) in MOVES:
        assert step(state, event_of(kind)) is MOVES[state, kind]
        assert allows(state, kind)
    else:
        assert not allows(state, kind)
        with pytest.raises(IllegalMove) as refused:
            step(state, event_of(kind))
        assert (refused.value.state, refused.value.event) == (state, kind.__name__)


def test_the_table_speaks_of_moves_only() -> None:
    assert {kind for _, kind in MOVES} == set(EVENTS), "every move is used, nothing else is"


@pytest.mark.parametrize("end", sorted(ENDED))
def test_nothing_leaves_an_end(end: ItemState) -> None:
    assert not [kind for state, kind in MOVES if state is end]


@pytest.mark.parametrize("state", [s for s in STATES if s not in ENDED])
def test_every_open_state_leads_to_an_end(state: ItemState) -> None:
    assert reachable(state) & ENDED


def test_every_state_can_be_reached_from_new() -> None:
    assert reachable(ItemState.NEW) == set(STATES)


def reachable(state: ItemState) -> set[ItemState]:
    seen, edge = {state}, {state}
    while edge:
        edge = {to for (at, _), to in MOVES.items() if at in edge} - seen
        seen |= edge
    return seen


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_an_item_comes_into_a_hand_by_offer_or_assignment_only(kinds: list[type[Any]]) -> None:
    state = ItemState.NEW
    for kind in kinds:
        if not allows(state, kind):
            continue
        before, state = state, step(state, event_of(kind))
        if before not in IN_HAND and state in IN_HAND:
            assert kind in (e.OfferMade, e.ItemAssigned)


def test_the_diagram_draws_every_move_and_every_end() -> None:
    drawn = diagram()
    assert drawn.count("-->") == len(MOVES) + 1 + len(ENDED)
    for (state, kind), to in MOVES.items():
        assert f"    {state} --> {to}: {kind.__name__}\n" in drawn + "\n"
