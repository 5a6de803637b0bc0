"""The events of working days, as the flow records them: what the journal's figures are about.

An item's life is 14 events in 8 records: it arrives as a message in a new case and waits; is
offered; accepted; answered; the answer attempted, then sent; wrapped up; completed. Many items
are on their way at once and advance in turn, so that the events of one batch are of different
items, as they are in a day.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta

from gateway.core import events as e
from gateway.core import outbox
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    ItemId,
    MessageId,
    OfferId,
    OutboundId,
    QueueName,
    TicketNumber,
)
from gateway.core.model import (
    Author,
    Case,
    ChannelKind,
    CommandRecord,
    CustomerBrief,
    Delivery,
    Item,
    ItemState,
    Message,
    Offer,
    OutboundState,
    Outgoing,
    Requirement,
)
from gateway.flow.ledger import Ledger

BODY_CHARS = 600
AGENTS = 11_700
EVENTS_AN_ITEM = 14
RECORDS_AN_ITEM = 8
CHANNEL, QUEUE = ChannelName("support"), QueueName("general")
_WORDS = tuple(
    """
    account address agent answer balance card charge claim copy customer date delivery dispute
    email error evidence fee form hold invoice letter limit merchant money name note number
    order parcel payment please receipt refund reply report request seller statement thanks
    ticket transfer wallet week wrong
    """.split()  # noqa: SIM905 - forty lines of one word each read worse
)

Changes = list[e.Change]


def body(dice: random.Random, chars: int = BODY_CHARS) -> str:
    """Words to about so many characters, different each time, so that nothing compresses away."""
    words: list[str] = []
    length = 0
    while length < chars:
        word = dice.choice(_WORDS)
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:chars]


class Life:
    """One item on its way; ``advance`` gives the changes of its next record."""

    __slots__ = ("_agent", "_ahead", "_case", "_item", "_ledger", "_offer", "_outbound", "_text")

    def __init__(self, ledger: Ledger, number: int, agent: str, text: str) -> None:
        self._ledger = ledger
        self._agent = AgentName(agent)
        self._text = text
        self._case = CaseId(ledger.new_id())
        self._item = ItemId(ledger.new_id())
        self._offer = OfferId(ledger.new_id())
        self._outbound = OutboundId(ledger.new_id())
        self._ahead = deque(self._steps(TicketNumber(number)))

    def advance(self) -> Changes | None:
        """``None`` when the item is done."""
        if not self._ahead:
            return None
        step = self._ahead.popleft()
        return step() if callable(step) else step

    def _steps(self, number: TicketNumber) -> Iterator[Changes | Callable[[], Changes]]:
        yield self._arrive(number)
        yield self._be_offered()
        yield [
            self._by_command(e.OfferAccepted(item=self._item, agent=self._agent, offer=self._offer))
        ]
        yield self._answer(number)
        yield self._attempt
        yield self._sent
        yield [e.Change(e.WrapUpStarted(item=self._item, agent=self._agent, reason="solved"))]
        yield [self._by_command(e.ItemCompleted(item=self._item, agent=self._agent, code="solved"))]

    def _attempt(self) -> Changes:
        return [outbox.attempt(self._ledger.state.outbox[self._outbound])]

    def _sent(self) -> Changes:
        row = self._ledger.state.outbox[self._outbound]
        return outbox.sent(row, f"<{self._outbound}@bench>", Delivery.SENT)

    def _by_command(self, event: e.Event, *rows: e.Row) -> e.Change:
        record = CommandRecord(
            agent=self._agent,
            id=CommandId(self._ledger.new_id()),
            at=self._ledger.clock.now(),
            answer=b'{"body":{}}',
        )
        return e.Change(event, (*rows, record))

    def _message(self, seq: int, *, out: bool) -> Message:
        author = Author(kind="agent" if out else "customer", name=self._agent if out else "Ada")
        return Message(
            id=MessageId(self._ledger.new_id()),
            case=self._case,
            seq=seq,
            direction="out" if out else "in",
            author=author,
            at=self._ledger.clock.now(),
            channel=CHANNEL,
            kind=ChannelKind.EMAIL,
            item=self._item,
            body=self._text,
            subject="A charge that I do not know",
            external_id=f"<{self._item}.{seq}@example.com>",
            delivery=Delivery.QUEUED if out else None,
        )

    def _arrive(self, number: TicketNumber) -> Changes:
        now = self._ledger.clock.now()
        customer = CustomerBrief(id=CustomerId(self._ledger.new_id()), name="Ada", language="en")
        subject = "A charge that I do not know"
        case = Case(
            id=self._case,
            number=number,
            version=1,
            opened_at=now,
            channel=CHANNEL,
            kind=ChannelKind.EMAIL,
            customer=customer,
            subject=subject,
        )
        item = Item(
            id=self._item,
            case=self._case,
            number=number,
            channel=CHANNEL,
            kind=ChannelKind.EMAIL,
            queue=QUEUE,
            state=ItemState.NEW,
            version=1,
            owner=self._ledger.state.node,
            created_at=now,
            subject=subject,
            preview=self._text[:120],
            customer=customer,
            requirement=Requirement(skills={}),
            language="en",
            address="ada@example.com",
        )
        message = self._message(1, out=False)
        added = e.MessageAdded(
            message=message.id, case=self._case, seq=1, direction="in", item=self._item
        )
        queued = e.ItemQueued(item=self._item, queue=QUEUE, reason="the channel's queue")
        return [
            e.Change(e.CaseOpened(case=case)),
            e.Change(e.ItemCreated(item=item)),
            e.Change(added, (message,)),
            e.Change(queued),
        ]

    def _be_offered(self) -> Changes:
        now = self._ledger.clock.now()
        offer = Offer(
            id=self._offer,
            agent=self._agent,
            made_at=now,
            deadline=now + timedelta(seconds=120),
            reason="free for the longest time of 214 who can take it",
        )
        return [e.Change(e.OfferMade(item=self._item, offer=offer))]

    def _answer(self, number: TicketNumber) -> Changes:
        now = self._ledger.clock.now()
        message = self._message(2, out=True)
        outgoing = Outgoing(
            id=self._outbound,
            channel=CHANNEL,
            kind=ChannelKind.EMAIL,
            purpose="message",
            state=OutboundState.PENDING,
            version=1,
            created_at=now,
            next_at=now,
            expires_at=now + timedelta(days=1),
            case=self._case,
            number=number,
            item=self._item,
            message=message.id,
            address="ada@example.com",
        )
        added = e.MessageAdded(
            message=message.id, case=self._case, seq=2, direction="out", item=self._item
        )
        return [
            self._by_command(added, message),
            e.Change(e.OutboundQueued(outbound=outgoing)),
        ]


class Work:
    """Endless work: ``step`` records the next thing that happens and says how many events it was.

    ``at_once`` items are on their way at any time.
    """

    def __init__(self, ledger: Ledger, number: Callable[[], int], at_once: int = 4_000) -> None:
        self._ledger = ledger
        self._number = number
        self._dice = random.Random(7)
        self._texts = [body(self._dice) for _ in range(500)]
        self._lives: deque[Life] = deque()
        self._made: deque[Life] = deque()
        self._at_once = at_once
        self.items = 0

    def prepare(self, items: int) -> None:
        """Make so many of the next now: as if others sent them, and not whoever records them."""
        self._made.extend(self._new() for _ in range(items))

    def step(self) -> int:
        """Record one step of one item. Returns the number of entries it made."""
        while True:
            life = self._next()
            changes = life.advance()
            if changes is None:
                continue
            before = self._ledger.position.offset
            self._ledger.record(changes)
            self._lives.append(life)
            return self._ledger.position.offset - before

    def _next(self) -> Life:
        # While there are few, one step in eight begins a new one: lives end up spread evenly.
        if self._lives and (len(self._lives) >= self._at_once or self._dice.random() > 0.25):
            return self._lives.popleft()
        self.items += 1
        return self._made.popleft() if self._made else self._new()

    def _new(self) -> Life:
        agent = f"agent-{self._dice.randrange(AGENTS):05d}"
        return Life(self._ledger, self._number(), agent, self._dice.choice(self._texts))
