"""The way out and the way in: the outbox, channels, the inbox."""

from datetime import datetime
from typing import Literal

from gateway.core.events.base import Happened
from gateway.core.ids import CaseId, OutboundId
from gateway.core.model import OutboundState, Outgoing


class OutboundQueued(Happened, frozen=True, kw_only=True):
    outbound: Outgoing


class OutboundAttempted(Happened, frozen=True, kw_only=True):
    """Journaled before the outside is touched; ``repeat`` follows an unknown outcome."""

    outbound: OutboundId
    attempt: int
    repeat: bool = False


class OutboundSettled(Happened, frozen=True, kw_only=True):
    """``state`` pending means: failed for now, tried again at ``next_at``.

    ``unsettled`` says that the attempt may have had its effect all the same; ``only``, who
    was asked for patience while others have it.
    """

    outbound: OutboundId
    state: OutboundState
    unsettled: bool = False
    reason: str = ""
    receipt: str = ""
    next_at: datetime | None = None
    only: tuple[str, ...] = ()


class ChannelHealthChanged(Happened, frozen=True, kw_only=True):
    channel: str
    health: Literal["up", "down", "parked", "paused", "standby"]
    reason: str = ""


class InboundDecided(Happened, frozen=True, kw_only=True):
    """Intake dealt with one inbox row."""

    inbound: str
    status: Literal["processed", "ignored", "quarantined"]
    case: CaseId | None = None
    reason: str = ""


DeliveryEvent = OutboundQueued | OutboundAttempted | OutboundSettled
ChannelEvent = ChannelHealthChanged | InboundDecided
