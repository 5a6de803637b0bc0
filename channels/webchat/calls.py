"""What a visitor is told of calls and promises: whether, when and under which number."""

from collections.abc import Callable, Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from channels.webchat.cards import PromiseCard, promise_card
from channels.webchat.effects import Bring, Post, Waiting
from channels.webchat.numbers import BadNumber, called, country_of, example
from channels.webchat.protocol import Callme, CancelCall, Error, State, Times, TimesFrame
from channels.webchat.standing import may_be_called
from gateway.core.calendars import Period
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.model import Item
from gateway.core.owed import Callbacks


class Calls(Struct, frozen=True, kw_only=True):
    """How a channel's visitors are called. ``queue`` is where those wait who have said nothing.

    ``openings`` and ``callbacks`` are those of ``ports.Services``, ``country`` where numbers are
    that name none.
    """

    queue: QueueName = QueueName("general")
    country: str = ""
    openings: Callable[[QueueName], tuple[Period, ...]] = lambda _queue: ()
    callbacks: Callable[[QueueName], Callbacks] = lambda _queue: Callbacks()

    def offered(self, item: Item | None, waiting: Waiting, state: State, before: State) -> bool:
        """Whether the window is to offer one.

        Once offered it stays so while they wait: no button vanishes under a finger.
        """
        waits = state.state == before.state == "queued" and state.callback is UNSET
        if waits and before.callme:
            return True
        return may_be_called(item, waiting, state, self.callbacks(self._queue(item)))

    def asked(
        self, frame: Callme | CancelCall | Times, item: Item | None, locale: str
    ) -> Bring | Post:
        """What becomes of it."""
        match frame:
            case CancelCall():
                return Bring(frame)
            case Times():
                return Post(self.times(frame, item, locale))
            case Callme():
                checked = self.checked(frame, locale)
                return Bring(checked) if isinstance(checked, Callme) else Post(checked)

    def times(self, asked: Times, item: Item | None, locale: str) -> TimesFrame:
        return TimesFrame(
            re=asked.id,
            periods=self.openings(self._queue(item)),
            example=example(country_of(self.country, locale)),
        )

    def checked(self, asked: Callme, locale: str) -> Callme | Error:
        """The same with the number in its international form, or why there is none."""
        if not asked.number.strip():
            return asked
        try:
            number = called(asked.number, country_of(self.country, locale))
        except BadNumber as problem:
            return Error(re=asked.id, code="bad_number", detail=str(problem), field="number")
        return replace(asked, number=number)

    def _queue(self, item: Item | None) -> QueueName:
        return self.queue if item is None else item.queue


class Promises:
    """Those of one conversation that are open."""

    def __init__(self) -> None:
        self._open: dict[ItemId, Item] = {}

    def are(self, items: Sequence[Item]) -> None:
        self._open = {item.id: item for item in items}

    def take(self, item: Item) -> None:
        """One of them has changed."""
        if item.state in ENDED:
            self._open.pop(item.id, None)
        else:
            self._open[item.id] = item

    def cards(self, agent_name: Callable[[AgentName], str]) -> tuple[PromiseCard, ...]:
        """As the visitor sees them, the nearest first."""
        ordered = sorted(
            (i.promise.due_at, i.id, i.promise) for i in self._open.values() if i.promise
        )
        return tuple(promise_card(promise, agent_name(promise.agent)) for _, _, promise in ordered)
