"""Agents: who works here, and how each one is just now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct
from msgspec.structs import asdict

from gateway.api.auth import Passwords, TokenAuth
from gateway.api.base import Done, Listed, Paged, Reason, asked, by, read, record
from gateway.api.directory_types import AgentEntry, agent_from, named
from gateway.api.needs import Presences, Tokens
from gateway.api.once import Once
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.hands import set_presence
from gateway.core.ids import AgentName, QueueName, SiteName, SkillName
from gateway.core.model import AgentProfile, AgentStatus, ChannelKind, Presence
from gateway.core.sites import why
from gateway.flow.ledger import Ledger
from gateway.flow.whose import Elsewhere
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Role

TAG = "directory"


class AgentQuery(Paged, frozen=True, kw_only=True):
    """``names``, with commas between, asks for these agents only; empty: for all."""

    names: Annotated[str, Meta(max_length=7_000)] = ""


class AgentState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a supervisor sets; the agent is shown the reason, and who it was."""

    state: Literal["ready", "not_ready"]
    reason: Reason = ""


class AgentAtWork(Struct, frozen=True, kw_only=True):
    """The directory's entry, and the agent's presence.

    ``closed`` says why nothing is offered to the agent although ready: the site is closed.
    ``set_by`` is the supervisor who set the presence; empty: it was the agent, or the system.
    """

    name: AgentName
    display_name: str
    role: Role
    skills: dict[SkillName, int]
    queues: tuple[QueueName, ...]
    groups: tuple[str, ...]
    capacity: dict[ChannelKind, int]
    site: SiteName
    level: int
    active: bool
    presence: Presence
    reason: str
    since: datetime
    connected: bool
    closed: str = ""
    set_by: str = ""


class Agents:
    """See the module's docstring. Changes are journaled; the answer comes after their commit."""

    def __init__(
        self,
        ledger: Ledger,
        presence: Presences,
        tokens: Tokens,
        auth: TokenAuth,
        passwords: Passwords,
        once: Once,
    ) -> None:
        self._once = once
        self._ledger = ledger
        self._presence = presence
        self._tokens = tokens
        self._auth = auth
        self._passwords = passwords

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/agents/{name}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/agents",
                handle=self._list,
                summary="Agents by name, with their presence",
                asks=AgentQuery,
                gives=Listed[AgentAtWork],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=one,
                handle=self._one,
                summary="An agent",
                gives=AgentAtWork,
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path=one,
                handle=self._put,
                summary="Make or change an agent; with a password also the login",
                access="admin",
                takes=AgentEntry,
                gives=AgentAtWork,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path=one,
                handle=self._remove,
                summary="Remove an agent, the login and all tokens",
                access="admin",
                gives=Done,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/state",
                handle=self._set_state,
                summary="Set an agent ready or not ready, with a reason",
                access="supervisor",
                takes=AgentState,
                gives=AgentAtWork,
                tag=TAG,
                once=True,
            ),
        ]

    async def _at_work(self, profiles: Sequence[AgentProfile]) -> list[AgentAtWork]:
        """Who is at home here as of now, the others as of their node's last commit."""
        state, now = self._ledger.state, self._ledger.clock.now()
        position = self._ledger.position
        here = {p.name: state.statuses[p.name] for p in profiles if state.is_home_of(p.name)}
        closed = [why(s) if (s := state.closed.get(p.name)) else "" for p in profiles]
        others = [p.name for p in profiles if p.name not in here]
        elsewhere = await self._presence.statuses(others) if others else {}
        await self._ledger.committed(position)
        return [
            _shown(p, here.get(p.name) or elsewhere.get(p.name) or state.status(p.name, now), no)
            for p, no in zip(profiles, closed, strict=True)
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, AgentQuery)
        profiles = self._ledger.state.profiles
        wanted = {AgentName(n) for n in query.names.split(",")} if query.names else profiles.keys()
        names = sorted(n for n in wanted & profiles.keys() if n > query.cursor)
        more = names[query.limit - 1] if len(names) > query.limit else None
        items = await self._at_work([profiles[n] for n in names[: query.limit]])
        return HttpAnswer(body=Listed(items=items, next=more))

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        (found,) = await self._at_work([self._find(request.params["name"])])
        return HttpAnswer(body=found)

    def _find(self, name: str) -> AgentProfile:
        profile = self._ledger.state.profiles.get(AgentName(name))
        if profile is None:
            raise Refused("not_found", f"there is no agent {name!r}", "name")
        return profile

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, AgentEntry)
        name = AgentName(named(request.params["name"], entry))
        profile = agent_from(name, entry, self._ledger.state.profiles.get(name))
        check_profile(self._ledger, profile)
        self._ledger.check_open()
        if entry.password is not UNSET:
            hashed = await self._passwords.hash(entry.password)
            await self._tokens.save_login(name, hashed, profile.role)
        defined = e.AgentDefined(profile=profile, by=by(request))
        await record(self._ledger, [e.Change(defined)])
        if not profile.active:
            await self._auth.revoke_all_of(name)
        (made,) = await self._at_work([profile])
        return HttpAnswer(body=made)

    async def _remove(self, request: HttpRequest) -> HttpAnswer:
        name = self._find(request.params["name"]).name
        self._ledger.check_open()
        # First the doors: a token that outlived its agent would count as a service's.
        await self._tokens.drop_login(name)
        await self._auth.revoke_all_of(name)
        gone = e.AgentRemoved(agent=name, by=by(request))
        await record(self._ledger, [e.Change(gone)])
        return HttpAnswer(body=Done())

    async def _set_state(self, request: HttpRequest) -> HttpAnswer:
        wish, name = read(request, AgentState), self._find(request.params["name"]).name
        async with self._once.alone(request):
            before = await self._once.before(request)
            if before is None:
                await self._check_here(name)
                # Whoever was the agent's home before wrote the answer down, and let go then.
                before = await self._once.before(request)
            if before is not None:
                return before
            state = self._ledger.state
            if not state.is_home_of(name):
                raise Refused("unavailable", f"{name} changes nodes just now; try again")
            ready = wish.state == "ready"
            if ready and not state.statuses[name].tabs:
                raise Refused("wrong_state", f"{name} has no desktop connected", "name")
            reason = wish.reason or ("" if ready else "set by a supervisor")
            presence = Presence(wish.state)
            changes = set_presence(state, name, presence, reason, by(request))
            return await self._once.record(request, changes, lambda _entries: self._now(name))

    def _now(self, name: AgentName) -> AgentAtWork:
        state = self._ledger.state
        closed = why(site) if (site := state.closed.get(name)) else ""
        return _shown(self._find(name), state.statuses[name], closed)

    async def _check_here(self, name: AgentName) -> None:
        """Raises ``Elsewhere`` for who is at home elsewhere, ``Refused`` for who is nowhere."""
        if self._ledger.state.is_home_of(name):
            return
        status = (await self._presence.statuses([name])).get(name)
        home = status.home if status is not None else None
        if home is None:
            raise Refused("wrong_state", f"{name} is not signed in anywhere", "name")
        if home != self._ledger.state.node:
            raise Elsewhere(home)


def _shown(profile: AgentProfile, status: AgentStatus, closed: str) -> AgentAtWork:
    return AgentAtWork(
        **asdict(profile),
        presence=status.presence,
        reason=status.reason,
        since=status.since,
        connected=status.tabs > 0,
        closed=closed,
        set_by=status.set_by,
    )


def check_profile(ledger: Ledger, profile: AgentProfile) -> None:
    """Queues named must exist. Raises ``Refused``."""
    for queue in profile.queues:
        if queue not in ledger.state.queues:
            raise Refused("bad_field", f"there is no queue {queue!r}", "queues")
