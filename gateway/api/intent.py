"""A declaration on its way: applied as a whole, also when the process ends in the middle.

Agents and queues are changed by the journal, names and logins stand in tables beside it. So what
is to be done is written down first; then it is done, step by step, each harmless to repeat. What a
crash leaves undone the next start finishes, before anybody is served.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from msgspec import Struct

from gateway.api.auth import TokenAuth
from gateway.api.base import record
from gateway.api.house import House
from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.entries import remove_calendar, remove_policy
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    PolicyName,
    QueueName,
    RuleName,
)
from gateway.core.macros import Macro
from gateway.core.model import AgentProfile, Queue
from gateway.core.queues import remove
from gateway.core.rules.rule import Rule
from gateway.core.wordings import Words, WordsKind
from gateway.ports import Role
from gateway.store.contract import Unavailable
from gateway.store.views import Named

_log = structlog.get_logger("directory")


class FirstLogin(Struct, frozen=True, kw_only=True):
    """``password`` is the hash."""

    name: AgentName
    password: str
    role: Role


class Intent(Struct, kw_only=True):
    """What a declaration changes, and who wants it."""

    by: AgentName
    queues: list[Queue] = []
    agents: list[AgentProfile] = []
    calendars: list[Calendar] = []
    policies: list[ServicePolicy] = []
    macros: list[Macro] = []
    words: list[Words] = []
    rules: list[Rule] = []
    skills: list[Named] = []
    codes: list[Named] = []
    logins: list[FirstLogin] = []
    gone_queues: list[QueueName] = []
    gone_skills: list[str] = []
    gone_codes: list[str] = []
    gone_calendars: list[CalendarName] = []
    gone_policies: list[PolicyName] = []
    gone_rules: list[RuleName] = []
    gone_macros: list[MacroName] = []
    gone_canned: list[CannedName] = []
    gone_letters: list[LetterName] = []


class Applier:
    """Carries out one intent at a time."""

    def __init__(self, house: House, auth: TokenAuth) -> None:
        self._house = house
        self._auth = auth
        self._ledger = house.node.ledger
        self._key = f"directory:{house.site.node}"
        self._one_at_a_time = asyncio.Lock()

    async def apply(self, intent: Intent) -> None:
        """All of it, or nothing: raises ``Refused`` with nothing changed."""
        self._ledger.check_open()
        async with self._one_at_a_time:
            await self.check(intent)
            await self._house.notes.save(self._key, msgspec.json.encode(intent))
            await self._carry_out(intent)

    async def check(self, intent: Intent) -> None:
        """Raises ``Refused`` as ``apply`` would."""
        self._changes(intent)
        for name in intent.gone_queues:
            await refuse_work_elsewhere(self._house, name, "remove.queues")

    async def finish(self) -> None:
        """What an earlier process began."""
        async with self._one_at_a_time:
            noted = await self._house.notes.load(self._key)
            if noted is None:
                return
            intent = msgspec.json.decode(noted, type=Intent)
            _log.info("finishing a declaration that was interrupted", by=intent.by)
            try:
                await self._carry_out(intent)
            except Refused as refused:
                _log.warning("an interrupted declaration is given up", reason=refused.detail)

    async def _carry_out(self, intent: Intent) -> None:
        try:
            await record(self._ledger, self._changes(intent))
        except Refused:
            # Whoever is told so may leave it at that: it must not come back at the next start.
            await _until_done(lambda: self._house.notes.drop(self._key))
            raise
        await _until_done(lambda: self._beside_the_journal(intent))

    def _changes(self, intent: Intent) -> list[e.Change]:
        """What of it the journal does not have yet. Raises ``Refused``."""
        state, who = self._ledger.state, intent.by
        queues = [q for q in intent.queues if state.queues.get(q.name) != q]
        agents = [a for a in intent.agents if state.profiles.get(a.name) != a]
        agents = [a for a in agents if a.active or a.name in state.profiles]
        changes = self._timetable(intent)
        changes += [e.Change(e.QueueDefined(queue=queue, by=who)) for queue in queues]
        changes += [e.Change(e.AgentDefined(profile=profile, by=who)) for profile in agents]
        changes += self._rules(intent)
        changes += self._words(intent)
        then = {**state.profiles, **{a.name: a for a in intent.agents}}
        rules = {**state.rules.rules, **{r.name: r for r in intent.rules}}
        rules = {name: rule for name, rule in rules.items() if name not in intent.gone_rules}
        policies = self._policies_then(intent)
        for name in intent.gone_queues:
            if name in state.queues:
                refuse_channels(self._house, name)
                gone = remove(
                    state,
                    name,
                    who,
                    then.values(),
                    "remove.queues",
                    rules.values(),
                    policies=policies,
                )
                changes.append(gone)
        return changes + self._removed_times(intent)

    def _rules(self, intent: Intent) -> list[e.Change]:
        """After the queues that they send to, before those that go."""
        known, who = self._ledger.state.rules.rules, intent.by
        macros = self._ledger.state.macros
        lost = [name for name in intent.gone_macros if name in macros]
        gone = [name for name in intent.gone_rules if name in known]
        return [
            *(
                e.Change(e.MacroDefined(macro=macro, by=who))
                for macro in intent.macros
                if macros.get(macro.name) != macro
            ),
            *(
                e.Change(e.RuleDefined(rule=rule, by=who))
                for rule in intent.rules
                if known.get(rule.name) != rule
            ),
            *(e.Change(e.RuleRemoved(rule=name, by=who)) for name in gone),
            *(e.Change(e.MacroRemoved(macro=name, by=who)) for name in lost),
        ]

    def _words(self, intent: Intent) -> list[e.Change]:
        """What agents write with."""
        known, who = self._ledger.state.wordings, intent.by
        gone: list[tuple[WordsKind, str]] = [
            *(("canned", name) for name in intent.gone_canned if name in known.canned),
            *(("letter", name) for name in intent.gone_letters if name in known.letters),
        ]
        removed = [e.WordsRemoved(words=kind, name=name, by=who) for kind, name in gone]
        there = [*known.canned.values(), *known.letters.values()]
        made = [e.WordsDefined(words=one, by=who) for one in intent.words if one not in there]
        return [*map(e.Change, removed), *map(e.Change, made)]

    def _timetable(self, intent: Intent) -> list[e.Change]:
        """Hours and policies come before the queues that name them."""
        known, who = self._ledger.state.timetable, intent.by
        return [
            *(
                e.Change(e.CalendarDefined(calendar=one, by=who))
                for one in intent.calendars
                if known.calendars.get(one.name) != one
            ),
            *(
                e.Change(e.ServicePolicyDefined(policy=one, by=who))
                for one in intent.policies
                if known.policies.get(one.name) != one
            ),
        ]

    def _policies_then(self, intent: Intent) -> list[ServicePolicy]:
        known = self._ledger.state.timetable.policies
        then = {**known, **{policy.name: policy for policy in intent.policies}}
        return [policy for name, policy in then.items() if name not in intent.gone_policies]

    def _removed_times(self, intent: Intent) -> list[e.Change]:
        """They go after everything that named them. Raises ``Refused``."""
        state, who = self._ledger.state, intent.by
        queues = {**state.queues, **{q.name: q for q in intent.queues}}
        queues = {name: q for name, q in queues.items() if name not in intent.gone_queues}
        policies = self._policies_then(intent)
        return [
            *(
                remove_policy(state, name, who, queues.values(), field="remove.service_policies")
                for name in intent.gone_policies
                if name in state.timetable.policies
            ),
            *(
                remove_calendar(state, name, who, queues.values(), policies, field="remove.hours")
                for name in intent.gone_calendars
                if name in state.timetable.calendars
            ),
        ]

    async def _beside_the_journal(self, intent: Intent) -> None:
        house = self._house
        if intent.skills:
            await house.skills.put(intent.skills)
        if intent.codes:
            await house.codes.put(intent.codes)
        for name in intent.gone_skills:
            await house.skills.drop(name)
        for name in intent.gone_codes:
            await house.codes.drop(name)
        for login in intent.logins:
            # A declared password is the first one; it does not undo a change made since.
            if await house.tokens.login(login.name) is None:
                await house.tokens.save_login(login.name, login.password, login.role)
        for profile in intent.agents:
            if not profile.active:
                await self._auth.revoke_all_of(profile.name)
        await house.notes.drop(self._key)


async def _until_done(work: Callable[[], Awaitable[None]]) -> None:
    """Through every outage of the database: it is harmless to repeat."""
    failures = 0
    while True:
        try:
            return await work()
        except Unavailable as error:
            _log.warning("a declaration is not yet applied", reason=str(error))
        await asyncio.sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
        failures += 1


async def refuse_work_elsewhere(house: House, queue: QueueName, field: str) -> None:
    """Raises ``Refused`` while other nodes have open items of this queue."""
    found = await house.listing.open_elsewhere(queue, house.node.ledger.state.node)
    if found:
        at = " and ".join(
            f"{n} {'item is' if n == 1 else 'items are'} open at {node}"
            for node, n in found.items()
        )
        detail = f"{at} in queue {queue!r}: move or close them first"
        raise Refused("conflict", detail, field)


def refuse_channels(house: House, queue: QueueName, field: str = "remove.queues") -> None:
    """Raises ``Refused`` while a channel brings its contacts into this queue."""
    if names := sorted(card.name for card in house.channels.cards() if card.queue == queue):
        raise Refused(
            "conflict",
            f"{', '.join(names)} {'brings' if len(names) == 1 else 'bring'} contacts into queue"
            f" {queue!r}: give {'it' if len(names) == 1 else 'them'} another queue first",
            field,
        )
