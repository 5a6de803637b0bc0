"""What a customer is owed besides the next answer: a call-back, a promise; and a queue's rules.

``core.model`` has them on a work item and on a queue; ``core.callbacks``, ``core.promises`` and
``core.abandoned`` decide about them.
"""

from datetime import datetime
from typing import Literal

from msgspec import field

from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.value import ChannelKind, Kept, Value

Outcome = Literal["reached", "not_reached", "wrong_number"]
"""How an attempt to call back went: the codes with which such an item ends."""
OFFERED = "callback"
"""What an item remembers to whose customer a threshold has offered a call-back."""
Answered = Literal["ignore", "message", "recovery", "callback"]


class CallbackWish(Value, frozen=True, kw_only=True):
    """What somebody asks for.

    ``at`` without an offset is a time in ``zone`` (IANA); ``None``: as soon as possible. Left
    ``None``, ``same_agent`` is as the queue has it; ``agent`` is who is to call, if it can be had.
    ``cancel``: none is wanted any more.
    """

    number: str = ""
    at: datetime | None = None
    zone: str = ""
    note: str = ""
    agent: AgentName | None = None
    same_agent: bool | None = None
    cancel: bool = False


class Callback(Kept, frozen=True, kw_only=True):
    """What makes a work item a call-back.

    ``via`` is how the customer can be answered besides the number; ``at`` the time that was asked
    for, ``agent`` who should call. ``since`` is its place: it waits as if it had come then.
    ``replaces`` is the contact that stopped waiting for it, ``attempts`` counts how often the
    customer was tried, ``ready_at`` is when it came to wait for an agent.
    """

    via: ChannelKind
    since: datetime
    asked_by: str
    number: str = ""
    at: datetime | None = None
    zone: str = ""
    note: str = ""
    agent: AgentName | None = None
    replaces: ItemId | None = None
    attempts: int = 0
    ready_at: datetime | None = None


class Promise(Kept, frozen=True, kw_only=True):
    """What an agent has said that we do, and by when; it makes a work item a promise.

    Until ``grace`` seconds after ``due_at`` it waits for ``agent`` alone; in nobody's hands by
    then, it is broken.
    """

    text: str
    agent: AgentName
    made_at: datetime
    due_at: datetime
    grace: float
    broken_at: datetime | None = None


class Gone(Kept, frozen=True, kw_only=True):
    """The customer's last window has closed; if none has opened ``until`` then, they have left."""

    since: datetime
    until: datetime


class Callbacks(Kept, frozen=True, kw_only=True):
    """How a queue treats call-backs.

    ``offered``: customers may ask for one while they wait; a chat window offers it by itself to
    who would wait ``offer_wait`` seconds or longer, and while it is closed. ``same_agent``: who has
    dealt with the matter calls, if it can be. Nobody there: again ``again_seconds`` later,
    ``most_attempts`` times in all, then the ``message`` by language (under ``""`` for all others)
    goes out. A customer who comes back by whatever channel needs no call any more, if
    ``cancel_on_return``. ``offer`` is what a threshold that offers one writes. Where these two are
    empty it is said in our words (``core.catalogue``).
    """

    offered: bool = True
    offer_wait: float = 120.0
    same_agent: bool = True
    again_seconds: float = 900.0
    most_attempts: int = 3
    message: dict[str, str] = field(default_factory=dict)
    cancel_on_return: bool = True
    offer: dict[str, str] = field(default_factory=dict)


class Abandoned(Kept, frozen=True, kw_only=True):
    """What becomes of a contact whose customer leaves before the first answer.

    Who leaves within ``after`` seconds is counted apart, and never answered. ``then``: nothing
    (``ignore``), the ``message`` by language to the mail address that we have, a task in ``queue``
    that wins the customer back (``recovery``), or a call-back. A chat whose last window has been
    gone for ``gone_after`` seconds while the queue is open counts as left; ``None``: never.
    """

    after: float = 5.0
    gone_after: float | None = 120.0
    then: Answered = "ignore"
    message: dict[str, str] = field(default_factory=dict)
    queue: QueueName = QueueName("")
    title: str = "Win back who gave up waiting"


PROMISE_GRACE_SECONDS = 900.0
Bundling = Literal["case", "customer", "off"]
"""What is offered together: what waits of one case, of one customer, or nothing."""
