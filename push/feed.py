"""From committed entries to frames: who sees what. Pure.

The projection compares where an item was with where it is (offered to an agent, in hand, put
aside), so it needs no rule per event, and an event that moves items in a new way is shown
rightly from its first day. The law it keeps: an agent's frames, replayed over a snapshot, give
the snapshot of the place in the journal that they reach.
"""

from collections.abc import Iterable, Iterator

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.capacity import TOTAL, used
from gateway.core.ids import AgentName, CaseId, ItemId
from gateway.core.lifecycle import ENDED, IN_HAND
from gateway.core.model import AgentProfile, Amended, Case, Item, ItemState, Message, Offer, Site
from gateway.core.view import CapacityView, ItemView, item_view
from push.alike import same_header, stays
from push.protocol import (
    DeliveryFrame,
    ItemFrame,
    MessageFrame,
    NumberedFrame,
    OfferFrame,
    OfferGone,
)
from push.standing import Standing

Frames = list[tuple[AgentName, NumberedFrame]]
"""What each agent is to see, in order; ``epoch`` and ``seq`` are 0 until a stream numbers them."""

KEPT_IDLE_CASES = 4_096
_ASIDE, _OFFERED = frozenset({ItemState.HELD, ItemState.SCHEDULED}), ItemState.OFFERED
_NONE: dict[ItemId, None] = {}


def viewer(item: Item) -> AgentName | None:
    """The one agent whose desktop shows the item, as ``hands.snapshot`` has it."""
    state = item.state
    if state is _OFFERED:
        return item.offer.agent if item.offer is not None else None
    if state in IN_HAND:
        return item.agent
    return item.last_agent if state in _ASIDE else None


def hand_of(item: Item) -> AgentName | None:
    """Whose capacity the item takes: offered, being worked on, or in wrap-up."""
    return viewer(item) if item.state in IN_HAND else None


def live_offer(item: Item | None) -> Offer | None:
    """The offer that is out for the item just now."""
    return item.offer if item is not None and item.state is ItemState.OFFERED else None


class Moves:
    """What one entry changed of the picture: ``items`` moved, those in ``stayed`` look different.

    Most entries move nothing, and most of push's time goes into those.
    """

    __slots__ = ("capacity", "cases", "items", "message", "stayed")

    def __init__(self) -> None:
        self.items: list[tuple[Item | None, Item]] = []
        self.stayed: list[Item] = []
        self.cases: list[CaseId] = []
        self.capacity: dict[AgentName, CapacityView] = {}
        self.message: Message | None = None

    def shows(self, item: Item) -> bool:
        """Whether the item itself is among what changed, so that a frame shows it anyway."""
        for one in self.stayed:
            if one is item:
                return True
        return any(one is item for _, one in self.items)


class Mirror:
    """Open items, their case headers and what agents have in use, as far as is committed.

    The node's own state runs ahead of the journal, so frames may not be made from it. Values
    are shared with it, not copied. A case without open items is kept for a while, for one is
    often taken up again without its header being written anew.
    """

    def __init__(self) -> None:
        self.items: dict[ItemId, Item] = {}
        self.cases: dict[CaseId, Case] = {}
        self._of_case: dict[CaseId, dict[ItemId, None]] = {}
        self._idle: dict[CaseId, None] = {}
        self._hands: dict[AgentName, dict[ItemId, None]] = {}
        self._used: dict[AgentName, int] = {}
        self._profiles: dict[AgentName, AgentProfile] = {}
        self.standing = Standing()

    def load(
        self,
        items: Iterable[Item],
        cases: Iterable[Case],
        profiles: Iterable[AgentProfile] = (),
        sites: Iterable[Site] = (),
    ) -> None:
        """Begin with what the node loaded, before anything has been committed."""
        self._profiles.update((p.name, p) for p in profiles)
        self.standing.load(self._profiles.values(), sites)
        moves = Moves()
        for case in cases:
            self._take_case(case, moves)
        for item in items:
            self._take_item(item, moves)
        # What is in use now is what the next change is compared with.
        self.settle(moves)

    def items_of(self, case: CaseId) -> list[Item]:
        """The case's open items, oldest first."""
        items = self.items
        return [items[i] for i in self._of_case.get(case, _NONE)]

    def in_hand(self, agent: AgentName) -> Iterator[Item]:
        """Items that take of the agent's capacity."""
        return (self.items[i] for i in self._hands.get(agent, _NONE))

    def view(self, item: Item) -> ItemView:
        """The item as desktops show it."""
        return item_view(item, self.cases[item.case])

    # -- taking in --------------------------------------------------------------------------

    def absorb(self, entry: e.Entry) -> Moves:
        """Take in all that the entry changed, cases first: item views show them."""
        moves = Moves()
        items: list[Item] = []
        for row in entry.rows:
            # Exact types: ``isinstance`` takes seven times as long to say no.
            if type(row) is Item:
                items.append(row)
            elif type(row) is Case:
                self._take_case(row, moves)
            elif type(row) is Message:
                moves.message = row
            elif type(row) is Amended:
                moves.message = row.message
            elif type(row) is AgentProfile:
                self._profiles[row.name] = row
                self._recount(row.name, moves)
        for item in items:
            self._take_item(item, moves)
        if type(entry.event) is e.ItemHandedOver:
            self._let_go(entry.event.item, moves)
        return moves

    def _let_go(self, item: ItemId, moves: Moves) -> None:
        """Another node shows it from now on: here it is in nobody's hands any more."""
        if (before := self.items.pop(item, None)) is not None:
            moves.items.append((before, replace(before, state=ItemState.NEW)))
            if (had := hand_of(before)) is not None:
                self._put_out_of_hand(had, item, moves)
            self._drop_from_case(before)

    def _take_case(self, case: Case, moves: Moves) -> None:
        old = self.cases.get(case.id)
        self.cases[case.id] = case
        if case.id not in self._of_case:
            self._idle[case.id] = None
            self._forget_idle()
        elif old is None or not same_header(old, case):
            moves.cases.append(case.id)

    def _take_item(self, item: Item, moves: Moves) -> None:
        before = self.items.get(item.id)
        if before is not None and stays(before, item):
            self.items[item.id] = item
            moves.stayed.append(item)
            return
        if before is not None:
            del self.items[item.id]
            if before.case != item.case:
                self._drop_from_case(before)
        moves.items.append((before, item))
        had = hand_of(before) if before is not None else None
        has = hand_of(item)
        if had is not None and had != has:
            self._put_out_of_hand(had, item.id, moves)
        if item.state in ENDED:
            self._drop_from_case(item)
            return
        self.items[item.id] = item
        self._of_case.setdefault(item.case, {})[item.id] = None
        self._idle.pop(item.case, None)
        if has is not None and had != has:
            self._hands.setdefault(has, {})[item.id] = None
            self._recount(has, moves)

    def _put_out_of_hand(self, agent: AgentName, item: ItemId, moves: Moves) -> None:
        hand = self._hands[agent]
        del hand[item]
        if not hand:
            del self._hands[agent]
        self._recount(agent, moves)

    def _drop_from_case(self, item: Item) -> None:
        siblings = self._of_case.get(item.case)
        if siblings is None:
            return
        siblings.pop(item.id, None)
        if not siblings:
            del self._of_case[item.case]
            self._idle[item.case] = None
            self._forget_idle()

    def _forget_idle(self) -> None:
        while len(self._idle) > KEPT_IDLE_CASES:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            self.cases.pop(oldest, None)

    def _recount(self, agent: AgentName, moves: Moves) -> None:
        """Note the agent's capacity; ``settle`` drops the note if it came out as it was."""
        profile = self._profiles.get(agent) or AgentProfile(name=agent)
        moves.capacity[agent] = CapacityView(used=used(profile, self.in_hand(agent)), total=TOTAL)

    def settle(self, moves: Moves) -> dict[AgentName, CapacityView]:
        """Of the agents whose hands were touched, those with another figure than before."""
        changed = {}
        for agent, capacity in moves.capacity.items():
            if capacity.used != self._used.get(agent, 0):
                changed[agent] = capacity
            if capacity.used:
                self._used[agent] = capacity.used
            else:
                self._used.pop(agent, None)
        return changed


_SAID = (e.MessageAdded, e.MessageEdited, e.MessageDeleted)


# -- projecting -----------------------------------------------------------------------------


def project(entry: e.Entry, mirror: Mirror) -> Frames:
    """Bring the mirror to the entry and say who sees what of it.

    Raises ``KeyError`` where an item's case is not known, which is a fault of ours; the mirror
    has taken in the entry all the same.
    """
    moves = mirror.absorb(entry)
    out = _Out(mirror.settle(moves) if moves.capacity else {})
    event = entry.event
    if type(event) in _SAID:
        _message(moves.message, mirror, out)
    elif type(event) is e.DeliveryChanged:
        _delivery(event, mirror, out)
    out.frames += mirror.standing.take(entry)
    for before, after in moves.items:
        _item(event, before, after, mirror, out)
    for item in moves.stayed:
        _refresh(item, mirror, out)
    for case_id in moves.cases:
        for item in mirror.items_of(case_id):
            if not moves.shows(item):
                _refresh(item, mirror, out)
    if out.capacity:
        _left_over_capacity(mirror, out)
    return out.frames


class _Out:
    """Frames being gathered; an agent's first one carries the new capacity."""

    __slots__ = ("capacity", "frames")

    def __init__(self, capacity: dict[AgentName, CapacityView]) -> None:
        self.frames: Frames = []
        self.capacity = capacity

    def figure(self, agent: AgentName) -> CapacityView | UnsetType:
        return self.capacity.pop(agent, UNSET) if self.capacity else UNSET


def _item(event: e.Event, before: Item | None, after: Item, mirror: Mirror, out: _Out) -> None:
    had = viewer(before) if before is not None else None
    has = viewer(after)
    if had is None and has is None:
        return
    view = mirror.view(after)
    old, new = live_offer(before), live_offer(after)
    same_offer = old is not None and new is not None and old.id == new.id
    if had is not None and old is not None and not same_offer:
        gone = OfferGone(
            epoch=0, seq=0, capacity=out.figure(had), offer=old.id, reason=_why(event, after)
        )
        out.frames.append((had, gone))
    elif had is not None and old is None and (had != has or new is not None):
        left = ItemFrame(epoch=0, seq=0, capacity=out.figure(had), item=view, gone=True)
        out.frames.append((had, left))
    if has is None:
        return
    if new is not None and not same_offer:
        out.frames.append((has, _offer(new, view, after, out.figure(has))))
    else:
        out.frames.append((has, ItemFrame(epoch=0, seq=0, capacity=out.figure(has), item=view)))


def _offer(
    offer: Offer, view: ItemView, item: Item, capacity: CapacityView | UnsetType
) -> OfferFrame:
    return OfferFrame(
        epoch=0,
        seq=0,
        capacity=capacity,
        offer=offer.id,
        item=view,
        deadline=offer.deadline,
        customer=item.customer,
        reason=offer.reason,
        bundle=offer.bundle or UNSET,
    )


def _why(event: e.Event, item: Item) -> str:
    match event:
        case e.OfferAccepted():
            return "accepted"
        case e.OfferDeclined():
            return "declined"
        case e.OfferMissed():
            return "missed"
        case e.OfferWithdrawn():
            return event.reason
        case _:
            return item.reason or item.state.value


def _refresh(item: Item, mirror: Mirror, out: _Out) -> None:
    agent = viewer(item)
    if agent is not None:
        frame = ItemFrame(epoch=0, seq=0, capacity=out.figure(agent), item=mirror.view(item))
        out.frames.append((agent, frame))


def _left_over_capacity(mirror: Mirror, out: _Out) -> None:
    """A new profile can cost the same items differently: say so with one of them."""
    for agent in list(out.capacity):
        item = next(mirror.in_hand(agent), None)
        if item is not None:
            _refresh(item, mirror, out)


def _holders(case: CaseId, mirror: Mirror) -> list[tuple[AgentName, Item]]:
    """Who may read a case's conversation: who has an item of it, not who is merely offered one."""
    return [
        (agent, item)
        for item in mirror.items_of(case)
        if item.state is not _OFFERED and (agent := viewer(item)) is not None
    ]


def _message(message: Message | None, mirror: Mirror, out: _Out) -> None:
    if message is None:
        return
    for agent, item in _holders(message.case, mirror):
        out.frames.append((agent, MessageFrame(epoch=0, seq=0, item=item.id, message=message)))


def _delivery(event: e.DeliveryChanged, mirror: Mirror, out: _Out) -> None:
    for agent, item in _holders(event.case, mirror):
        frame = DeliveryFrame(
            epoch=0,
            seq=0,
            item=item.id,
            message=event.message,
            state=event.state,
            reason=event.reason,
        )
        out.frames.append((agent, frame))


def concerned(entry: e.Entry) -> set[AgentName]:
    """Every agent that an entry names: whom to show a fresh snapshot when projecting it failed."""
    names = set(filter(None, [getattr(entry.event, "agent", None)]))
    for row in entry.rows:
        if isinstance(row, Item):
            names.update(filter(None, (row.agent, row.last_agent)))
            if row.offer is not None:
                names.add(row.offer.agent)
    return names
