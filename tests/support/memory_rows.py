"""Rows of the store in memory that are no documents."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from gateway.core import model as m
from gateway.core.ids import (
    CommandId,
    CustomerId,
    InboundId,
    MessageId,
    NodeName,
)
from gateway.core.inbound import Decided, Inbound
from gateway.store.codec import encode
from gateway.store.contract import (
    Card,
)
from gateway.store.relay import Question
from gateway.store.takeover import Estate

T = TypeVar("T")


class InboxRow(Struct, kw_only=True):
    """One thing that arrived, once for each key of a channel. ``arrival`` numbers the commits."""

    id: InboundId
    arrival: int
    node: NodeName
    inbound: Inbound
    customer: CustomerId | None
    attachments: tuple[m.Attachment, ...]
    received_at: datetime
    decided: Decided | None = None
    raw: bytes | None = None


class Upload(Struct, kw_only=True):
    """A file by name. ``message`` is what it was sent with, ``claimed_by`` for which command.

    ``named``: an inbound has it.
    """

    attachment: m.Attachment
    owner: str
    data: bytes
    claimed_by: CommandId | None = None
    claimed_at: datetime | None = None
    message: MessageId | None = None
    named: bool = False


class Lease(Struct, kw_only=True):
    """A row of ``node_lease``; ``renewed_at`` is in seconds of the database's clock."""

    epoch: int
    counter: int = 0
    card: Card
    stopped: bool = False
    renewed_at: datetime


class RelayRow(Struct, kw_only=True):
    """What a node is asked, and the answer."""

    to: NodeName
    question: Question
    at: datetime
    answer: bytes | None = None


class Move(Struct, frozen=True):
    """Rows that changed hands when the journal had so many entries."""

    at: int
    dead: NodeName
    heir: NodeName
    rows: Estate


def is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def copied(value: T) -> T:
    """As it comes back from a document in the database."""
    return msgspec.json.decode(encode(value), type=type(value))
