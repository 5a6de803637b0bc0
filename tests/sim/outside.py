"""The world outside: a mail server, visitors' browsers, a back-office system.

It remembers what it was told and what it told us, across all lives of the node.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

from msgspec import Struct, field

from tests.support.simworld import Promise

END, CALL, CALL_LATER = "END", "CALL", "CALL LATER"


class Mail(Struct, kw_only=True):
    """A mail in the mailbox."""

    uid: int
    sender: str
    subject: str
    body: str
    message_id: str
    verified: bool
    references: tuple[str, ...] = ()
    expects_case: str = ""
    machine: bool = False
    seen: bool = False

    @property
    def key(self) -> str:
        """Its inbox key, which sorts against the order of arrival, so that one is not the other."""
        return f"uid{1_000_000 - self.uid}"


class Delivery(Struct, frozen=True):
    """Something of ours that arrived outside."""

    identity: str
    repeat: bool
    life: int


class Post(Struct):
    """What is known of our deliveries: what arrived, and how often we could not know it."""

    arrived: dict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    doubts: Counter[str] = field(default_factory=Counter)

    def doubt(self, identity: str) -> None:
        """An attempt was open when the process ended, or its answer was lost."""
        self.doubts[identity] += 1

    def arrive(self, identity: str, *, repeat: bool, life: int) -> None:
        before = self.arrived[identity]
        # What a frozen node had begun may arrive after its heir's repeat.
        if not repeat and not all(delivery.repeat for delivery in before):
            raise Promise(f"{identity} was sent again without saying so")
        before.append(Delivery(identity, repeat, life))

    @property
    def repeated(self) -> int:
        return sum(len(arrived) - 1 for arrived in self.arrived.values())


class Visitor(Struct, kw_only=True):
    """A browser with the widget: repeats what was not acknowledged, and keeps its place."""

    name: str
    unsent: list[tuple[str, str]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    said: int = 0
    conversation: str | None = None
    seq: int = 0
    shown: list[int] = field(default_factory=list)
    ended: bool = False
    wishes: dict[str, str] = field(default_factory=dict)
    """Calls that were asked for, and the work item that each was said to have become."""
    refused: set[str] = field(default_factory=set)
    there: bool = True
    """Whether the window is open; ``away`` has the times from which on it was not, until when."""
    away: list[tuple[float, float]] = field(default_factory=list)
    signs: int = 0
    """How often the node has been told that a window has gone, or is there."""


class Filed(Struct, kw_only=True):
    """A task that another system filed, and what it was told about it."""

    key: str
    title: str
    skill: str
    acknowledged: str | None = None
    told: list[str] = field(default_factory=list)


class Outside:
    """All of it."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.visitors: dict[str, Visitor] = {}
        self.tasks: dict[str, Filed] = {}
        self.post = Post()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Be told when somebody outside has written, said or filed something."""
        self._listeners.append(listener)

    def unseen(self) -> list[Mail]:
        return [mail for mail in self.mails if not mail.seen]

    def unfiled(self) -> list[Filed]:
        return [task for task in self.tasks.values() if task.acknowledged is None]

    def write(self, **mail: object) -> Mail:
        uid = len(self.mails) + 1
        made = Mail(uid=uid, message_id=f"m{uid}@example.org", **mail)  # type: ignore[arg-type]
        self.mails.append(made)
        self._tell()
        return made

    def say(self, visitor: Visitor, body: str = "") -> None:
        """A line into the widget, the word that ends the chat, or that asks for a call."""
        visitor.said += 1
        body = body if body in (END, CALL, CALL_LATER) else f"line {visitor.said} {body}"
        visitor.unsent.append((f"{visitor.name}-{visitor.said}", body))
        self._tell()

    def leave(self, visitor: Visitor, now: float) -> None:
        """The window is closed: nothing is said or seen until it opens again."""
        visitor.there = False
        visitor.away.append((now, float("inf")))
        self._tell()

    def come_back(self, visitor: Visitor, now: float) -> None:
        visitor.there = True
        visitor.away[-1] = visitor.away[-1][0], now
        self._tell()

    def file(self, skill: str) -> None:
        key = f"task{len(self.tasks) + 1}"
        self.tasks[key] = Filed(key=key, title=f"Check {key}", skill=skill)
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
