"""The journal of a day read as spells: each wait in a queue, and the work that ended it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.model import Item
from gateway.store.days import Happened


class Spell(Struct, kw_only=True):
    """One wait of an item, and what became of it; times that have not come are ``None``.

    ``left`` is when the customer gave up; ``withdrawn``: it left neither so nor to an agent.
    ``due_at`` and ``last_agent`` are as they were while it waited; ``agent`` is who had it then.
    """

    item: Item
    queue: QueueName
    came: datetime
    due_at: datetime | None
    last_agent: AgentName | None
    offered: datetime | None = None
    assigned: datetime | None = None
    wrapping: datetime | None = None
    ended: datetime | None = None
    left: datetime | None = None
    agent: AgentName | None = None
    withdrawn: bool = False


class Spells:
    """Fold the journal's entries in order of time; then ``found`` has every wait.

    ``unqueued`` is when work began that had waited in no queue (resumed, composed).
    """

    def __init__(self) -> None:
        self.found: list[Spell] = []
        self.unqueued: list[datetime] = []
        self._items: dict[ItemId, Item] = {}
        self._open: dict[ItemId, Spell] = {}
        self._folds: Mapping[type[Any], Callable[[Any, datetime], None]] = {
            e.ItemCreated: self._created,
            e.ItemQueued: self._queued,
            e.OfferMade: self._offered,
            e.OfferDeclined: self._passed,
            e.OfferMissed: self._passed,
            e.OfferWithdrawn: self._passed,
            e.OfferAccepted: self._assigned,
            e.ItemAssigned: self._assigned,
            e.WrapUpStarted: self._wrapping,
            e.ItemHeld: self._ended,
            e.ItemScheduled: self._ended,
            e.ItemCompleted: self._ended,
            e.ItemCanceled: self._ended,
            e.ItemRejected: self._ended,
            e.ItemAbandoned: self._abandoned,
            e.ItemReprioritised: self._reprioritised,
            e.ClocksSet: self._clocks_set,
        }

    def read(self, entries: Iterable[Happened]) -> None:
        for one in entries:
            fold = self._folds.get(type(one.event))
            if fold is not None:
                fold(one.event, one.at)

    def _created(self, ev: e.ItemCreated, _at: datetime) -> None:
        self._items[ev.item.id] = ev.item

    def _queued(self, ev: e.ItemQueued, at: datetime) -> None:
        item = self._items.get(ev.item)
        if item is None:
            return  # older than what was read
        known = self._open.get(ev.item)
        if known is not None and known.assigned is None and not ev.restart:
            known.queue = ev.queue
            return
        if known is not None:
            self._close(known, at)
        last = known.agent if known is not None and known.agent else item.last_agent
        self._open[ev.item] = spell = Spell(
            item=item, queue=ev.queue, came=at, due_at=item.due_at, last_agent=last
        )
        self.found.append(spell)

    def _offered(self, ev: e.OfferMade, at: datetime) -> None:
        if (spell := self._open.get(ev.item)) is not None:
            spell.offered = at

    def _passed(self, ev: Any, _at: datetime) -> None:
        if (spell := self._open.get(ev.item)) is not None:
            spell.offered = None

    def _assigned(self, ev: e.OfferAccepted | e.ItemAssigned, at: datetime) -> None:
        item = self._items.get(ev.item)
        if item is not None:
            self._items[ev.item] = replace(item, last_agent=ev.agent)
        spell = self._open.get(ev.item)
        if spell is None:
            self.unqueued.append(at)
        elif spell.assigned is None:
            spell.assigned, spell.agent = at, ev.agent
        else:
            spell.wrapping = None  # taken up again, or handed on by a supervisor

    def _wrapping(self, ev: e.WrapUpStarted, at: datetime) -> None:
        if (spell := self._open.get(ev.item)) is not None:
            spell.wrapping = at

    def _ended(self, ev: Any, at: datetime) -> None:
        spell = self._open.pop(ev.item, None)
        if spell is not None:
            self._close(spell, at)

    def _abandoned(self, ev: e.ItemAbandoned, at: datetime) -> None:
        spell = self._open.pop(ev.item, None)
        if spell is not None:
            spell.left = spell.ended = at

    def _close(self, spell: Spell, at: datetime) -> None:
        spell.ended = at
        if spell.assigned is None:
            spell.withdrawn = True

    def _reprioritised(self, ev: e.ItemReprioritised, _at: datetime) -> None:
        self._change(ev.item, priority=ev.priority)

    def _clocks_set(self, ev: e.ClocksSet, _at: datetime) -> None:
        due = ev.service.nearest()
        self._change(ev.item, due_at=due)
        spell = self._open.get(ev.item)
        if spell is not None and spell.assigned is None and due is not None:
            spell.due_at = due

    def _change(self, item: ItemId, **changes: Any) -> None:
        known = self._items.get(item)
        if known is None:
            return
        self._items[item] = new = replace(known, **changes)
        spell = self._open.get(item)
        if spell is not None and spell.assigned is None:
            spell.item = new
