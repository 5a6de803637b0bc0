"""Desktops that come and go, and how agents are."""

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, ItemId, NodeName
from gateway.core.model import AgentStatus, Presence
from gateway.core.reservation import Reservation


class AgentAttached(Happened, frozen=True, kw_only=True):
    """A desktop is connected. ``claims`` says that this begins a new epoch of the agent."""

    agent: AgentName
    node: NodeName
    epoch: int
    tab: str
    claims: bool


class AgentDetached(Happened, frozen=True, kw_only=True):
    agent: AgentName
    tab: str
    reason: str


class AgentClaimed(Happened, frozen=True, kw_only=True):
    """An agent who had no home has it here from now on; the status as the row had it."""

    status: AgentStatus


class AgentReleased(Happened, frozen=True, kw_only=True):
    """The agent has no home any more: whichever node the next desktop comes to will be it."""

    agent: AgentName
    reason: str


class AgentStateChanged(Happened, frozen=True, kw_only=True):
    agent: AgentName
    presence: Presence
    reason: str = ""
    by: str = ""


class AgentReserved(Happened, frozen=True, kw_only=True):
    """The agent is kept free for an item that ``asker`` is about to hand over."""

    reservation: Reservation
    reason: str = ""


class ReservationEnded(Happened, frozen=True, kw_only=True):
    """The item did not come in time, or need not come: the agent is there for others again."""

    agent: AgentName
    item: ItemId
    reason: str


class CommandAnswered(Happened, frozen=True, kw_only=True):
    """A command was answered without changing anything; the answer is remembered all the same."""

    agent: AgentName
    command: str
    refused: str = ""


PresenceEvent = (
    AgentAttached
    | AgentDetached
    | AgentClaimed
    | AgentReleased
    | AgentStateChanged
    | AgentReserved
    | ReservationEnded
    | CommandAnswered
)
