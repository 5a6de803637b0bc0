"""Who acts, on what, with what at hand."""

from typing import Any

from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import Context, ItemId, TicketNumber
from gateway.core.misrouted import HouseWords
from gateway.core.model import (
    AgentProfile,
    Attachment,
    Author,
    Case,
    CustomerBrief,
    Item,
    ItemState,
    Message,
)
from gateway.core.state import NodeState

PARKED = (ItemState.HELD, ItemState.SCHEDULED)


class RefusedOnRecord(Refused):
    """Refused, and what was tried stands on record: ``changes`` go with the answer."""

    def __init__(self, why: Refused, changes: list[e.Change]) -> None:
        super().__init__(why.code, why.detail, why.field)
        self.changes = changes


class About(Struct, frozen=True, kw_only=True):
    """An item that colleagues talk about; ``spoken``: they did before, in this chat."""

    item: Item
    spoken: bool


Body = dict[str, Any]
Decision = tuple[list[e.Change], Body]


class Resolved(Struct, frozen=True, kw_only=True):
    """What the desk had to look up before deciding.

    ``html`` is what a command brought of it, made harmless. ``away``: who it is transferred to is
    at home at another node, which offers it.
    """

    attachments: tuple[Attachment, ...] = ()
    html: str | None = None
    case: Case | None = None
    last_item: Item | None = None
    message: Message | None = None
    customer: CustomerBrief | None = None
    address: str = ""
    number: TicketNumber = TicketNumber(0)
    away: bool = False
    words: HouseWords = HouseWords()
    about: About | None = None


class Desk(Struct, frozen=True, kw_only=True):
    """Who acts, on what, with what at hand."""

    state: NodeState
    agent: AgentProfile
    ctx: Context
    resolved: Resolved = field(default_factory=Resolved)

    def item(self, item: ItemId) -> Item:
        found = self.state.items.get(item)
        if found is None:
            raise Refused("not_found", "there is no such open work item", "item")
        return found

    def mine(self, item: ItemId, *states: ItemState) -> Item:
        """The item, if it is in this agent's hands in one of these states."""
        found = self.item(item)
        holder = found.last_agent if found.state in PARKED else found.agent
        if holder != self.agent.name:
            raise Refused("not_yours", "this work item is not in your hands", "item")
        if found.state not in states:
            wanted = " or ".join(s.value for s in states)
            raise Refused(
                "wrong_state", f"the item is {found.state.value}; it must be {wanted}", "item"
            )
        return found

    def matter(self, item: Item) -> Matter:
        """The item in its case, as they are."""
        return Matter(self.state, self.ctx, self.state.cases[item.case], item)

    @property
    def author(self) -> Author:
        return Author(
            kind="agent",
            name=self.agent.display_name or self.agent.name,
            id=self.agent.name,
            verified=True,
        )
