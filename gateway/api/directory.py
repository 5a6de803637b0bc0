"""``PUT /api/v1/directory``: a whole declaration, applied at once; answers the difference.

Idempotent: what is already so changes nothing. What the declaration does not name stays.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.auth import Passwords, TokenAuth
from gateway.api.base import asked, by, read, record
from gateway.api.directory_types import (
    AgentEntry,
    NameEntry,
    QueueEntry,
    agent_from,
    check_name,
    queue_from,
)
from gateway.api.house import House
from gateway.api.needs import Labels
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, QueueName
from gateway.core.model import AgentProfile, Queue
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import Named

MOST = Meta(max_length=20_000)


class Declaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each entry has a ``name``; what an entry leaves out stays as it is."""

    queues: Annotated[tuple[QueueEntry, ...], MOST] = ()
    skills: Annotated[tuple[NameEntry, ...], MOST] = ()
    codes: Annotated[tuple[NameEntry, ...], MOST] = ()
    agents: Annotated[tuple[AgentEntry, ...], MOST] = ()


class ApplyQuery(Struct, frozen=True, kw_only=True):
    """``dry_run=1`` only tells the difference."""

    dry_run: bool = False


class Difference(Struct, frozen=True, kw_only=True):
    """One entry that is new or changed; ``fields`` maps each to what it was and will be."""

    kind: Literal["queue", "skill", "code", "agent"]
    name: str
    change: Literal["add", "change"]
    fields: dict[str, tuple[Any, Any]]


class Applied(Struct, frozen=True, kw_only=True):
    """What the declaration changes (or would), and how many entries were so already."""

    applied: bool
    differences: list[Difference]
    unchanged: int


class _Plan(Struct):
    """What is to be written."""

    queues: list[Queue]
    agents: list[AgentProfile]
    skills: list[Named]
    codes: list[Named]
    differences: list[Difference]
    unchanged: int = 0


class Directory:
    """See the module's docstring."""

    def __init__(self, house: House, auth: TokenAuth, passwords: Passwords) -> None:
        self._house = house
        self._ledger = house.node.ledger
        self._auth = auth
        self._passwords = passwords

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="PUT",
                path="/api/v1/directory",
                handle=self._put,
                summary="Apply a whole declaration; answers the difference",
                access="admin",
                takes=Declaration,
                asks=ApplyQuery,
                gives=Applied,
                tag="directory",
                max_body=16_777_216,
            )
        ]

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, ApplyQuery)
        wish = read(request, Declaration)
        plan = await self._plan(wish)
        if not query.dry_run:
            await self._apply(plan, wish, by(request))
        return HttpAnswer(
            body=Applied(
                applied=not query.dry_run,
                differences=plan.differences,
                unchanged=plan.unchanged,
            )
        )

    # -- what it means ----------------------------------------------------------------------

    async def _plan(self, wish: Declaration) -> _Plan:
        plan = _Plan([], [], [], [], [])
        position = self._ledger.position
        state = self._ledger.state
        for n, queue in enumerate(wish.queues):
            name = QueueName(_name(queue.name, f"queues[{n}]"))
            old = state.queues.get(name)
            new = queue_from(name, queue, old)
            if _note(plan, "queue", name, old, new):
                plan.queues.append(new)
        await self._plan_names(plan, "skill", self._house.skills, wish.skills, plan.skills)
        await self._plan_names(plan, "code", self._house.codes, wish.codes, plan.codes)
        known = {*state.queues, *(q.name for q in plan.queues)}
        for n, agent in enumerate(wish.agents):
            login = AgentName(_name(agent.name, f"agents[{n}]"))
            before = state.profiles.get(login)
            profile = agent_from(login, agent, before)
            if strange := [q for q in profile.queues if q not in known]:
                raise Refused(
                    "bad_field", f"there is no queue {strange[0]!r}", f"agents[{n}].queues"
                )
            if _note(plan, "agent", login, before, profile):
                plan.agents.append(profile)
        await self._ledger.committed(position)
        return plan

    async def _plan_names(
        self,
        plan: _Plan,
        kind: Literal["skill", "code"],
        table: Labels,
        entries: tuple[NameEntry, ...],
        into: list[Named],
    ) -> None:
        known = {entry.name: entry for entry in await table.listed()} if entries else {}
        for n, entry in enumerate(entries):
            name = _name(entry.name, f"{kind}s[{n}]")
            new = Named(name=name, label=entry.label)
            if _note(plan, kind, name, known.get(name), new):
                into.append(new)

    # -- doing it ---------------------------------------------------------------------------

    async def _apply(self, plan: _Plan, wish: Declaration, who: AgentName) -> None:
        """Names and logins first: alone they change nothing; then all else in one record."""
        self._ledger.check_open()
        if plan.skills:
            await self._house.skills.put(plan.skills)
        if plan.codes:
            await self._house.codes.put(plan.codes)
        for agent in wish.agents:
            await self._save_login(agent)
        changes = [e.Change(e.QueueDefined(queue=queue, by=who)) for queue in plan.queues]
        changes += [e.Change(e.AgentDefined(profile=p, by=who)) for p in plan.agents]
        await record(self._ledger, changes)
        for profile in plan.agents:
            if not profile.active:
                await self._auth.revoke_all_of(profile.name)

    async def _save_login(self, agent: AgentEntry) -> None:
        """A declared password is the first one; it does not undo a change made since."""
        if agent.password is UNSET or agent.name is UNSET:
            return
        name = AgentName(agent.name)
        if await self._house.tokens.login(name) is None:
            role = "agent" if agent.role is UNSET else agent.role
            hashed = await self._passwords.hash(agent.password)
            await self._house.tokens.save_login(name, hashed, role)


def _name(name: str | UnsetType, where: str) -> str:
    if name is UNSET:
        raise Refused("bad_field", "each entry needs a name", f"{where}.name")
    check_name(name)
    return name


def _note(
    plan: _Plan,
    kind: Literal["queue", "skill", "code", "agent"],
    name: str,
    old: Struct | None,
    new: Struct,
) -> bool:
    """Whether ``new`` differs from ``old``, which is then told."""
    if old == new:
        plan.unchanged += 1
        return False
    before = msgspec.to_builtins(old) if old is not None else {}
    after = msgspec.to_builtins(new)
    fields = {f: (before.get(f), v) for f, v in after.items() if f != "name" and before.get(f) != v}
    change: Literal["add", "change"] = "add" if old is None else "change"
    plan.differences.append(Difference(kind=kind, name=name, change=change, fields=fields))
    return True
