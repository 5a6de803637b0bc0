"""One connection of a visitor, without I/O: frames and committed things in, effects out.

The session owns one question: which messages has this connection been given? ``position`` is
the ``seq`` of the last one. The rule that keeps every message once and in order, across
reconnects, feeds and reads that race each other, is: post only what is above ``position``, and
whenever something may lie between (a start, a hole in what was committed, more than one page)
read on from ``position`` instead of guessing. Nothing is buffered.

An ``ok`` waits until its own message has been posted, so that whoever sees it has seen the
message at its place.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from channels.webchat.answers import Answers
from channels.webchat.calls import Calls, Promises
from channels.webchat.effects import (
    Bring,
    Effect,
    Enter,
    Entered,
    Greet,
    Leave,
    Load,
    Mark,
    Post,
    Typed,
    Waiting,
    error_of,
)
from channels.webchat.marks import Marks
from channels.webchat.protocol import (
    NOT_YET,
    VERSION,
    BadFrame,
    Brought,
    Callme,
    CancelCall,
    ClientFrame,
    Close,
    Delete,
    Deleted,
    Edit,
    Edited,
    End,
    Error,
    Hello,
    Ok,
    Read,
    Send,
    Sip,
    State,
    Survey,
    Times,
    Typing,
    TypingFrame,
    decode_client,
)
from channels.webchat.saying import frame_of, resume_point, unsayable, welcome_of
from channels.webchat.standing import standing_of
from channels.webchat.survey import Asking
from channels.webchat.visitor import Visitor
from gateway.core.calendars import Closed
from gateway.core.ids import AgentName, CaseId, MessageId
from gateway.core.model import Delivery, Item, ItemState, Message
from gateway.core.ticket import window_shows
from gateway.ports import Decided

LOOK_BACK = 60
"""So many messages before the resume point are read again: for marks, and second thoughts."""

ARRIVED = (Delivery.DELIVERED, Delivery.READ)


class Session:
    """See the module. Every method returns the effects, to be carried out in order.

    ``agent_name`` turns an agent's login into the name that customers see; ``closed`` says until
    when the house is closed to a conversation with this item, or to one that has none yet;
    ``most_files`` may come with one message; ``question``: see ``Asking``.
    """

    def __init__(
        self,
        agent_name: Callable[[AgentName], str] = str,
        closed: Callable[[Item | None], Closed | None] = lambda _item: None,
        calls: Calls | None = None,
        most_files: int = 0,
        question: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.hello: Hello | None = None
        self.visitor: Visitor | None = None
        self.conversation: CaseId | None = None
        self.position = 0
        self._known: frozenset[str] = frozenset()
        self._agent_name = agent_name
        self._closed = closed
        self._calls = calls or Calls()
        self._most_files = most_files
        self._asking = Asking(question)
        self._cursor = 0  # like position, but counts the notes that a customer never sees
        self._loading = False
        self._newest = 0  # the highest seq committed while loading
        self._again = 0  # from this seq on to be read once more, for it was amended meanwhile
        self.item: Item | None = None
        self._promises = Promises()
        self._waiting: Waiting = None  # as it was told last
        self._state = State(state="closed")
        self._marks = Marks()
        self._held = Answers()
        self._typing = False

    # -- frames -----------------------------------------------------------------------------

    def receive(self, text: str) -> list[Effect]:
        """A frame from the visitor."""
        try:
            frame = decode_client(text)
        except BadFrame as bad:
            error = Error(re=bad.re_id, code="bad_frame", detail=bad.detail, field=bad.field)
            bad_start = [] if self.hello else [Leave(Close.BAD_HELLO, "the hello is not valid")]
            return [Post(error), *bad_start]
        if self.hello is None:
            return self._first(frame if isinstance(frame, Hello) else None)
        return self._greeted(frame)

    def _greeted(self, frame: ClientFrame) -> list[Effect]:
        match frame:
            case Hello():
                return [error_of(None, "bad_frame", "hello was said already", "t")]
            case Send() | Edit() | Delete():
                return self._say(frame)
            case Typing(on=on):
                return self._type(on=on)
            case Read(seq=seq):
                read = self._marks.read_up_to(min(seq, self.position))
                return [Mark(message, Delivery.READ) for message in read]
            case End() | Callme() | CancelCall() | Times() | Survey():
                return self._wish(frame)
            case _:
                re = None if isinstance(frame, Sip) else frame.id
                return [error_of(re, "not_available", NOT_YET[type(frame)])]

    def _first(self, hello: Hello | None) -> list[Effect]:
        if hello is None:
            return [Leave(Close.BAD_HELLO, "the first frame must be hello")]
        if VERSION not in hello.versions:
            return [Leave(Close.BAD_VERSION, f"this node speaks version {VERSION}")]
        self.hello = hello
        return [Greet(hello)]

    def _say(self, frame: Send | Edit | Delete) -> list[Effect]:
        problem = unsayable(frame, self._most_files)
        if problem is not None:
            return [Post(problem)]
        return [*self._type(on=False), Bring(frame)]

    def _end(self, frame: End) -> list[Effect]:
        # Without an item here another node may have one, which alone knows whether it is over.
        elsewhere = self.item is None and self.conversation is not None
        waits_or_talks = self.item is not None and self._state.state != "closed"
        if elsewhere or waits_or_talks:
            return [Bring(frame)]
        return [Post(Ok(re=frame.id, seq=self.position))] if frame.id else []

    def _wish(self, frame: End | Callme | CancelCall | Times | Survey) -> list[Effect]:
        if isinstance(frame, End):
            return self._end(frame)
        if isinstance(frame, Survey):
            return [self._asking.refused(frame, self.conversation) or Bring(frame)]
        return [self._calls.asked(frame, self.item, self.hello.locale if self.hello else "")]

    def _type(self, *, on: bool) -> list[Effect]:
        changed, self._typing = on != self._typing, on
        if self.conversation is None or not (changed or on):
            return []
        return [Typed(self.conversation, on)]

    def gone(self) -> list[Effect]:
        """The connection has ended."""
        return self._type(on=False)

    # -- conversations ----------------------------------------------------------------------

    def entered(self, now: Entered) -> list[Effect]:
        """The visitor is known, or the conversation has become another one."""
        case = now.case
        if self.visitor is not None and self.conversation is not None:
            if case is None or case.id < self.conversation:
                return []
            if case.id == self.conversation:  # twice by two ways: only look whether all is there
                return [] if self._loading else self._load(self.position)
        self.visitor = now.visitor
        self.conversation = case.id if case else None
        self._known = now.known
        self._marks = Marks()
        self._typing = False
        self.position = self._cursor = resume_point(self.hello, now)
        self.item = now.item
        self._promises.are(now.promises)
        self._waiting = now.waiting
        self._state = self._standing()
        welcome = welcome_of(now, self._state)
        start = [Post(welcome), Post(self._state)]
        ask = self._asking.found(case, now.item)
        return [*start, *ask, *self._load(max(0, self.position - LOOK_BACK))]

    # -- messages ---------------------------------------------------------------------------

    def _load(self, after: int, newest: int = 0) -> list[Effect]:
        """Read on; ``newest`` is what is known to be committed and may not be read yet."""
        if self.conversation is None:
            return []
        self._loading = True
        self._newest = newest
        return [Load(self.conversation, after)]

    def loaded(
        self, conversation: CaseId, messages: Sequence[Message], *, more: bool
    ) -> list[Effect]:
        """What ``Load`` asked for; ``more`` says that the page was full."""
        if conversation != self.conversation or not self._loading:
            return []
        effects = [effect for message in messages for effect in self._take(message)]
        self._cursor = self.position
        if more and messages:
            return effects + self._load(messages[-1].seq, newest=self._newest)
        if self._newest > self.position:
            return effects + self._load(self.position)
        self._loading = False
        if self._again:
            after, self._again = self._again - 1, 0
            return effects + self._load(after)
        return [*effects, *self._answers(all_read=True), *self._due_marks()]

    def committed(self, message: Message) -> list[Effect]:
        """A message of this conversation is on disk."""
        if message.case != self.conversation or message.seq <= self._cursor:
            return []
        if self._loading:
            if window_shows(message, self._known):
                self._newest = max(self._newest, message.seq)
            return []
        if message.seq != self._cursor + 1:
            return self._load(self.position)
        return [*self._take(message), *self._answers(), *self._due_marks()]

    def amended(self, seq: int) -> list[Effect]:
        """Somebody has had second thoughts about a message of this conversation, and they stand."""
        if self._loading:
            self._again = min(self._again or seq, seq)
            return []
        return self._load(seq - 1)

    def said_elsewhere(self, seq: int) -> list[Effect]:
        """A message of this conversation is on disk, and nobody has brought it here."""
        if seq <= self._cursor:
            return []
        if self._loading:
            self._newest = max(self._newest, seq)
            return []
        return self._load(self.position, newest=seq)

    def _take(self, message: Message) -> Iterator[Effect]:
        """Post what is new; of what is not, only note the marks."""
        new = message.seq > self._cursor
        self._cursor = max(self._cursor, message.seq)
        if not window_shows(message, self._known):
            return
        self._marks.note(message)
        if not new:
            if message.deleted_at:
                yield Post(Deleted(seq=message.seq, message=message.id))
            elif message.edited_at:
                yield Post(Edited(seq=message.seq, message=message.id, body=message.body))
            return
        self.position = message.seq
        yield Post(frame_of(message))
        if message.direction == "out" and message.delivery not in ARRIVED:
            yield Mark(message, Delivery.DELIVERED)

    # -- answers ----------------------------------------------------------------------------

    def decided(self, said: Brought, decided: Decided) -> list[Effect]:
        """What became of something the visitor said, now that it is on disk."""
        over = isinstance(said, CancelCall | Survey) and decided.status == "processed"
        if isinstance(said, End) or over:
            return [Post(Ok(re=said.id, seq=self.position))] if said.id else []
        if decided.status != "processed" or decided.case is None or decided.seq is None:
            reason = decided.reason or "it is kept for a person to look at"
            return [error_of(said.id, "refused", reason)]
        if self.conversation is not None and decided.case < self.conversation:
            # Ids are UUIDv7: an earlier conversation. A repeat of something long settled.
            return [Post(Ok(re=said.id or "", seq=decided.seq, conversation=decided.case))]
        if said.id:
            self._held.hold(said.id, decided.case, decided.seq)
        return self._shown(said, decided.case, decided.seq)

    def _shown(self, said: Brought, conversation: CaseId, seq: int) -> list[Effect]:
        """What was said is brought to the window, and its answer after it."""
        if conversation != self.conversation:
            return [Enter(conversation)]
        if isinstance(said, Edit | Delete):
            return self.amended(seq)
        if self._loading:  # what is being read may have been read before this was committed
            self._newest = max(self._newest, seq)
        elif seq > self.position:
            return self._load(self.position)
        return self._answers()

    def _answers(self, *, all_read: bool = False) -> list[Effect]:
        oks = self._held.due(self.conversation or "", None if all_read else self.position)
        return [Post(ok) for ok in oks]

    def refused(
        self, said: Brought, code: str, detail: str, after: float | None = None
    ) -> list[Effect]:
        """The intake, or a limit, did not take it."""
        wait = UNSET if after is None else after
        return [Post(Error(re=said.id, code=code, detail=detail, after=wait))]

    # -- how it stands ----------------------------------------------------------------------

    def item_changed(self, item: Item) -> list[Effect]:
        """The conversation's work item moved. While it waits, its place is told a moment later."""
        if item.case != self.conversation:
            return []
        if item.promise is not None:
            return self._promised(item)
        known = self.item
        if known is not None and (item.id, item.version) < (known.id, known.version):
            return []
        self.item = item
        return self._stand()

    def _promised(self, item: Item) -> list[Effect]:
        self._promises.take(item)
        return self._stand()

    def promises_are(self, items: Sequence[Item]) -> list[Effect]:
        """Those of this conversation that are open, as they are on disk."""
        self._promises.are(items)
        return self._stand() if self.visitor is not None else []

    def item_ended(self) -> list[Effect]:
        """The conversation has no open work item any more."""
        self.item = None
        return self._stand()

    def waiting_changed(self, waiting: Waiting) -> list[Effect]:
        """Others left the queue or came."""
        if not self.queued:
            return []
        self._waiting = waiting
        return self._stand()

    @property
    def queued(self) -> bool:
        """Whether the conversation waits for someone."""
        return self._state.state == "queued"

    def look(self) -> list[Effect]:
        """Time has passed: the house may have opened, or closed."""
        return self._stand() if self.visitor is not None else []

    def _standing(self) -> State:
        closed = self._closed(self.item)
        state = standing_of(self.item, self._waiting, self._agent_name, closed)
        callme = self._calls.offered(self.item, self._waiting, state, self._state)
        cards = self._promises.cards(self._agent_name)
        return replace(state, promises=cards, callme=callme)

    def _stand(self) -> list[Effect]:
        state = self._standing()
        if state.state != "queued":
            self._waiting = None
        if state == self._state:
            return []
        before, self._state = self._state, state
        ask = self._asking.moved(before, state, self.conversation)
        return [Post(state), *self._due_marks(), *ask]

    def delivery_changed(self, message: MessageId, delivery: Delivery) -> list[Effect]:
        """A message of this conversation has been read, by an agent or in another tab."""
        if delivery is not Delivery.READ:
            return []
        self._marks.read_elsewhere(message)
        return self._due_marks()

    def _due_marks(self) -> list[Effect]:
        in_hand = self.item is not None and self.item.state is ItemState.ASSIGNED
        return [Post(frame) for frame in self._marks.due(in_hand=in_hand)]

    def agent_typing(self, who: str, *, on: bool) -> list[Effect]:
        """An agent began or stopped typing."""
        return [Post(TypingFrame(on=on, name=self._agent_name(AgentName(who))))]
