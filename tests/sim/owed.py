"""What customers are owed, and what happens by rule, once and no more: the audit of the journal."""

from collections import Counter, defaultdict

from gateway.core import events as e
from gateway.core.ids import AlarmName, CaseId, ItemId, MessageId
from gateway.core.lifecycle import ENDED
from gateway.core.model import Item, ItemState, Message
from gateway.core.owed import Callback, Promise
from tests.sim.house import BUSY, STILL_THERE
from tests.sim.outside import Outside
from tests.sim.promises import need
from tests.support.memory_tables import Tables


class Owed:
    """Goes through all journals once, in the order of the commits, then says what must hold."""

    def __init__(self, tables: Tables, outside: Outside) -> None:
        self.held: dict[str, int] = {}
        self._tables = tables
        self._outside = outside
        self._calls: defaultdict[CaseId, set[ItemId]] = defaultdict(set)
        self._called: set[CaseId] = set()
        self._tried: Counter[ItemId] = Counter()
        self._promised: Counter[ItemId] = Counter()
        self._due: Counter[ItemId] = Counter()
        self._fired: Counter[tuple[str, str, str]] = Counter()
        self._asked_by_rule: Counter[ItemId | None] = Counter()
        self._cared: Counter[tuple[str, str]] = Counter()
        self._reviews: dict[str, e.ReviewAsked] = {}
        self._verdicts: dict[str, tuple[e.ReviewEnded, e.Entry]] = {}
        self._last: dict[ItemId, Item] = {}
        self._raised: set[AlarmName] = set()

    def audit(self) -> None:
        breath = None
        for entry in self._tables.journal.values():
            if entry.at != breath:
                self._one_call_each()
                breath = entry.at
            self._event(entry)
            for row in entry.rows:
                if type(row) is Item:
                    self._item(row, entry)
        self._one_call_each()
        self._call_backs_were_made()
        self._promises_were_told_of_once()
        said: defaultdict[tuple[ItemId | None, str], list[Message]] = defaultdict(list)
        for message in self._tables.messages.values():
            if message.direction == "out":
                said[message.item, message.body].append(message)
        self._what_was_held_left_when_it_was_let(said)
        for (item, body), messages in said.items():
            if body == STILL_THERE:
                need(
                    len(messages) == self._asked_by_rule[item],
                    f"{item} was asked {len(messages)} times, not {self._asked_by_rule[item]}",
                )
            elif body == BUSY:
                need(len(messages) == 1, f"{item} was told {len(messages)} times that many wait")

    # -- one entry --------------------------------------------------------------------------

    def _event(self, entry: e.Entry) -> None:
        match entry.event:
            case e.CallbackTried(item=item, attempt=attempt):
                self._tried[item] += 1
                need(attempt == self._tried[item], f"{item}: attempt {attempt} counted anew")
            case e.PromiseKept(item=item) | e.PromiseBroken(item=item):
                self._promised[item] += 1
                need(self._promised[item] == 1, f"{item} was kept and broken, or twice")
            case e.RuleFired(item=item, rule=rule, cause=cause, did=did) if cause:
                self._fired[item, rule, cause] += 1
                need(self._fired[item, rule, cause] == 1, f"{item}: {rule} fired twice, {cause}")
                self._asked_by_rule[item] += rule == "ask" and "a reply" in did
            case e.AlarmRaised(alarm=alarm):
                need(alarm.name not in self._raised, f"{alarm.name} raised twice")
                self._raised.add(alarm.name)
            case e.AlarmEnded(alarm=name):
                need(name in self._raised, f"{name} ended twice")
                self._raised.discard(name)
            case e.ItemCared(item=item, act=act):
                self._cared[item, act] += 1
                need(self._cared[item, act] == 1, f"{item}: {act} twice")
            case e.ReviewAsked(review=review) as asked:
                need(review.id not in self._reviews, f"review {review.id} asked for twice")
                self._reviews[review.id] = asked
            case e.ReviewEnded(review=name) as ended:
                need(name not in self._verdicts, f"review {name} ended twice")
                self._verdicts[name] = ended, entry
            case _:
                pass

    def _item(self, item: Item, entry: e.Entry) -> None:
        before = self._last.get(item.id)
        self._last[item.id] = item
        if item.callback is not None:
            self._one_call(before, item, item.callback)
            if before is not None and before.callback is not None:
                kept = before.callback.since == item.callback.since
                need(kept, f"{item.id}: the call-back has lost its place")
        if item.promise is not None and before is not None:
            self._one_promise(before, item, item.promise, entry)
        if before is not None and before.queued_at != item.queued_at:
            _wait_began(before, item, entry)

    def _one_call_each(self) -> None:
        """A case that is merged brings its own, and one of them ends in the same breath."""
        for case in self._called:
            there = self._calls[case]
            need(len(there) <= 1, f"case {case} has several call-backs: {there}")
        self._called.clear()

    def _one_call(self, before: Item | None, item: Item, callback: Callback) -> None:
        if before is not None and before.case != item.case:
            self._calls[before.case].discard(item.id)
        there = self._calls[item.case]
        if item.state in ENDED:
            there.discard(item.id)
            return
        there.add(item.id)
        self._called.add(item.case)
        if callback.at is not None and item.state is ItemState.SCHEDULED:
            need(item.wake_at, f"{item.id}: nothing will wake the call-back")

    def _one_promise(self, before: Item, item: Item, promise: Promise, entry: e.Entry) -> None:
        if before.state is not ItemState.SCHEDULED or item.state is not ItemState.QUEUED:
            return
        self._due[item.id] += 1
        need(self._due[item.id] == 1, f"{item.id}: the promise came due twice")
        need(entry.at >= promise.due_at, f"{item.id}: due before its time")

    # -- in the end -------------------------------------------------------------------------

    def _call_backs_were_made(self) -> None:
        """Each that was asked for is there; each ended by a call, or because it was not needed."""
        for visitor in self._outside.visitors.values():
            for wish, made in visitor.wishes.items():
                known = self._tables.items.get(made)
                need(known and known.callback, f"{visitor.name}'s {wish} was lost: {made}")
        for item in self._tables.items.values():
            if item.callback is None:
                continue
            tried = self._tried[item.id]
            need(item.callback.attempts == tried, f"{item.id}: {tried} attempts, not counted")
            called = item.state is ItemState.COMPLETED and item.code in ("reached", "not_reached")
            need(not called or tried > 0, f"{item.id}: {item.code} without an attempt")

    def _promises_were_told_of_once(self) -> None:
        for item in self._tables.items.values():
            if item.promise is not None and item.state is ItemState.COMPLETED:
                told = self._promised[item.id]
                need(told == 1, f"the promise {item.id} was told of {told} times")

    def _what_was_held_left_when_it_was_let(
        self, said: dict[tuple[ItemId | None, str], list[Message]]
    ) -> None:
        for name, asked in self._reviews.items():
            known = self._verdicts.get(name)
            item = self._tables.items[asked.item]
            note = asked.review.message
            if known is None:
                need(note is None, f"{item.id} is {item.state}; nobody judged its reply {name}")
                continue
            if note is not None:
                self._one_reply(note, asked, *known, said)

    def _one_reply(
        self,
        note: MessageId,
        asked: e.ReviewAsked,
        ended: e.ReviewEnded,
        entry: e.Entry,
        said: dict[tuple[ItemId | None, str], list[Message]],
    ) -> None:
        held = self._tables.messages[note]
        need(note not in self._outside.post.arrived, f"{note} left before it was read")
        left = said.get((asked.item, held.body), [])
        wanted = int(ended.verdict == "released")
        need(len(left) == wanted, f"{held.body!r} was {ended.verdict}, and left {len(left)} times")
        self.held[held.body] = wanted
        for message in left:
            need(message.at >= entry.at, f"{held.body!r} left before it was let")
            files = [one.id for one in message.attachments]
            need(files == [one.id for one in held.attachments], f"{held.body!r} lost its files")


def _wait_began(before: Item, item: Item, entry: e.Entry) -> None:
    """A wait begins when an item is queued for the first time or anew, and goes on else."""
    event, where = entry.event, f"{item.id}: waits since {item.queued_at}, not {before.queued_at}"
    need(isinstance(event, e.ItemQueued), f"{where}, after {type(event).__name__}")
    if isinstance(event, e.ItemQueued):
        fresh = before.queued_at is None or event.restart or event.since is not None
        need(fresh, f"{where}, though it goes on")
        need(item.queued_at == (event.since or entry.at), where)
