"""Each message once and in order, whatever happens to the line: the session's one promise."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

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
)
from channels.webchat.protocol import (
    Hello,
    MessageFrame,
    Ok,
    ResumeFrom,
    Send,
    ServerFrame,
    Site,
    Welcome,
    encode,
)
from channels.webchat.session import Session
from channels.webchat.visitor import Visitor
from gateway.core.ids import CaseId
from gateway.core.model import ChannelKind, Message
from gateway.ports import Decided
from tests.support.chatvalues import case_of, message

EVA, BOB = "eva@example.org", "Bob <bob@example.org>"
KNOWN = frozenset({EVA, "v"})
PAGE = 3
"""Small, so that histories of a few messages take several pages."""


class Truth:
    """What is on disk: the messages of the visitor's conversations, the last one open."""

    def __init__(self) -> None:
        self.said: dict[CaseId, list[Message]] = {}
        self.by_client_id: dict[str, Message] = {}
        self.open: CaseId | None = None

    def add(self, direction: str, client_id: str = "") -> Message:
        if self.open is None:
            self.open = CaseId(f"case-{len(self.said) + 1:03}")
            self.said[self.open] = []
        seq = len(self.said[self.open]) + 1
        kind = direction if direction in ("note", "in") else "out"
        said = message(seq, case=self.open, direction=kind, client_id=client_id)
        if direction in (EVA, BOB):
            said = replace(said, kind=ChannelKind.EMAIL, to=(direction,))
        self.said[self.open].append(said)
        return said

    def decide(self, client_id: str) -> tuple[Message, bool]:
        known = self.by_client_id.get(client_id)
        if known is not None:
            return known, False
        said = self.by_client_id[client_id] = self.add("in", client_id)
        return said, True

    def last(self) -> CaseId | None:
        return next(reversed(self.said), None)


def shown(messages: Iterable[Message]) -> list[int]:
    """What the customer may see of a conversation: no notes, and of mails their own."""
    return [m.seq for m in messages if m.direction != "note" and m.to != (BOB,)]


class Window:
    """The customer's side, as simple as a client can be: it remembers, resumes and repeats."""

    def __init__(self) -> None:
        self.conversation: CaseId | None = None
        self.shown: dict[CaseId, list[int]] = {}
        self.pending: list[str] = []
        self.greeted = False

    def hello(self) -> str:
        self.greeted = False
        seq = self.shown.get(self.conversation, [0])[-1] if self.conversation else 0
        resume = ResumeFrom(seq=seq, conversation=self.conversation)
        return encode(Hello(channel="site", resume=resume))

    def take(self, frame: ServerFrame) -> None:
        match frame:
            case Welcome(conversation=conversation):
                self.greeted = True
                self.conversation = conversation
                if conversation is not None:
                    self.shown.setdefault(conversation, [0])
            case MessageFrame(seq=seq):
                assert self.conversation is not None, "a message before a conversation"
                assert seq > self.shown[self.conversation][-1], "twice, or out of order"
                self.shown[self.conversation].append(seq)
            case Ok(re=re, seq=seq, conversation=conversation):
                if conversation == self.conversation:
                    assert seq <= self.shown[self.conversation][-1], "ok before its message"
                if re in self.pending:
                    self.pending.remove(re)
            case _:
                pass


@dataclass
class Page:
    """What a ``Load`` has read and the session has not been told yet."""

    conversation: CaseId
    rows: list[Message]


class Line:
    """One connection: what the session asked for waits here until the test lets it happen."""

    def __init__(self, truth: Truth, window: Window) -> None:
        self.truth = truth
        self.session = Session()
        self.work: deque[Effect | Page] = deque()
        self.wire: deque[ServerFrame] = deque()
        self.carry(self.session.receive(window.hello()))

    def carry(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Post(frame=frame):
                    self.wire.append(frame)
                case Greet() | Enter() | Load() | Bring():
                    self.work.append(effect)
                case Mark() | Typed():
                    pass
                case Leave():
                    raise AssertionError(effect.reason)

    def step(self, which: int) -> None:
        """Do one of the things that wait; reads and the reader run beside each other."""
        if not self.work:
            return
        loads = [w for w in self.work if isinstance(w, Load | Page)]
        reader = [w for w in self.work if not isinstance(w, Load | Page)]
        chosen = (loads or reader)[0] if which % 2 else (reader or loads)[0]
        self.work.remove(chosen)
        match chosen:
            case Greet():
                self._enter(self.truth.last())
            case Enter(conversation=conversation):
                self._enter(conversation)
            case Load(conversation=conversation, after=after):
                rows = [
                    m
                    for m in self.truth.said[conversation]
                    if m.seq > after and m.direction != "note"
                ][:PAGE]
                self.work.append(Page(conversation, rows))
            case Page(conversation=conversation, rows=rows):
                self.carry(self.session.loaded(conversation, rows, more=len(rows) == PAGE))
            case Bring(said=said):
                assert isinstance(said, Send)
                kept, fresh = self.truth.decide(said.id)
                if fresh and which % 3:  # now and then the feed misses one
                    self.carry(self.session.committed(kept))
                decided = Decided(status="processed", case=kept.case, seq=kept.seq)
                self.carry(self.session.decided(said, decided))
            case _:
                raise AssertionError(f"{chosen} does not wait")

    def _enter(self, conversation: CaseId | None) -> None:
        case = None
        if conversation is not None:
            case = case_of(conversation, last_seq=len(self.truth.said[conversation]))
        self.carry(
            self.session.entered(
                Entered(
                    visitor=Visitor(id="v"),
                    token="t",
                    site=Site(),
                    heartbeat=10.0,
                    case=case,
                    known=KNOWN,
                )
            )
        )


class Play:
    def __init__(self) -> None:
        self.truth = Truth()
        self.window = Window()
        self.line: Line | None = None
        self.sent = 0

    def act(self, action: str, number: int) -> None:
        match action:
            case "connect":
                self.line = Line(self.truth, self.window)
            case "cut":
                self.line = None
            case "write":
                self.sent += 1
                self.window.pending.append(f"message-{self.sent}")
                self._post_last()
            case "answer" | "note" if self.truth.open is not None:
                self._say("out" if action == "answer" else "note", heard=number % 3)
            case "mail" if self.truth.open is not None:
                self._say((EVA, BOB)[number % 2], heard=number % 3)
            case "close":
                self.truth.open = None
            case _ if self.line is not None:
                self._let_happen(self.line, action, number)
            case _:
                pass

    def _say(self, direction: str, *, heard: int) -> None:
        said = self.truth.add(direction)
        if self.line is None or said.case != self.line.session.conversation:
            return
        if heard == 1:  # now and then the feed misses one
            self.line.carry(self.line.session.committed(said))
        elif heard and direction != "note":  # or another node has said it
            self.line.carry(self.line.session.said_elsewhere(said.seq))

    def _let_happen(self, line: Line, action: str, number: int) -> None:
        match action:
            case "work":
                for _ in range(number % 3 + 1):
                    line.step(number)
            case "arrive":
                for _ in range(min(number % 6 + 1, len(line.wire))):
                    self._arrive(line)
            case "run":
                self._run(line)
            case _:
                pass

    def _arrive(self, line: Line) -> None:
        greeted = self.window.greeted
        self.window.take(line.wire.popleft())
        if self.window.greeted and not greeted:
            for pending in self.window.pending:
                line.carry(line.session.receive(encode(Send(id=pending, body="hello"))))

    def _post_last(self) -> None:
        if self.line is not None and self.window.greeted:
            send = Send(id=self.window.pending[-1], body="hello")
            self.line.carry(self.line.session.receive(encode(send)))

    def settle(self) -> None:
        """A last connection that lives: everything happens."""
        self.line = Line(self.truth, self.window)
        self._run(self.line)

    def _run(self, line: Line) -> None:
        while line.work or line.wire:
            line.step(1)
            while line.wire:
                self._arrive(line)


WHAT = ["connect", "cut", "write", "write", "answer", "answer", "note", "mail", "close"]
HOW = ["work", "work", "arrive", "arrive", "run", "run"]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(WHAT + HOW), st.integers(0, 29)), min_size=8, max_size=60
)


@settings(max_examples=600)
@given(ACTIONS, st.booleans())
def test_each_message_is_shown_once_and_in_order_wherever_the_line_breaks(
    actions: list[tuple[str, int]], talking: bool
) -> None:
    play = Play()
    start = [("connect", 0), ("write", 0), ("run", 0)] if talking else []
    for action, number in start + actions:
        play.act(action, number)
    play.settle()

    assert play.window.pending == []
    assert len(play.truth.by_client_id) == play.sent
    last = play.truth.last()
    if last is not None:
        assert play.window.shown[last][1:] == shown(play.truth.said[last])
    for conversation, seqs in play.window.shown.items():
        visible = shown(play.truth.said[conversation])
        assert seqs[1:] == visible[: len(seqs) - 1], "an earlier conversation has no holes either"
