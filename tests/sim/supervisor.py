"""A supervisor who looks at what rules keep back, at whichever node it is just then."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Never

from gateway.core import acts
from gateway.core import events as e
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import ItemId
from gateway.core.merging import Merge, Separate, merge, separate
from gateway.core.model import AgentProfile, Item, ItemState
from gateway.core.replies import conclude, review_of
from gateway.core.watch import NOTHING, Review, Verdict
from gateway.flow.joining import Both, Joining
from gateway.flow.node import Node
from gateway.flow.whose import Elsewhere
from gateway.store.contract import Unavailable
from tests.sim.house import SUE, change_something
from tests.support.simworld import Life

Place = tuple[Life, Node]


def _wants_a_look(item: Item) -> bool:
    kept_back = item.state is ItemState.SCHEDULED and item.wake_at is None
    return kept_back or bool((item.watch or NOTHING).reviews)


async def _nothing() -> None:
    """It has not been asked before."""


def _tied(node: Node, both: Both, *, again: bool) -> list[e.Change]:
    state, ctx = node.ledger.state, node.ledger.context()
    sue = AgentProfile(name=SUE, role="supervisor")
    if again:
        apart = Separate(
            case=both.case,
            into=both.into,
            by=sue,
            reason="not the same",
            last=both.last,
            into_last=both.into_last,
        )
        return separate(state, ctx, apart)
    wish = Merge(case=both.case, into=both.into, by=sue, reason="the same", strangers=True)
    return merge(state, ctx, wish)


class Supervisor:
    """``places`` are the nodes that serve. ``calm``: only what is there is dealt with."""

    def __init__(
        self,
        dice: random.Random,
        places: Callable[[], Sequence[Place]],
        fault: Callable[[str], None],
    ) -> None:
        self.calm = False
        self._dice = dice
        self._places = places
        self._fault = fault

    async def run(self) -> Never:
        while True:
            await asyncio.sleep(self._dice.uniform(1.0, 5.0))
            for life, node in self._places():
                for item in [*node.ledger.state.items.values()]:
                    if _wants_a_look(item) and (self.calm or self._dice.random() < 0.5):
                        life.spawn(self._look(life, node, item))
            if not self.calm and self._dice.random() < 0.08:
                self._apply()
            places = self._places()
            if places and not self.calm and self._dice.random() < 0.15:
                life, node = self._dice.choice(places)
                life.spawn(self._tie(life, node))

    def _apply(self) -> None:
        """The house is declared anew, at any node."""
        places = self._places()
        if places:
            life, node = self._dice.choice(places)
            if change_something(node, self._dice):
                self._fault("settings changed")
                life.passes("settings.recorded")

    async def _tie(self, life: Life, node: Node) -> None:
        """Two cases are made one, or one of them is taken out again."""
        joining = Joining(node.ledger, node.lookup, node.whose, lambda: node.desk.afar)
        cases = sorted(node.ledger.state.cases.values(), key=lambda case: case.id)
        apart = [link for case in cases if case.ties for link in case.ties.how("merged_here")]
        if len(cases) < 2:
            return
        case, into = (case.id for case in self._dice.sample(cases, 2))
        again = bool(apart) and self._dice.random() < 0.5
        if again:
            case = self._dice.choice(apart).case
            try:
                known = await node.lookup.case(case)
            except Unavailable:
                return
            if known is None or known.ties is None or known.ties.into is None:
                return
            into = known.ties.into
        try:
            both = await joining.both(case, into, SUE, _nothing)
        except (Refused, Unavailable, Elsewhere):
            return
        try:
            if life.alive:
                node.ledger.check_open()
                node.ledger.record(_tied(node, both, again=again))
                self._fault("cases taken apart" if again else "cases merged")
                life.passes("ties.recorded")
        except Refused:
            return
        finally:
            if life.alive:
                joining.release(case, into)

    async def _look(self, life: Life, node: Node, item: Item) -> None:
        """What a person would do over REST: read it, and say what becomes of it."""
        if item.state is ItemState.SCHEDULED and item.wake_at is None:
            self._give_back(life, node, item.id)
        for review in (item.watch or NOTHING).reviews:
            try:
                await self._conclude(life, node, item.id, review)
            except (Refused, Unavailable):
                return

    def _give_back(self, life: Life, node: Node, item: ItemId) -> None:
        try:
            node.ledger.check_open()
            node.ledger.record(acts.requeue(node.ledger.state, item, None, SUE, "read"))
        except Refused:
            return
        self._fault("kept back, and given back")
        life.passes("requeue.recorded")

    async def _conclude(self, life: Life, node: Node, key: ItemId, review: Review) -> None:
        ledger, message = node.ledger, None
        if review.message is not None:
            await ledger.committed(ledger.position)
            message = await node.lookup.message(review.message)
        ledger.check_open()
        item = ledger.state.items.get(key)
        if item is None or not life.alive:
            return
        verdict: Verdict = "seen"
        if review.message is not None:
            verdict = "released" if self._dice.random() < 0.7 else "refused"
        matter = Matter(ledger.state, ledger.context(), ledger.state.cases[item.case], item)
        fresh = review_of(item, review.id)
        ledger.record(conclude(matter, fresh, verdict, SUE, "", message))
        self._fault(f"review: {verdict}")
        life.passes("review.recorded")
