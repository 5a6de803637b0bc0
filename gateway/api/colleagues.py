"""Colleagues: who is there, what they have said to each other, and what a rule found in it.

A chat is read by who is in it: the two agents, the members of a group; who writes to a group and is
not of it sees what they wrote. What was said about an item is part of its record: who has or had it
last reads it too, and supervisors. Any other chat a supervisor reads with a reason, which is
journaled before the first word is shown. What a rule has found every supervisor may read.
"""

from collections.abc import Sequence
from typing import Protocol

from gateway.api.base import Listed, Paged, asked, by, read, record, who
from gateway.api.colleague_cards import (
    AuditQuery,
    ChatCard,
    Conclusion,
    FoundCard,
    MessageQuery,
    Who,
    WhoQuery,
    chat_card,
    colleague_shown,
    found_card,
    groups_of,
    is_named,
    listed,
)
from gateway.api.needs import Listing, Presences
from gateway.api.once import Once
from gateway.core import events as e
from gateway.core.colleagues import (
    ColleagueMessage,
    ColleagueView,
    chat_of,
    reviewed,
)
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import Presence
from gateway.core.replies import refuse_own
from gateway.core.watch import Verdict
from gateway.flow.ledger import Ledger
from gateway.flow.tasks import KeyedLocks
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import Page

TAG = "colleagues"
BASE = "/api/v1/colleagues"
MOST_LOOKED_AT = 500
"""Agents of whom it is asked whether they are there; who are at home here come first."""


class Spoken(Protocol):
    """What was said (``store.colleagues`` fits)."""

    async def one(self, message: str) -> ColleagueMessage | None: ...

    async def chats(
        self, agent: AgentName, groups: Sequence[str], cursor: str, limit: int
    ) -> Page: ...

    async def messages(
        self, chat: str, reader: AgentName, cursor: str, limit: int, *, whole: bool
    ) -> Page: ...

    async def of_item(self, item: ItemId, cursor: str, limit: int) -> Page: ...

    async def reviews(self, cursor: str, limit: int) -> Page: ...


class Colleagues:
    """See the module's docstring."""

    def __init__(
        self, ledger: Ledger, spoken: Spoken, presence: Presences, listing: Listing, once: Once
    ) -> None:
        self._ledger = ledger
        self._spoken = spoken
        self._presence = presence
        self._listing = listing
        self._once = once
        self._concluding = KeyedLocks()

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path=BASE,
                handle=self._who,
                summary="Colleagues and groups one can write to, and who is there",
                asks=WhoQuery,
                gives=Who,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{BASE}/chats",
                handle=self._chats,
                summary="One's own chats, newest first, with how many messages are unread",
                asks=Paged,
                gives=Listed[ChatCard],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{BASE}/messages",
                handle=self._messages,
                summary="What was said in a chat of one's own, or about an item, newest first",
                asks=MessageQuery,
                gives=Listed[ColleagueView],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{BASE}/audit",
                handle=self._audit,
                summary="A chat of others, with a reason, which is journaled first",
                access="supervisor",
                asks=AuditQuery,
                gives=Listed[ColleagueView],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{BASE}/reviews",
                handle=self._reviews,
                summary="What rules held back, refused or point at among colleagues, oldest first",
                access="supervisor",
                asks=Paged,
                gives=Listed[FoundCard],
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{BASE}/reviews/{{id}}",
                handle=self._conclude,
                summary="Say what becomes of what a rule found among colleagues",
                access="supervisor",
                takes=Conclusion,
                gives=FoundCard,
                tag=TAG,
                once=True,
            ),
        ]

    # -- who is there -----------------------------------------------------------------------

    async def _who(self, request: HttpRequest) -> HttpAnswer:
        query, me = asked(request, WhoQuery), by(request)
        position, state, now = self._ledger.position, self._ledger.state, self._ledger.clock.now()
        wanted = {AgentName(n) for n in query.names.split(",")} if query.names else None
        some = [
            p
            for p in state.profiles.values()
            if p.active and p.name != me and (wanted is None or p.name in wanted)
        ]
        named = [p for p in some if is_named(p, query.q)]
        here = {p.name: state.statuses[p.name] for p in named if state.is_home_of(p.name)}
        groups = groups_of(state.profiles.values(), query.q, me) if wanted is None else []
        found = sorted(named, key=lambda p: (p.name not in here, p.name))[:MOST_LOOKED_AT]
        never = {p.name: state.status(p.name, now) for p in found}
        elsewhere = await self._presence.statuses([p.name for p in found if p.name not in here])
        await self._ledger.committed(position)
        cards = [
            colleague_shown(p, here.get(p.name) or elsewhere.get(p.name) or never[p.name])
            for p in found
        ]
        cards.sort(key=lambda c: (not c.connected, c.presence is not Presence.READY, c.name))
        return HttpAnswer(
            body=Who(
                agents=cards[: query.limit],
                groups=groups,
                more=len(named) > query.limit,
            )
        )

    # -- what was said ----------------------------------------------------------------------

    def _groups_of(self, agent: AgentName) -> tuple[str, ...]:
        profile = self._ledger.state.profiles.get(agent)
        return profile.groups if profile is not None and profile.active else ()

    async def _chats(self, request: HttpRequest) -> HttpAnswer:
        query, me = asked(request, Paged), by(request)
        found = await self._spoken.chats(me, self._groups_of(me), query.cursor, query.limit)
        cards = [chat_card(one.last, one.unread, me) for one in found.items]
        return HttpAnswer(body=Listed(items=cards, next=found.next))

    async def _messages(self, request: HttpRequest) -> HttpAnswer:
        query, me = asked(request, MessageQuery), by(request)
        if sum(map(bool, (query.agent, query.group, query.item))) != 1:
            raise Refused("bad_field", "say one of `agent`, `group` and `item`", "agent")
        if query.item:
            await self._check_item(request, ItemId(query.item))
            found = await self._spoken.of_item(ItemId(query.item), query.cursor, query.limit)
            return listed(found)
        agent = AgentName(query.agent) if query.agent else None
        whole = agent is not None or query.group in self._groups_of(me)
        chat = chat_of(me, agent, query.group)
        return listed(await self._spoken.messages(chat, me, query.cursor, query.limit, whole=whole))

    async def _check_item(self, request: HttpRequest, item: ItemId) -> None:
        principal = who(request)
        here = self._ledger.state.items.get(item)
        if here is None:
            known = await self._listing.item(item)
            if known is None:
                raise Refused("not_found", "there is no such work item", "item")
            here = known[0]
        if principal.role == "agent" and principal.name not in (here.agent, here.last_agent):
            raise Refused("not_yours", "this work item is not in your hands", "item")

    async def _audit(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, AuditQuery)
        agents = tuple(AgentName(n.strip()) for n in query.agents.split(",") if n.strip())
        if (len(agents) == 2) is bool(query.group) or len(agents) not in (0, 2):
            raise Refused("bad_field", "say two agents, or a group", "agents")
        read_by = by(request)
        seen = e.ColleaguesOverseen(
            supervisor=read_by, reason=query.reason, agents=agents, group=query.group
        )
        await record(self._ledger, [e.Change(seen)])
        one, other = agents or (read_by, None)
        chat = chat_of(one, other, query.group)
        return listed(await self._spoken.messages(chat, one, query.cursor, query.limit, whole=True))

    # -- what rules have found --------------------------------------------------------------

    async def _reviews(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, Paged)
        found = await self._spoken.reviews(query.cursor, query.limit)
        return HttpAnswer(body=Listed(items=[found_card(m) for m in found.items], next=found.next))

    async def _conclude(self, request: HttpRequest) -> HttpAnswer:
        wish, supervisor = read(request, Conclusion), by(request)
        # One after the other: of two verdicts the second must know of the first one's commit.
        async with self._once.alone(request), self._concluding.hold(request.params["id"]):
            if (before := await self._once.before(request)) is not None:
                return before
            message = await self._spoken.one(request.params["id"])
            if message is None:
                raise Refused("not_found", "there is no such message", "id")
            _check(message, wish.verdict)
            refuse_own(message.by if wish.verdict == "released" else None, supervisor)
            now = self._ledger.clock.now()
            after = reviewed(message, wish.verdict, supervisor, now)
            event = e.ColleagueReviewed(
                message=message.id,
                supervisor=supervisor,
                verdict=wish.verdict,
                by=message.by,
                agent=message.agent,
                group=message.group,
                case=message.case,
                item=message.item,
                reason=wish.reason,
            )
            return await self._once.record(
                request, [e.Change(event, (after,))], lambda _entries: found_card(after)
            )


def _check(message: ColleagueMessage, verdict: Verdict) -> None:
    if not message.open:
        raise Refused("wrong_state", "a supervisor has looked at it already", "id")
    if (message.state == "held") is (verdict == "seen"):
        what = "released or refused" if message.state == "held" else "seen"
        raise Refused("wrong_state", f"it is {message.state}: it can be {what}", "verdict")
