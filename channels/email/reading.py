"""What reading a folder is about: how it waits, what it counts, and a batch on its way."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from channels.email.cursor import Cursor
from channels.email.fetch import Loaded
from channels.email.mailbox import Info
from channels.email.parse import Envelope
from channels.email.understand import Underway
from gateway.core.ids import ChannelName
from gateway.ports import Inbound


class Pace(Struct, frozen=True, kw_only=True):
    """How the reader waits; all in seconds.

    ``idle`` is below the 29 minutes of RFC 2177 by far: after it we look for ourselves, so that
    new mail which the server forgot to announce waits no longer than that, and the answer is what
    finds a connection that died in silence. ``owed`` is when we first come back to a mail that
    the server kept back; the wait doubles up to ``most_owed``.
    """

    idle: float = 28.0
    poll: float = 30.0
    hold: float = 1.0
    owed: float = 5.0
    most_owed: float = 3_600.0


class Counts(Struct):
    """What an operator wants to see of a mailbox.

    ``server``: mails in the folder now. ``stored``: ever brought to the journal, of which
    ``quarantined`` could not be read. ``withheld``: what the server keeps back just now. ``gone``:
    deleted by somebody before we could read them, since the start. ``waiting``: seen in the
    folder and not stored yet.
    """

    server: int = 0
    stored: int = 0
    quarantined: int = 0
    withheld: int = 0
    gone: int = 0
    waiting: int = 0


class Source(Struct, frozen=True, kw_only=True):
    """Everything about this mailbox that does not change: names, limits and our addresses."""

    channel: ChannelName
    folder: str
    envelope: Callable[[str, datetime, int], Envelope]
    max_bytes: int


class Batch(Struct, frozen=True, kw_only=True):
    """Mails on their way into the journal; ``unread`` are to be marked once they are there.

    ``owed`` could not be had; what is in ``uids`` alone is gone from the mailbox. ``held`` are the
    bytes of the node's budget that it takes.
    """

    uids: list[int]
    inbounds: list[Inbound]
    prints: list[bytes]
    newest: datetime
    unread: list[int]
    owed: list[int]
    held: int = 0

    def behind(self, cursor: Cursor) -> Cursor:
        """The cursor once this batch is in the journal."""
        taken = cursor.taken(self.uids, self.prints, self.newest, self.unread, self.owed)
        return taken.counted(*self.counted())

    def counted(self) -> tuple[int, int]:
        """How many go into the journal, and how many of those could not be read."""
        return len(self.inbounds), sum(bool(inbound.problem) for inbound in self.inbounds)


class Fetched(Struct, frozen=True):
    """A batch that is here, and is being understood."""

    infos: list[Info]
    loaded: Loaded
    underway: Underway
    held: int = 0
