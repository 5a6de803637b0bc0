"""Cases, items and messages of a chat, as the journal would have them."""

from datetime import UTC, datetime, timedelta

from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    ItemId,
    MessageId,
    NodeName,
    QueueName,
    TicketNumber,
)
from gateway.core.model import (
    Author,
    Case,
    ChannelKind,
    Delivery,
    Item,
    ItemState,
    Message,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SITE = ChannelName("site")


def message(
    seq: int,
    body: str = "",
    *,
    case: str = "case-1",
    direction: str = "in",
    client_id: str = "",
    delivery: Delivery | None = None,
) -> Message:
    """A message as the journal would have it."""
    kinds = {"in": "customer", "out": "agent", "note": "agent", "system": "system"}
    names = {"in": "Mia", "out": "Ana", "note": "Ana", "system": ""}
    if delivery is None and direction == "out":
        delivery = Delivery.SENT
    return Message(
        id=MessageId(f"{case}-m{seq}"),
        case=CaseId(case),
        seq=seq,
        direction=direction,  # type: ignore[arg-type]
        author=Author(kind=kinds[direction], name=names[direction]),  # type: ignore[arg-type]
        at=START + timedelta(seconds=seq),
        channel=SITE,
        kind=ChannelKind.WEBCHAT,
        body=body or f"message {seq}",
        client_id=client_id,
        delivery=delivery,
    )


def case_of(name: str = "case-1", number: int = 1000, last_seq: int = 0) -> Case:
    return Case(
        id=CaseId(name),
        number=TicketNumber(number),
        version=1,
        opened_at=START,
        channel=SITE,
        kind=ChannelKind.WEBCHAT,
        last_seq=last_seq,
    )


def item_of(
    state: ItemState = ItemState.QUEUED,
    *,
    case: str = "case-1",
    name: str = "item-1",
    version: int = 1,
    agent: str | None = None,
) -> Item:
    return Item(
        id=ItemId(name),
        case=CaseId(case),
        number=TicketNumber(1000),
        channel=SITE,
        kind=ChannelKind.WEBCHAT,
        queue=QueueName("general"),
        state=state,
        version=version,
        owner=NodeName("test-1"),
        created_at=START,
        agent=AgentName(agent) if agent else None,
    )
