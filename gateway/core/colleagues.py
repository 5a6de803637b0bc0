"""Chat among colleagues: what is said, to whom, and what each may see of it. Pure values.

Two agents have one chat, a group has one; what is said may be about a work item. Nothing of it is
in a node's memory: it stands in the database, and a desktop asks for what it shows.
"""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType, field
from msgspec.structs import replace

from gateway.core.ids import AgentName, CaseId, ItemId, MessageId, RuleName, TicketNumber
from gateway.core.value import Kept
from gateway.core.watch import Verdict

LONGEST = 8_000
"""Characters of one message."""

State = Literal["sent", "held", "refused", "barred"]


class ColleagueMessage(Kept, frozen=True, kw_only=True):
    """One thing said to ``agent`` or to ``group``, of which exactly one is given.

    ``held``: it has not reached anybody, a supervisor reads it first; ``refused``: one has, and it
    never will; ``barred``: a rule did not let it be said, and only supervisors see what was tried.
    ``reason`` is why a supervisor is to look, ``rule`` who says so; ``open`` until one has.
    ``case`` and ``number`` are those of ``item``.
    """

    id: MessageId
    by: AgentName
    at: datetime
    body: str
    agent: AgentName | None = None
    group: str = ""
    item: ItemId | None = None
    case: CaseId | None = None
    number: TicketNumber = TicketNumber(0)
    state: State = "sent"
    rule: RuleName = RuleName("")
    reason: str = ""
    open: bool = False
    reviewed_by: AgentName | None = None
    reviewed_at: datetime | None = None

    @property
    def chat(self) -> str:
        """The chat that it belongs to."""
        return chat_of(self.by, self.agent, self.group)


class ColleagueMark(Kept, frozen=True, kw_only=True):
    """How far an agent has read in a chat: up to this message."""

    reader: AgentName
    chat: str
    message: MessageId


class ColleagueView(Kept, frozen=True, kw_only=True):
    """A message as those see it who take part. ``held``: why it waits; only its writer is told."""

    id: MessageId
    by: AgentName = field(name="from")
    agent: AgentName | UnsetType = UNSET
    group: str | UnsetType = UNSET
    item: ItemId | UnsetType = UNSET
    number: TicketNumber | UnsetType = UNSET
    body: str
    at: datetime
    held: str | UnsetType = UNSET
    refused: bool | UnsetType = UNSET


def chat_of(one: AgentName, agent: AgentName | None, group: str) -> str:
    """The name of a chat, the same from both sides. No name of an agent has a line break."""
    if agent is None:
        return f"group\n{group}"
    return "\n".join(("agents", *sorted((one, agent))))


def view_of(message: ColleagueMessage) -> ColleagueView:
    """As its writer sees it, and everybody else whom it reaches."""
    about = message.item is not None
    return ColleagueView(
        id=message.id,
        by=message.by,
        agent=UNSET if message.agent is None else message.agent,
        group=message.group or UNSET,
        item=message.item if message.item is not None else UNSET,
        number=message.number if about else UNSET,
        body=message.body,
        at=message.at,
        held=message.reason if message.state == "held" else UNSET,
        refused=True if message.state == "refused" else UNSET,
    )


def reviewed(
    message: ColleagueMessage, verdict: Verdict, by: AgentName, at: datetime
) -> ColleagueMessage:
    """What a supervisor's verdict makes of it; what is released is said from then on."""
    state: dict[Verdict, State] = {"released": "sent", "refused": "refused"}
    return replace(
        message,
        at=at if verdict == "released" else message.at,
        state=state.get(verdict, message.state),
        open=False,
        reviewed_by=by,
        reviewed_at=at,
    )
