"""How often items of a queue were taken by who picked them, and offers missed or declined. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from gateway.core import events as e
from gateway.core.ids import QueueName
from gateway.core.state import NodeState

Outcome = Literal["taken", "missed", "declined"]
_OFFERS: Mapping[type[Any], Outcome] = {e.OfferMissed: "missed", e.OfferDeclined: "declined"}


class Outcomes:
    """By queue and outcome, since it was made."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[QueueName, Outcome]] = Counter()

    def note(self, state: NodeState, event: e.Event) -> None:
        """Something was recorded; ``state`` is as it is right after it."""
        if type(event) is e.ItemAssigned:
            if event.taken:
                self.counts[state.items[event.item].queue, "taken"] += 1
        elif isinstance(event, e.OfferMissed | e.OfferDeclined):
            self.counts[state.items[event.item].queue, _OFFERS[type(event)]] += 1
