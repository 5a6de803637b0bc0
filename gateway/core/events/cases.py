"""What happens to cases and their messages."""

from typing import Literal

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, CaseId, ChannelName, CustomerId, ItemId, MessageId
from gateway.core.model import Case, CaseStatus, Delivery


class CaseOpened(Happened, frozen=True, kw_only=True):
    case: Case


class CaseChanged(Happened, frozen=True, kw_only=True):
    """Fields left ``None`` stay as they are. ``link``: addresses given before are void.

    ``item`` is the one whose end solved it.
    """

    case: CaseId
    by: str
    reason: str = ""
    status: CaseStatus | None = None
    tags: tuple[str, ...] | None = None
    category: str | None = None
    stage: str | None = None
    type: Literal["request", "incident"] | None = None
    level: int | None = None
    subject: str | None = None
    link: int | None = None
    item: ItemId | None = None


class CaseRated(Happened, frozen=True, kw_only=True):
    """The customer says how it went, 1-5; ``agent`` had the case last, ``before`` it was rated so.

    ``item`` is the work whose end had solved it.

    What was said with it is a message of the case.
    """

    case: CaseId
    score: int
    agent: AgentName | None = None
    before: int = 0
    item: ItemId | None = None


class MessageAdded(Happened, frozen=True, kw_only=True):
    """``thread``, ``address`` and ``copies`` update where answers on the item go.

    ``automatic``: a machine wrote it, ours or the customer's; it answers nothing, asks nothing.
    ``hush`` is why no machine of ours answers it, though it does not say that one wrote it.
    ``guest``: whoever is answered from now on takes part, and is not the customer.
    """

    message: MessageId
    case: CaseId
    seq: int
    direction: Literal["in", "out", "note", "system"]
    item: ItemId | None = None
    customer: CustomerId | None = None
    thread: tuple[str, ...] | None = None
    address: str | None = None
    copies: tuple[str, ...] | None = None
    preview: str = ""
    reason: str = ""
    automatic: bool = False
    hush: str = ""
    guest: bool = False


class ScoreAsked(Happened, frozen=True, kw_only=True):
    """A closing mail has asked the customer how it went."""

    case: CaseId
    item: ItemId


class CopyCame(Happened, frozen=True, kw_only=True):
    """The same mail came to another mailbox of ours too: ``channel``, whose address is ``to``."""

    message: MessageId
    case: CaseId
    channel: ChannelName
    to: str = ""
    item: ItemId | None = None


class MessageEdited(Happened, frozen=True, kw_only=True):
    """Its writer (``by``: agent or customer) says it otherwise; ``was`` is what it was."""

    message: MessageId
    case: CaseId
    seq: int
    by: str
    item: ItemId | None = None
    was: str = ""
    preview: str = ""


class MessageDeleted(Happened, frozen=True, kw_only=True):
    """Its writer takes it back; ``was`` is what it was."""

    message: MessageId
    case: CaseId
    seq: int
    by: str
    item: ItemId | None = None
    was: str = ""


class DeliveryChanged(Happened, frozen=True, kw_only=True):
    message: MessageId
    case: CaseId
    state: Delivery
    item: ItemId | None = None
    reason: str = ""


CaseEvent = (
    CaseOpened
    | CaseChanged
    | CaseRated
    | ScoreAsked
    | MessageAdded
    | MessageEdited
    | MessageDeleted
    | CopyCame
    | DeliveryChanged
)
