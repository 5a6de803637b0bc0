"""``PUT /api/v1/directory``: a whole declaration, applied at once; answers the difference.

Idempotent: what is already so changes nothing. What the declaration does not name stays; what
goes is named under ``remove``. Applied as a whole or not at all, also through a crash.
"""

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.api.auth import Passwords
from gateway.api.base import asked, by, read
from gateway.api.declaration import Declaration, Declared
from gateway.api.directory_types import (
    AgentEntry,
    NameEntry,
    agent_from,
    check_name,
    named_entry,
    queue_from,
)
from gateway.api.house import House
from gateway.api.intent import Applier, FirstLogin, Intent
from gateway.api.macros import check_macro, check_users, macro_from
from gateway.api.rules import Names, house_of, refuse_errors, rule_from
from gateway.api.timetable import calendar_from, policy_from
from gateway.api.wordings import (
    canned_from,
    check_words,
    letter_from,
    refuse_used,
)
from gateway.core.entries import check_policy, check_queue
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
from gateway.core.routing.checks import check_rings, check_thresholds, warnings
from gateway.core.rules.problems import problems
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

Kind = Literal[
    "queue",
    "skill",
    "code",
    "agent",
    "hours",
    "service_policy",
    "rule",
    "macro",
    "canned",
    "letter",
]
DERIVED = frozenset({"found", "found_until", "found_by"})
"""What follows from the declaration, and is too long to show."""
Name_ = TypeVar("Name_", bound=str)


class ApplyQuery(Struct, frozen=True, kw_only=True):
    """``dry_run=1`` only tells the difference."""

    dry_run: bool = False


class Difference(Struct, frozen=True, kw_only=True):
    """One entry that is new, changed or goes; ``fields`` maps each to what it was and will be."""

    kind: Kind
    name: str
    change: Literal["add", "change", "remove"]
    fields: dict[str, tuple[Any, Any]]


class Applied(Struct, frozen=True, kw_only=True):
    """What the declaration changes (or would), and how many entries were so already.

    ``warnings`` are of what can be applied and is hardly meant.
    """

    applied: bool
    differences: list[Difference]
    unchanged: int
    warnings: list[str] = []


class _Plan(Struct):
    """What is to be done, and how to tell it."""

    intent: Intent
    differences: list[Difference] = []
    unchanged: int = 0
    warnings: list[str] = []


class Directory:
    """See the module's docstring."""

    def __init__(self, house: House, applier: Applier, passwords: Passwords) -> None:
        self._house = house
        self._ledger = house.node.ledger
        self._applier = applier
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
        plan = await self._plan(wish, by(request))
        if query.dry_run:
            await self._applier.check(plan.intent)
        else:
            plan.intent.logins = [one for a in wish.agents if (one := await self._login(a))]
            await self._applier.apply(plan.intent)
        return HttpAnswer(
            body=Applied(
                applied=not query.dry_run,
                differences=plan.differences,
                unchanged=plan.unchanged,
                warnings=plan.warnings,
            )
        )

    # -- what it means ----------------------------------------------------------------------

    async def _plan(self, wish: Declaration, who: AgentName) -> _Plan:
        plan = _Plan(Intent(by=who))
        intent = plan.intent
        position = self._ledger.position
        state = self._ledger.state
        await self._plan_times(plan, wish)
        calendars = {*state.timetable.calendars, *(c.name for c in intent.calendars)}
        policies = {*state.timetable.policies, *(p.name for p in intent.policies)}
        declared = {*state.queues, *(QueueName(q.name) for q in wish.queues if q.name)}
        for n, queue in enumerate(wish.queues):
            name = QueueName(_name(queue.name, f"queues[{n}]"))
            old = state.queues.get(name)
            new = queue_from(name, queue, old)
            check_queue(new, calendars, policies, f"queues[{n}].")
            check_rings(new, declared, f"queues[{n}].")
            check_thresholds(new, declared, f"queues[{n}].")
            if _note(plan, "queue", name, old, new):
                intent.queues.append(new)
        going = [q for q in dict.fromkeys(wish.remove.queues) if q in state.queues]
        intent.gone_queues += _noted_gone(plan, "queue", going, wish.queues)
        await self._plan_names(plan, "skill", wish.skills, wish.remove.skills)
        await self._plan_names(plan, "code", wish.codes, wish.remove.codes)
        known = {*state.queues, *(q.name for q in intent.queues)} - {*going}
        for n, agent in enumerate(wish.agents):
            login = AgentName(_name(agent.name, f"agents[{n}]"))
            before = state.profiles.get(login)
            profile = agent_from(login, agent, before)
            if strange := [q for q in profile.queues if q not in known]:
                raise Refused(
                    "bad_field", f"there is no queue {strange[0]!r}", f"agents[{n}].queues"
                )
            if _note(plan, "agent", login, before, profile):
                intent.agents.append(profile)
        await self._plan_rules(plan, wish, known)
        self._plan_words(plan, wish, known)
        people = {**state.profiles, **{p.name: p for p in intent.agents}}
        plan.warnings += [one for queue in intent.queues for one in warnings(queue, people)]
        await self._ledger.committed(position)
        return plan

    async def _plan_rules(self, plan: _Plan, wish: Declaration, queues: Collection[str]) -> None:
        """Last, for they may name what is declared with them. Raises ``Refused``."""
        known, intent = self._ledger.state.rules.rules, plan.intent
        then = {name: rule for name, rule in known.items() if name not in wish.remove.rules}
        for n, entry in enumerate(wish.rules):
            name = RuleName(_name(entry.name, f"rules[{n}]"))
            rule = then[name] = rule_from(name, entry, known.get(name))
            if _note(plan, "rule", name, known.get(name), rule):
                intent.rules.append(rule)
        gone = [name for name in dict.fromkeys(wish.remove.rules) if name in known]
        intent.gone_rules += _noted_gone(plan, "rule", gone, wish.rules)
        macros = self._plan_macros(plan, wish)
        declared = wish.rules or wish.macros or wish.remove.queues or wish.remove.macros
        if not declared:
            return
        skills = {one.name for one in await self._house.skills.listed()}
        skills |= {one.name for one in wish.skills if one.name is not UNSET}
        codes = {one.name for one in await self._house.codes.listed()}
        codes |= {one.name for one in wish.codes if one.name is not UNSET}
        state = self._ledger.state
        there = {**state.queues, **{one.name: one for one in intent.queues}}
        names = Names(
            skills=skills,
            codes=codes,
            queues={name: queue for name, queue in there.items() if name in queues},
            people={**state.profiles, **{one.name: one for one in intent.agents}},
            macros=macros,
        )
        house = house_of(state, names)
        for macro in intent.macros:
            odd = check_macro(macro, house, "macros.")
            plan.warnings += [f"macro {macro.name!r}, {one}" for one in odd]
        check_users(then, intent.gone_macros, "remove.macros")
        found = problems([*then.values()], house)
        refuse_errors(found, then, "rules.")
        plan.warnings += [f"rule {p.rule!r}, {p.field}: {p.detail}" for p in found]

    def _plan_macros(self, plan: _Plan, wish: Declaration) -> dict[MacroName, Macro]:
        """The macros as they will be."""
        known, intent = self._ledger.state.macros, plan.intent
        then = {name: macro for name, macro in known.items() if name not in wish.remove.macros}
        for n, entry in enumerate(wish.macros):
            name = MacroName(_name(entry.name, f"macros[{n}]"))
            macro = then[name] = macro_from(name, entry, known.get(name))
            if _note(plan, "macro", name, known.get(name), macro):
                intent.macros.append(macro)
        gone = [name for name in dict.fromkeys(wish.remove.macros) if name in known]
        intent.gone_macros += _noted_gone(plan, "macro", gone, wish.macros)
        return then

    def _plan_words(self, plan: _Plan, wish: Declaration, queues: Collection[str]) -> None:
        """Canned replies and letters as they will be. Raises ``Refused``."""
        known, intent = self._ledger.state.wordings, plan.intent
        canned = {n: one for n, one in known.canned.items() if n not in wish.remove.canned}
        letters = {n: one for n, one in known.letters.items() if n not in wish.remove.letters}
        for n, entry in enumerate(wish.canned):
            name = CannedName(_name(entry.name, f"canned[{n}]"))
            reply = canned[name] = canned_from(name, entry, known.canned.get(name))
            if _note(plan, "canned", name, known.canned.get(name), reply):
                intent.words.append(reply)
        for n, wanted in enumerate(wish.letters):
            title = LetterName(_name(wanted.name, f"letters[{n}]"))
            letter = letters[title] = letter_from(title, wanted, known.letters.get(title))
            if _note(plan, "letter", title, known.letters.get(title), letter):
                intent.words.append(letter)
        check_words(intent.words, canned.values(), letters.values(), queues)
        refuse_used((*canned.values(), *letters.values()), intent.gone_queues, "remove.queues")
        gone = [name for name in dict.fromkeys(wish.remove.canned) if name in known.canned]
        lost = [name for name in dict.fromkeys(wish.remove.letters) if name in known.letters]
        intent.gone_canned += _noted_gone(plan, "canned", gone, wish.canned)
        intent.gone_letters += _noted_gone(plan, "letter", lost, wish.letters)

    async def _plan_times(self, plan: _Plan, wish: Declaration) -> None:
        """Hours and policies; what they name may be declared with them."""
        state, intent = self._ledger.state, plan.intent
        known = state.timetable
        for n, hours in enumerate(wish.hours):
            name = CalendarName(_name(hours.name, f"hours[{n}]"))
            before, now = known.calendars.get(name), self._ledger.clock.now()
            calendar = await calendar_from(name, hours, before, now, f"hours[{n}].")
            if _note(plan, "hours", name, before, calendar):
                intent.calendars.append(calendar)
        calendars = {*known.calendars, *(c.name for c in intent.calendars)}
        queues = {*state.queues, *(q.name for q in wish.queues if q.name is not UNSET)}
        for n, policy in enumerate(wish.service_policies):
            title = PolicyName(_name(policy.name, f"service_policies[{n}]"))
            promised = policy_from(title, policy, known.policies.get(title))
            check_policy(
                promised,
                calendars,
                [QueueName(queue) for queue in queues],
                f"service_policies[{n}].",
            )
            if _note(plan, "service_policy", title, known.policies.get(title), promised):
                intent.policies.append(promised)
        gone = [name for name in dict.fromkeys(wish.remove.hours) if name in known.calendars]
        intent.gone_calendars += _noted_gone(plan, "hours", gone, wish.hours)
        left = [p for p in dict.fromkeys(wish.remove.service_policies) if p in known.policies]
        intent.gone_policies += _noted_gone(plan, "service_policy", left, wish.service_policies)

    async def _plan_names(
        self,
        plan: _Plan,
        kind: Literal["skill", "code"],
        entries: tuple[NameEntry, ...],
        going: tuple[str, ...],
    ) -> None:
        intent = plan.intent
        if kind == "skill":
            table, into, gone = self._house.skills, intent.skills, intent.gone_skills
        else:
            table, into, gone = self._house.codes, intent.codes, intent.gone_codes
        rows = await table.listed() if entries or going else []
        known = {entry.name: entry for entry in rows}
        for n, entry in enumerate(entries):
            name = _name(entry.name, f"{kind}s[{n}]")
            new = named_entry(kind, name, entry, known.get(name), f"{kind}s[{n}].")
            if _note(plan, kind, name, known.get(name), new):
                into.append(new)
        there = [name for name in dict.fromkeys(going) if name in known]
        gone += _noted_gone(plan, kind, there, entries)

    async def _login(self, agent: AgentEntry) -> FirstLogin | None:
        """The login to be made with a declared password, if the agent has none."""
        if agent.password is UNSET or agent.name is UNSET:
            return None
        name = AgentName(agent.name)
        if await self._house.tokens.login(name) is not None:
            return None
        role = "agent" if agent.role is UNSET else agent.role
        return FirstLogin(name=name, password=await self._passwords.hash(agent.password), role=role)


def _name(name: str | UnsetType, where: str) -> str:
    if name is UNSET:
        raise Refused("bad_field", "each entry needs a name", f"{where}.name")
    check_name(name)
    return name


def _noted_gone(
    plan: _Plan,
    kind: Kind,
    names: Sequence[Name_],
    declared: Sequence[Declared],
) -> Sequence[Name_]:
    """These names go. Raises ``Refused`` for one that is declared too."""
    if both := {entry.name for entry in declared} & {*names}:
        raise Refused(
            "bad_field", f"{min(map(str, both))!r} is declared and removed at once", "remove"
        )
    plan.differences += [
        Difference(kind=kind, name=name, change="remove", fields={}) for name in names
    ]
    return names


def _note(
    plan: _Plan,
    kind: Kind,
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
    fields = {
        f: (before.get(f), v)
        for f, v in after.items()
        if f not in DERIVED and f != "name" and before.get(f) != v
    }
    change: Literal["add", "change"] = "add" if old is None else "change"
    plan.differences.append(Difference(kind=kind, name=name, change=change, fields=fields))
    return True
