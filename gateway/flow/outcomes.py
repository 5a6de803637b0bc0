"""Counts of what customers were owed or asked and what became of it, since the process began."""

from collections import Counter
from collections.abc import Sequence

from gateway.core import events as e
from gateway.core.ids import ChannelName, QueueName
from gateway.core.model import ChannelKind, Item, Message
from gateway.flow.ledger import Ledger


class Outcomes:
    """How often each thing has happened, by queue; of what is on disk."""

    def __init__(self, ledger: Ledger) -> None:
        self.counts: Counter[tuple[str, QueueName]] = Counter()
        self.asked: Counter[tuple[str, QueueName]] = Counter()
        self.automatic: Counter[tuple[str, ChannelName]] = Counter()
        ledger.subscribe(self._landed)

    def _landed(self, entries: Sequence[e.Entry]) -> None:
        for entry in entries:
            if type(entry.event) in _COUNTED and (what := _of(entry.event)) is not None:
                self.counts[what] += 1
            elif isinstance(event := entry.event, e.CustomerAsked | e.CustomerAnswered):
                asked = event.asked
                made = "asked" if asked.what == "question" else "offered"
                self.asked[f"{asked.what}_{asked.ended or made}", event.queue] += 1
            elif (mail := _automatic(entry)) is not None:
                self.automatic[mail] += 1


def _automatic(entry: e.Entry) -> tuple[str, ChannelName] | None:
    """A mail that a machine of ours has written, or that a budget kept from being written."""
    event = entry.event
    if type(event) is e.AutomaticWithheld:
        return f"withheld_{event.of}", event.channel
    if type(event) is not e.MessageAdded or event.direction != "out" or not event.automatic:
        return None
    said = next((row for row in entry.rows if type(row) is Message), None)
    mail = said is not None and said.kind is ChannelKind.EMAIL
    return ("sent", said.channel) if said is not None and mail else None


_COUNTED = frozenset(
    {e.ItemCreated, e.CallbackTried, e.PromiseKept, e.PromiseBroken, e.AbandonmentAnswered}
)


def _of(event: e.Event) -> tuple[str, QueueName] | None:
    match event:
        case e.ItemCreated(item=item):
            what = _made(item)
            return (what, item.queue) if what else None
        case e.CallbackTried(outcome=outcome, queue=queue):
            return f"callback_{outcome}", queue
        case e.PromiseKept(queue=queue) | e.PromiseBroken(queue=queue):
            return "promise_kept" if type(event) is e.PromiseKept else "promise_broken", queue
        case e.AbandonmentAnswered(then=then, queue=queue):
            return f"abandoned_{then}", queue
        case _:
            return None


def _made(item: Item) -> str:
    if item.callback is not None:
        return "callback_asked"
    return "promise_made" if item.promise is not None else ""
