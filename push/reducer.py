"""What an agent's desktop knows, and how each server frame changes it. Pure.

The Python twin of ``push/web/src/agent/state.ts``; the vectors in ``tests/vectors/desk`` state
the law for both: whoever replays the frames after a snapshot holds what a fresh one would give.
"""

from bisect import insort
from enum import StrEnum

from msgspec import UNSET, Struct
from msgspec.structs import replace

from gateway.core.ids import ItemId, MessageId, OfferId
from gateway.core.model import Delivery, ItemState, Message
from gateway.core.view import CapacityView, ItemView, OfferView, StateView
from push.protocol import (
    Alert,
    DeliveryFrame,
    Error,
    ItemFrame,
    LiveFrame,
    MessageFrame,
    Moved,
    NumberedFrame,
    OfferFrame,
    OfferGone,
    Ok,
    PeerFrame,
    PeerReadFrame,
    ResumeFrom,
    ServerFrame,
    Snapshot,
    StateFrame,
    Tick,
    TypingFrame,
    Waiting,
    Welcome,
)


class Verdict(StrEnum):
    """What became of a frame.

    A stale one is of a claim that is over: its sender has been fenced out, leave it. A gap means
    that something is missing: reconnect with resume.
    """

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    GAP = "gap"
    IGNORED = "ignored"


class DeliveryNote(Struct, frozen=True):
    """How far a message has come since the snapshot."""

    state: Delivery
    reason: str


class Desktop:
    """See the module's docstring. ``seq`` is -1 while there is no snapshot to build on."""

    __slots__ = (
        "capacity",
        "deliveries",
        "epoch",
        "items",
        "messages",
        "offers",
        "seq",
        "state",
        "typing",
        "waiting",
        "welcome",
    )

    def __init__(self) -> None:
        self.epoch = 0
        self.seq = -1
        self.welcome: Welcome | None = None
        self.waiting = ""
        self.state: StateView | None = None
        self.capacity: CapacityView | None = None
        self.offers: dict[OfferId, OfferView] = {}
        self.items: dict[ItemId, ItemView] = {}
        self.messages: dict[ItemId, list[Message]] = {}
        self.deliveries: dict[MessageId, DeliveryNote] = {}
        self.typing: dict[ItemId, list[str]] = {}

    @property
    def resume_from(self) -> ResumeFrom | None:
        """Where to resume from, if there is anything to build on."""
        return None if self.seq < 0 else ResumeFrom(self.epoch, self.seq)

    def apply(self, frame: ServerFrame) -> Verdict:
        """Take in one frame."""
        match frame:
            case Waiting():
                self.waiting = frame.reason
            case Welcome() | Snapshot():
                if frame.epoch < self.epoch:
                    return Verdict.STALE
                self._begin(frame)
            case TypingFrame():
                self._types(frame.item, frame.who, on=frame.on)
            case Tick() | Ok() | Error() | Moved() | Alert() | LiveFrame():
                return Verdict.IGNORED
            case _:
                return self._numbered(frame)
        return Verdict.APPLIED

    # -- a fresh start ----------------------------------------------------------------------

    def _begin(self, frame: Welcome | Snapshot) -> None:
        self.waiting = ""
        if isinstance(frame, Snapshot):
            self._restore(frame)
        else:
            # A new claim counts from its own snapshot; nothing builds on the old one.
            self.seq = self.seq if frame.epoch == self.epoch else -1
            self.welcome = frame
        self.epoch = frame.epoch

    def _restore(self, frame: Snapshot) -> None:
        self.seq = frame.seq
        self.state = frame.state
        self.capacity = frame.capacity
        self.offers = {offer.offer: offer for offer in frame.offers}
        self.items = {item.id: item for item in frame.items}
        self.messages = {}
        self.deliveries = {}
        self.typing = {}

    # -- numbered frames --------------------------------------------------------------------

    def _numbered(self, frame: NumberedFrame) -> Verdict:
        if frame.epoch < self.epoch:
            return Verdict.STALE
        if frame.epoch > self.epoch or self.seq < 0:
            return Verdict.GAP
        if frame.seq <= self.seq:
            return Verdict.DUPLICATE
        if frame.seq > self.seq + 1:
            return Verdict.GAP
        self._change(frame)
        self.seq = frame.seq
        if frame.capacity is not UNSET:
            self.capacity = frame.capacity
        return Verdict.APPLIED

    def _change(self, frame: NumberedFrame) -> None:
        match frame:
            case OfferFrame():
                self.offers[frame.offer] = OfferView(
                    offer=frame.offer,
                    item=frame.item,
                    deadline=frame.deadline,
                    customer=frame.customer,
                    reason=frame.reason,
                    bundle=frame.bundle,
                )
            case OfferGone():
                self.offers.pop(frame.offer, None)
            case ItemFrame():
                self._item(frame)
            case MessageFrame():
                self._message(frame)
            case DeliveryFrame():
                self.deliveries[frame.message] = DeliveryNote(frame.state, frame.reason)
            case PeerFrame() | PeerReadFrame():
                pass  # not of the work: whoever shows it listens to the frames
            case StateFrame():
                self.state = StateView(
                    state=frame.state,
                    reason=frame.reason,
                    since=frame.since,
                    notice=frame.notice,
                )

    def _item(self, frame: ItemFrame) -> None:
        item = frame.item
        if frame.gone:
            self.items.pop(item.id, None)
            self.messages.pop(item.id, None)
            self.typing.pop(item.id, None)
        elif item.state is ItemState.OFFERED:
            # Only offered, so not in hand yet: it stands in its offer.
            for offer in self.offers.values():
                if offer.item.id == item.id:
                    self.offers[offer.offer] = replace(offer, item=item)
                    break
        else:
            self.items[item.id] = item

    def _message(self, frame: MessageFrame) -> None:
        message = frame.message
        heard = [m for m in self.messages.get(frame.item, ()) if m.id != message.id]
        insort(heard, message, key=lambda m: m.seq)
        self.messages[frame.item] = heard
        if message.direction == "in":  # whoever has spoken has stopped typing
            self._types(frame.item, message.author.name, on=False)

    def _types(self, item: ItemId, who: str, *, on: bool) -> None:
        names = [name for name in self.typing.get(item, ()) if name != who]
        if on:
            names.append(who)
        if names:
            self.typing[item] = names
        else:
            self.typing.pop(item, None)
