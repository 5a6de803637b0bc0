"""Names of things as types, so that an agent can never be passed where an item is meant.

Ids made by us are UUIDv7 in canonical text; names (agents, queues, channels, nodes) are what
an operator typed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NewType

import msgspec

ItemId = NewType("ItemId", str)
CaseId = NewType("CaseId", str)
MessageId = NewType("MessageId", str)
OfferId = NewType("OfferId", str)
CustomerId = NewType("CustomerId", str)
OutboundId = NewType("OutboundId", str)
InboundId = NewType("InboundId", str)
AttachmentId = NewType("AttachmentId", str)
CommandId = NewType("CommandId", str)
TicketNumber = NewType("TicketNumber", int)

AgentName = NewType("AgentName", str)
QueueName = NewType("QueueName", str)
ChannelName = NewType("ChannelName", str)
SkillName = NewType("SkillName", str)
NodeName = NewType("NodeName", str)
SiteName = NewType("SiteName", str)
CalendarName = NewType("CalendarName", str)
PolicyName = NewType("PolicyName", str)
RuleName = NewType("RuleName", str)
MacroName = NewType("MacroName", str)
CannedName = NewType("CannedName", str)
LetterName = NewType("LetterName", str)
AlarmName = NewType("AlarmName", str)

NewId = Callable[[], str]


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """A place in one node's journal: total order within the node, without gaps per epoch."""

    epoch: int
    offset: int


LinkOf = Callable[[CaseId, CustomerId, int], str]
"""The address of a customer's page for a case, of the link as renewed so many times."""


def no_link(_case: CaseId, _customer: CustomerId, _renewed: int) -> str:
    """There are no pages for customers."""
    return ""


SpellMoment = Callable[[datetime, str, str], str]
"""A time as it is written to somebody: in a zone (IANA), in a language."""


def plain_moment(at: datetime, _zone: str, _language: str) -> str:
    """In UTC, for everybody."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


ExpectWait = Callable[[ItemId], float | None]
"""How many seconds of work are before a waiting item; ``None``: nobody knows."""


def no_expectation(_item: ItemId) -> None:
    """Nobody knows how long anything will wait."""
    return


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a decision may know of the world besides its input.

    ``now`` is UTC; ``new_id`` gives a fresh UUIDv7 as text. ``link`` gives the address of the page
    on which a customer follows a case, by how often such an address has been taken back; ``spell``
    writes a time for somebody, ``expect`` tells how long an item will wait.
    """

    now: datetime
    new_id: NewId
    link: LinkOf = no_link
    spell: SpellMoment = plain_moment
    expect: ExpectWait = no_expectation
