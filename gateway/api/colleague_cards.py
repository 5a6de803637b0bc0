"""What REST shows of colleagues and their chats, and what it may be asked for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from gateway.api.base import Listed, Paged, Reason
from gateway.core.colleagues import ColleagueMessage, ColleagueView, State, view_of
from gateway.core.ids import AgentName, ItemId, MessageId, RuleName, TicketNumber
from gateway.core.model import AgentProfile, AgentStatus, Presence
from gateway.ports import HttpAnswer, Role
from gateway.store.contract import Page

MOST_GROUPS = 200
Why = Annotated[str, Meta(min_length=3, max_length=500)]
Name = Annotated[str, Meta(max_length=200)]


class WhoQuery(Struct, frozen=True, kw_only=True):
    """``q`` is looked for in names; ``names``, with commas between, asks for these alone."""

    q: Annotated[str, Meta(max_length=100)] = ""
    names: Annotated[str, Meta(max_length=7_000)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Colleague(Struct, frozen=True, kw_only=True):
    """An agent, and whether somebody is there: not ``connected`` is away."""

    name: AgentName
    display_name: str
    role: Role
    presence: Presence
    reason: str
    since: datetime
    connected: bool


class Group(Struct, frozen=True, kw_only=True):
    """A group with how many are in it; ``mine``: I am one of them."""

    name: str
    members: int
    mine: bool


class Who(Struct, frozen=True, kw_only=True):
    """``more`` have such a name: say more of it."""

    agents: list[Colleague]
    groups: list[Group]
    more: bool = False


class ChatCard(Struct, frozen=True, kw_only=True):
    """A chat, with one agent or in a group: its newest message, and how many one has not read.

    A thousand stands for that many, or more.
    """

    agent: AgentName | UnsetType = UNSET
    group: str | UnsetType = UNSET
    last: ColleagueView
    unread: int


class MessageQuery(Paged, frozen=True, kw_only=True):
    """One of these: whom one talks to, the group, or the item that it is about."""

    agent: Name = ""
    group: Name = ""
    item: Name = ""


class AuditQuery(Paged, frozen=True, kw_only=True):
    """Two agents, with a comma between, or a group; and why a chat of others is to be read."""

    agents: Name = ""
    group: Name = ""
    reason: Why


class FoundCard(Struct, frozen=True, kw_only=True):
    """What a rule has found among colleagues. ``held`` waits for a verdict."""

    id: MessageId
    by: AgentName = field(name="from")
    agent: AgentName | None
    group: str
    item: ItemId | None
    number: TicketNumber
    body: str
    at: datetime
    state: State
    rule: RuleName
    reason: str
    reviewed_by: AgentName | None


class Conclusion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was held is ``released`` or ``refused``; anything else is ``seen``."""

    verdict: Literal["released", "refused", "seen"]
    reason: Reason = ""


def is_named(profile: AgentProfile, q: str) -> bool:
    return q.casefold().strip() in f"{profile.display_name} {profile.name}".casefold()


def groups_of(profiles: Iterable[AgentProfile], q: str, me: AgentName) -> list[Group]:
    counts: dict[str, int] = {}
    mine: set[str] = set()
    for profile in profiles:
        if not profile.active:
            continue
        for group in profile.groups:
            counts[group] = counts.get(group, 0) + 1
        if profile.name == me:
            mine.update(profile.groups)
    wanted = q.casefold().strip()
    names = sorted((g for g in counts if wanted in g.casefold()), key=lambda g: (g not in mine, g))
    return [Group(name=g, members=counts[g], mine=g in mine) for g in names[:MOST_GROUPS]]


def colleague_shown(profile: AgentProfile, status: AgentStatus) -> Colleague:
    return Colleague(
        name=profile.name,
        display_name=profile.display_name,
        role=profile.role,
        presence=status.presence,
        reason=status.reason,
        since=status.since,
        connected=status.tabs > 0,
    )


def chat_card(last: ColleagueMessage, unread: int, me: AgentName) -> ChatCard:
    if last.agent is None:
        return ChatCard(group=last.group, last=view_of(last), unread=unread)
    other = last.by if last.agent == me else last.agent
    return ChatCard(agent=other, last=view_of(last), unread=unread)


def listed(found: Page) -> HttpAnswer:
    return HttpAnswer(body=Listed(items=[view_of(m) for m in found.items], next=found.next))


def found_card(m: ColleagueMessage) -> FoundCard:
    return FoundCard(
        id=m.id,
        by=m.by,
        agent=m.agent,
        group=m.group,
        item=m.item,
        number=m.number,
        body=m.body,
        at=m.at,
        state=m.state,
        rule=m.rule,
        reason=m.reason,
        reviewed_by=m.reviewed_by,
    )
