"""How far messages have come, in both directions: sent, delivered, read."""

from collections.abc import Iterator

from channels.webchat.protocol import Delivered, ReadFrame
from gateway.core.ids import MessageId
from gateway.core.model import Delivery, Message

MOST = 200
"""Messages remembered for each direction; older ones keep the marks they have."""


class Marks:
    """The marks of one conversation on one connection; told marks only ever rise."""

    def __init__(self) -> None:
        self._said: dict[MessageId, int] = {}  # the visitor's own messages
        self._unread: dict[int, Message] = {}  # the agents' messages, by seq
        self._last_said = 0
        self._read = 0
        self._told_delivered = 0
        self._told_read = 0

    def note(self, message: Message) -> None:
        """A message passes by, with the mark it has got so far."""
        if message.direction == "in":
            self._said[message.id] = message.seq
            self._last_said = max(self._last_said, message.seq)
            if len(self._said) > MOST:
                del self._said[next(iter(self._said))]
            if message.delivery is Delivery.READ:
                self._read = max(self._read, message.seq)
        elif message.direction == "out" and message.delivery is not Delivery.READ:
            self._unread[message.seq] = message
            if len(self._unread) > MOST:
                del self._unread[next(iter(self._unread))]

    def read_up_to(self, seq: int) -> list[Message]:
        """The visitor has read: which of the agents' messages are so for the first time."""
        return [self._unread.pop(s) for s in sorted(self._unread) if s <= seq]

    def read_elsewhere(self, message: MessageId) -> None:
        """Someone has read a message: an agent the visitor's, or another tab an agent's."""
        if (seq := self._said.get(message)) is not None:
            self._read = max(self._read, seq)
            return
        for seq in [s for s, unread in self._unread.items() if unread.id == message]:
            del self._unread[seq]

    def due(self, *, in_hand: bool) -> Iterator[Delivered | ReadFrame]:
        """What the visitor does not know yet. ``in_hand``: an agent has the conversation open."""
        if in_hand and self._last_said > self._told_delivered:
            self._told_delivered = self._last_said
            yield Delivered(seq=self._told_delivered)
        if self._read > self._told_read:
            self._told_read = self._read
            yield ReadFrame(seq=self._told_read)
