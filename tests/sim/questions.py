"""What the simulated house asks its customers first, and what must hold of it."""

from collections import Counter

from gateway.core import events as e
from gateway.core.asking import SELF_SERVICE
from gateway.core.ids import ItemId, QueueName, RuleName
from gateway.core.lifecycle import ENDED
from gateway.core.model import Item, ItemState
from gateway.core.pending import pending
from gateway.core.rules.rule import Answer, Ask, Help, Rule, Then
from gateway.core.rules.when import When
from tests.sim.promises import need
from tests.support.memory_tables import Tables

LATER = QueueName("later")
PUZZLED, LOST = "puzzled", "lost"
"""Words on which the house asks, or helps, before anybody gets it."""
TOPIC, ARTICLE = "What is it about?", "This may help."
LABELS = ("A parcel", "An invoice")
ANSWERS = (*LABELS, "something else", "I want to talk to a person", "Yes, that helped")
"""What customers say to it, which need not be among what they were shown."""
ASKED = (
    Rule(
        name=RuleName("what about"),
        when=When(words=(PUZZLED,)),
        then=Then(
            ask=Ask(
                text=TOPIC,
                answers=(
                    Answer(label=LABELS[0], then=Then(queue=LATER, priority=3)),
                    Answer(label=LABELS[1], then=Then(help=Help(text=ARTICLE, wait=10.0))),
                ),
                otherwise=Then(tags=("unclear",)),
                wait=10.0,
            )
        ),
    ),
    Rule(
        name=RuleName("read this"),
        when=When(words=(LOST,)),
        then=Then(help=Help(text=ARTICLE, wait=12.0, silent="queue")),
    ),
)


class Questions:
    """Goes through all journals once; says what must hold of each question in the end."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._asked: Counter[tuple[ItemId, str]] = Counter()
        self._ended: Counter[ItemId] = Counter()
        self._last: dict[ItemId, e.CustomerAnswered] = {}

    def audit(self) -> None:
        for entry in self._tables.journal.values():
            match entry.event:
                case e.CustomerAsked() as asked:
                    self._one_question(asked)
                case e.CustomerAnswered(item=item) as answered:
                    self._one_answer(item, answered, entry)
                case e.ItemQueued(item=item, reason=reason) if item in self._last:
                    self._goes_on(item, reason, entry)
                case _:
                    pass
        self._each_was_said_once()
        for known in self._tables.items.values():
            self._one_item(known)

    def _one_question(self, asked: e.CustomerAsked) -> None:
        self._asked[asked.item, asked.asked.what] += 1
        times = self._asked[asked.item, asked.asked.what]
        need(times == 1, f"{asked.item} was asked {times} times: {asked.asked.what}")
        answered = self._ended[asked.item]
        open_before = sum(self._asked[asked.item, what] for what in ("question", "help")) - 1
        need(answered == open_before, f"{asked.item} is asked while it is asked")

    def _one_answer(self, item: ItemId, answered: e.CustomerAnswered, entry: e.Entry) -> None:
        asked = answered.asked
        if asked.ended != "late":
            self._ended[item] += 1
        told = sum(self._asked[item, what] for what in ("question", "help"))
        need(self._ended[item] <= told, f"{item}: {self._ended[item]} answers to {told} questions")
        if asked.ended == "silent":
            need(entry.at >= asked.until, f"{item}: given up before the time for an answer")
        self._last[item] = answered

    def _goes_on(self, item: ItemId, reason: str, entry: e.Entry) -> None:
        """It waits in the place that it had when it came."""
        asked = self._last[item].asked
        if not reason.startswith(f"rule {asked.rule!r}: ") or asked.ended == "late":
            return
        row = next(row for row in entry.rows if type(row) is Item)
        need(row.queued_at == asked.since, f"{item}: it has lost its place: {row.queued_at}")

    def _each_was_said_once(self) -> None:
        said: Counter[tuple[ItemId | None, str]] = Counter()
        for message in self._tables.messages.values():
            if message.direction == "out" and message.author.kind == "system":
                what = {TOPIC: "question", ARTICLE: "help"}.get(message.body.partition("\n")[0], "")
                if what:
                    said[message.item, what] += 1
        need(said == self._asked, f"asked {self._asked}, and said {said}")

    def _one_item(self, item: Item) -> None:
        asked = item.asked
        if asked is None:
            return
        need(pending(item) is None, f"{item.id} waits for an answer for ever")
        if item.state is ItemState.COMPLETED and item.code == SELF_SERVICE:
            helped = asked.ended == "solved"
            helped = helped or (asked.settled and asked.ended in ("silent", "left"))
            need(asked.what == "help" and helped, f"{item.id} ended by itself: {asked}")
        need(item.state not in ENDED or asked.ended, f"{item.id} ended while it was asked: {asked}")
