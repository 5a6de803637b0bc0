"""Opening a case and a work item in it."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from gateway.core import events as e
from gateway.core.bad_addresses import key_of_address
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    Context,
    ItemId,
    QueueName,
    RuleName,
    SkillName,
    TicketNumber,
)
from gateway.core.model import (
    Attributes,
    Case,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Requirement,
)
from gateway.core.owed import Callback, Promise
from gateway.core.service_level import begin
from gateway.core.state import NodeState
from gateway.core.stopping import why_stopped

NO_RULE = RuleName("")


def comes_back(state: NodeState, kind: ChannelKind, address: str) -> str:
    """Why mail to an address comes back; empty: it does not, as far as is known."""
    if kind is not ChannelKind.EMAIL or not address or not state.bad_addresses:
        return ""
    known = state.bad_addresses.get(key_of_address(address))
    return known.reason or "it came back" if known is not None else ""


def open_case(
    state: NodeState,
    ctx: Context,
    *,
    number: TicketNumber,
    channel: ChannelName,
    kind: ChannelKind,
    queue: QueueName,
    customer: CustomerBrief | None,
    subject: str,
    address: str,
    reason: str,
    case: Case | None = None,
    follows: CaseId | None = None,
    copies: tuple[str, ...] = (),
    thread: tuple[str, ...] = (),
    language: str = "",
    skills: dict[SkillName, int] | None = None,
    priority: int = 0,
    due_at: datetime | None = None,
    category: str = "",
    preview: str = "",
    attributes: Attributes | None = None,
    level: int = 1,
    tags: tuple[str, ...] = (),
    asked: bool = False,
    last_agent: AgentName | UnsetType | None = UNSET,
    callback: Callback | None = None,
    promise: Promise | None = None,
    ruled_by: RuleName = NO_RULE,
) -> tuple[Case, Item, list[e.Change]]:
    """A new work item, in ``case`` or in a new one; its state is ``new``.

    ``asked``: the customer waits for a reply. ``last_agent`` is the case's, unless given.
    """
    service = begin(state, queue, ctx.now, asked=asked, case=case, due_at=due_at)
    changes: list[e.Change] = []
    if case is None:
        case = Case(
            id=CaseId(ctx.new_id()),
            number=number,
            version=1,
            opened_at=ctx.now,
            channel=channel,
            kind=kind,
            customer=customer,
            subject=subject,
            category=category,
            level=level,
            tags=tags,
            joined_because=reason,
            follows=follows,
        )
        changes.append(e.Change(e.CaseOpened(case=case)))
    item = Item(
        id=ItemId(ctx.new_id()),
        case=case.id,
        number=case.number,
        channel=channel,
        kind=kind,
        queue=queue,
        state=ItemState.NEW,
        version=1,
        owner=state.node,
        created_at=ctx.now,
        subject=subject,
        preview=preview,
        customer=customer,
        requirement=Requirement(skills=skills or {}),
        language=language,
        priority=priority,
        due_at=due_at if service is None else service.nearest(),
        service=service,
        last_agent=case.last_agent if last_agent is UNSET else last_agent,
        address=address,
        copies=copies,
        thread=thread,
        attributes=attributes or {},
        callback=callback,
        promise=promise,
        ruled_by=ruled_by,
        undeliverable=comes_back(state, kind, address),
        stopped=why_stopped(state, kind, address),
    )
    changes.append(e.Change(e.ItemCreated(item=item, reason=reason)))
    return case, item, changes
