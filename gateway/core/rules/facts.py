"""What the rules may know of a contact."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from gateway.core.ids import ChannelName, QueueName
from gateway.core.rules.mismatch import Mismatch
from gateway.core.rules.tickets import Ticket
from gateway.core.rules.words import plain
from gateway.core.value import Attributes, ChannelKind


class Facts(Struct, frozen=True, kw_only=True, dict=True):
    """A contact as the rules see it.

    ``kind`` and ``channel``: none where colleagues talk about no item.
    ``to`` are our addresses that it came to, ``sender`` is where it came from (canonical).
    ``fields`` are what a form, a task or the host site said. ``recent`` are the times at which this
    customer wrote before, ``begun`` those at which it began other matters, newest first, as far
    back as they were looked up; ``open_cases`` counts the matters that are open, ``tickets`` are
    those, the one that changed last first. ``open`` says
    whether the queue it would go to is within its hours; ``None`` when it has none. ``clock`` is
    the clock of its service level that a rule is asked about, ``tags`` are those of its case.
    ``counted`` says how many came, this one among them: under ``velocity_key``, or under
    ``sender``, ``domain``, ``prefix`` or ``ip`` alone. ``mismatches``: where it claims to be
    somebody else.
    """

    kind: ChannelKind | None = None
    channel: ChannelName = ChannelName("")
    at: datetime
    to: tuple[str, ...] = ()
    sender: str = ""
    verified: bool = False
    language: str = ""
    subject: str = ""
    body: str = ""
    fields: Attributes = field(default_factory=dict)
    queue: QueueName = QueueName("")
    category: str = ""
    value: int = 0
    open_cases: int = 0
    recent: tuple[datetime, ...] = ()
    begun: tuple[datetime, ...] = ()
    machine: bool = False
    open: bool | None = None
    tags: tuple[str, ...] = ()
    clock: str = ""
    tickets: tuple[Ticket, ...] = ()
    counted: dict[str, int] = field(default_factory=dict)
    mismatches: tuple[Mismatch, ...] = ()

    def text_of(self, part: str) -> str:
        """``subject``, ``body`` or ``text`` (both), as words are looked for in it."""
        kept: dict[str, str] = self.__dict__
        if part not in kept:
            whole = f"{self.subject}\n{self.body}" if part == "text" else getattr(self, part)
            kept[part] = plain(whole)
        return kept[part]

    def came_since(self, moment: datetime, *, matters: bool) -> int:
        """How many messages (or matters) of the customer came since then, this one among them."""
        return 1 + sum(1 for at in (self.begun if matters else self.recent) if at >= moment)


def said(fields: Mapping[str, str | int | float | bool | None], name: str) -> str | None:
    """What a form said under this name, as text; ``None`` when it said nothing."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
