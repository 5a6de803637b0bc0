"""The front door's rules: what the directory takes, their resource, and the try-out."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict, replace

from gateway.api.base import Done, by, read, record, whole
from gateway.api.directory_types import Language, Name, Text, check_name
from gateway.api.entry_routes import entry_routes
from gateway.api.needs import Labels
from gateway.core import events as e
from gateway.core.arrival import at_hours, with_rules
from gateway.core.errors import Refused
from gateway.core.frontdoor import Wish, classify
from gateway.core.ids import (
    AgentName,
    ChannelName,
    MacroName,
    QueueName,
    RuleName,
    SkillName,
)
from gateway.core.macros import Macro
from gateway.core.model import AgentProfile, Attributes, ChannelKind, Queue
from gateway.core.routing.checks import unserved
from gateway.core.rules.facts import Facts
from gateway.core.rules.mismatch import Mismatch
from gateway.core.rules.problems import House, Problem, problems
from gateway.core.rules.questions import Answered, Shown, tried
from gateway.core.rules.rule import On, Rule, Then, in_order
from gateway.core.rules.run import Looked, run
from gateway.core.rules.status import first_said
from gateway.core.rules.tickets import Ticket
from gateway.core.rules.when import When
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "directory"
Moment = Annotated[datetime, Meta(tz=True)]


class RuleEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; ``when`` and ``then`` are replaced as a whole."""

    name: Name | UnsetType = UNSET
    order: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    on: tuple[On, ...] | UnsetType = UNSET
    after: Annotated[float, Meta(ge=0, le=31_536_000)] | UnsetType = UNSET
    follows: RuleName | UnsetType = UNSET
    when: When | UnsetType = UNSET
    then: Then | UnsetType = UNSET
    stop: bool | UnsetType = UNSET
    note: Text | UnsetType = UNSET


class RuleCard(Struct, frozen=True, kw_only=True):
    """A rule, and what is odd about it beside the others."""

    name: RuleName
    order: int
    enabled: bool
    on: tuple[On, ...]
    after: float
    follows: RuleName
    when: When
    then: Then
    stop: bool
    note: str
    warnings: tuple[str, ...]


class TryOut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact as it might come; ``rules`` to try in place of those of the house.

    ``answer`` is what the customer says to what the rules ask; ``tickets`` are what is open of
    theirs, of which ``open_cases`` only says how many.
    """

    kind: ChannelKind = ChannelKind.EMAIL
    channel: ChannelName = ChannelName("")
    on: On = "contact"
    to: tuple[str, ...] = ()
    sender: str = ""
    verified: bool = False
    language: Language = ""
    subject: str = ""
    body: str = ""
    fields: Attributes = field(default_factory=dict)
    queue: QueueName = QueueName("")
    category: str = ""
    value: int = 0
    open_cases: int = 0
    tickets: tuple[Ticket, ...] = ()
    recent: tuple[Moment, ...] = ()
    begun: tuple[Moment, ...] = ()
    tags: tuple[str, ...] = ()
    clock: str = ""
    machine: bool = False
    counted: Annotated[dict[str, int], Meta(max_length=20)] = field(default_factory=dict)
    mismatches: tuple[Mismatch, ...] = ()
    at: Moment | None = None
    answer: Annotated[str, Meta(max_length=10_000)] | None = None
    rules: tuple[RuleEntry, ...] | None = None


class Tried(Struct, frozen=True, kw_only=True):
    """What the rules would decide, each with why it held or not, and where the contact would go.

    ``asked`` is what the customer would be shown first, ``answered`` what the answer is taken for.
    """

    then: Then
    looked: tuple[Looked, ...]
    queue: QueueName
    skills: dict[SkillName, int]
    language: str
    priority: int
    reason: str
    asked: Shown | None = None
    answered: Answered | None = None


def rule_from(name: str, entry: RuleEntry, old: Rule | None) -> Rule:
    """The rule after the change."""
    given = {f: v for f, v in asdict(entry).items() if v is not UNSET and f != "name"}
    return replace(old or Rule(name=RuleName(name)), **given)


class Names(Struct, frozen=True, kw_only=True):
    """What is declared beside the rules; ``None``: as the house has it."""

    skills: Collection[str]
    codes: Collection[str] = ()
    queues: Mapping[QueueName, Queue] | None = None
    people: Mapping[AgentName, AgentProfile] | None = None
    macros: Mapping[MacroName, Macro] | None = None


def house_of(state: NodeState, names: Names) -> House:
    """The names that rules may use."""
    queues = state.queues if names.queues is None else names.queues
    people = state.profiles if names.people is None else names.people
    return House(
        queues=queues.keys(),
        skills={*names.skills, *state.skill_holders},
        channels=state.channels,
        codes=names.codes,
        macros=state.macros if names.macros is None else names.macros,
        unserved=unserved(queues.values(), people) if people else {},
    )


def refuse_errors(found: Sequence[Problem], names: Collection[str], where: str = "") -> None:
    """Raises ``Refused`` for the first error in one of the rules ``names``."""
    for one in found:
        if one.grade == "error" and one.rule in names:
            raise Refused("bad_field", f"rule {one.rule!r}: {one.detail}", f"{where}{one.field}")


class Rules:
    """Changes are journaled; the next contact is met by them."""

    def __init__(self, ledger: Ledger, skills: Labels, codes: Labels) -> None:
        self._ledger = ledger
        self._skills = skills
        self._codes = codes

    def routes(self) -> list[HttpRoute]:
        return [
            *entry_routes("rules", self, RuleEntry, RuleCard),
            HttpRoute(
                method="POST",
                path="/api/v1/rules/test",
                handle=self._try,
                summary="What the rules would decide about a contact, and which of them",
                access="supervisor",
                takes=TryOut,
                gives=Tried,
                tag=TAG,
            ),
        ]

    async def list(self, _request: HttpRequest) -> HttpAnswer:
        house = await self._house()
        # What is read from here on is as of this position.
        position, state = self._ledger.position, self._ledger.state
        found = problems([*state.rules.rules.values()], house)
        cards = [_card(rule, found) for rule in _all_in_order(state)]
        await self._ledger.committed(position)
        return whole(cards)

    async def one(self, request: HttpRequest) -> HttpAnswer:
        house = await self._house()
        position = self._ledger.position
        rule = self._known(RuleName(request.params["name"]))
        found = problems([*self._ledger.state.rules.rules.values()], house)
        await self._ledger.committed(position)
        return HttpAnswer(body=_card(rule, found))

    async def put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, RuleEntry)
        name = request.params["name"]
        if entry.name is not UNSET and entry.name != name:
            raise Refused("bad_field", "a name cannot be changed; make a new entry", "name")
        check_name(name)
        house = await self._house()
        # From here on nothing waits: two changes at once build on each other.
        known = self._ledger.state.rules.rules
        old = known.get(RuleName(name))
        rule = rule_from(name, entry, old)
        found = problems([*{**known, rule.name: rule}.values()], house)
        refuse_errors(found, {rule.name})
        if rule != old:
            await record(self._ledger, [e.Change(e.RuleDefined(rule=rule, by=by(request)))])
        return HttpAnswer(body=_card(rule, found))

    async def remove(self, request: HttpRequest) -> HttpAnswer:
        rule = self._known(RuleName(request.params["name"]))
        await record(self._ledger, [e.Change(e.RuleRemoved(rule=rule.name, by=by(request)))])
        return HttpAnswer(body=Done())

    async def _try(self, request: HttpRequest) -> HttpAnswer:
        asked = read(request, TryOut)
        house = await self._house() if asked.rules is not None else None
        position, state = self._ledger.position, self._ledger.state
        rules = state.rules.on(asked.on)
        if asked.rules is not None and house is not None:
            rules = _given(asked.rules)
            refuse_errors(problems(rules, house), {rule.name for rule in rules})
            rules = in_order(rules)
        facts = _facts(state, asked, self._ledger.clock.now())
        outcome = run(rules, facts, on=asked.on)
        says, one = first_said(outcome.then, facts)
        answered = None
        if says is not None and one is not None and asked.answer is not None:
            answered = tried(says, one, asked.answer)
        wish = Wish(queue=facts.queue, language=facts.language, skills={}, priority=0)
        wish = with_rules(wish, outcome.then)
        if answered is not None:
            wish = with_rules(wish, answered.then)
        route = classify(state, wish)
        await self._ledger.committed(position)
        return HttpAnswer(
            body=Tried(
                then=outcome.then,
                looked=outcome.looked,
                queue=route.queue,
                skills=route.skills,
                language=wish.language,
                priority=route.priority,
                reason="; ".join(filter(None, (outcome.reason, route.reason))),
                asked=one,
                answered=answered,
            )
        )

    def _known(self, name: RuleName) -> Rule:
        rule = self._ledger.state.rules.rules.get(name)
        if rule is None:
            raise Refused("not_found", f"there is no rule {name!r}", "name")
        return rule

    async def _house(self) -> House:
        skills = [one.name for one in await self._skills.listed()]
        codes = [one.name for one in await self._codes.listed()]
        return house_of(self._ledger.state, Names(skills=skills, codes=codes))


def _facts(state: NodeState, asked: TryOut, now: datetime) -> Facts:
    given = {f: v for f, v in asdict(asked).items() if f not in ("rules", "on", "at", "answer")}
    queue = asked.queue or next(iter(state.queues), QueueName(""))
    at = asked.at or now
    given["open_cases"] = asked.open_cases or len(asked.tickets)
    return Facts(**{**given, "queue": queue, "at": at, "open": at_hours(state, queue, at)})


def _given(entries: Sequence[RuleEntry]) -> list[Rule]:
    rules = []
    for n, entry in enumerate(entries):
        if entry.name is UNSET:
            raise Refused("bad_field", "each rule needs a name", f"rules[{n}].name")
        rules.append(rule_from(entry.name, entry, None))
    return rules


def _all_in_order(state: NodeState) -> list[Rule]:
    return sorted(state.rules.rules.values(), key=lambda rule: (rule.order, rule.name))


def _card(rule: Rule, found: Sequence[Problem]) -> RuleCard:
    fields = {f: v for f, v in asdict(rule).items() if f != "active"}
    warnings = tuple(f"{one.field}: {one.detail}" for one in found if one.rule == rule.name)
    return RuleCard(**fields, warnings=warnings)
