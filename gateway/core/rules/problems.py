"""What is wrong with a set of rules before anything has met it.

Errors are refused; warnings are told to whoever declares the rules, who may have meant it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, get_args

from msgspec import Struct, field

from gateway.core.ids import MacroName, QueueName
from gateway.core.macros import MACRO_DECIDES, Macro
from gateway.core.rules.chains import chain_problems
from gateway.core.rules.mismatch import MISMATCHES
from gateway.core.rules.problem import Problem as Problem
from gateway.core.rules.rule import (
    AUTOMATIC,
    DECIDES,
    SINGLE,
    SPEAKS,
    TIMED,
    On,
    Rule,
    Then,
    in_order,
    says,
)
from gateway.core.rules.spoken import inner_thens, spoken_problems
from gateway.core.rules.texts import PLACEHOLDERS, unknown_in
from gateway.core.rules.velocity import By
from gateway.core.rules.when import LISTED, When, asks, covers, given, nested, parts
from gateway.core.rules.words import is_findable


class House(Struct, frozen=True, kw_only=True):
    """The names that rules may use.

    ``unserved`` are queues that nobody can serve, each with why; ``codes``: none given, so any.
    """

    queues: Collection[str]
    skills: Collection[str]
    channels: Collection[str] = ()
    codes: Collection[str] = ()
    macros: Mapping[MacroName, Macro] = field(default_factory=dict)
    unserved: Mapping[QueueName, str] = field(default_factory=dict)


MOST_RULES = 1_000
MOST_SETS = 200
"""Sets of conditions in one rule: its own, and all that stand in ``any`` and ``unless``."""
MOST_IN_ALL = 5_000
DEEPEST = 5
MOST_COMPARED = 5_000
"""Of so many pairs of sets it is looked whether one covers the other: some 50 ms."""

_UNKNOWN: Mapping[On, tuple[str, ...]] = {
    **dict.fromkeys(AUTOMATIC, ("to", "words", "machine", "velocity", "mismatch")),
    "reply": ("machine",),
    "note": ("machine", "velocity", "mismatch"),
    "colleague": ("machine", "velocity", "mismatch", "subject_words", "verified", "clocks"),
}
"""Conditions that nothing is known of there."""
_PACED: Mapping[On, tuple[By, ...]] = {"reply": ("sender", "domain")}
"""By what it is counted there; elsewhere by everything."""
_SHOWS: Mapping[On, tuple[str, ...]] = {
    "contact": tuple(one for one in MISMATCHES if one not in ("sender", "recipient")),
    "message": tuple(one for one in MISMATCHES if one != "recipient"),
    "reply": ("recipient",),
}
"""How somebody who claims to be somebody else shows there."""


def problems(rules: Sequence[Rule], house: House) -> list[Problem]:
    """All of them, errors first."""
    found = list(_too_many(rules))
    if not found:
        found = [p for rule in rules for p in _of_one(rule, house)]
        found += _of_all(in_order(tuple(rules)))
        found += chain_problems(rules, house.macros)
    return sorted(found, key=lambda p: p.grade)


def _too_many(rules: Sequence[Rule]) -> Iterator[Problem]:
    """What would keep the node from its work, were it looked at any closer."""
    for rule in rules[MOST_RULES:]:
        detail = f"{MOST_RULES:,} rules are the most"
        yield Problem(rule=rule.name, field="name", detail=detail)
    sets = 0
    for rule in rules:
        for n, (_, depth) in enumerate(nested(rule.when), start=1):
            sets += 1
            if sets == MOST_IN_ALL + 1:
                detail = f"{MOST_IN_ALL:,} sets of conditions in all rules are the most"
            elif depth > DEEPEST:
                detail = f"conditions within conditions within conditions: {DEEPEST} deep at most"
            elif n > MOST_SETS:
                detail = f"{MOST_SETS} sets of conditions in one rule are the most"
            else:
                continue
            yield Problem(rule=rule.name, field="when.any", detail=detail)
            break


def macro_problems(macro: Macro, house: House) -> list[Problem]:
    """What is wrong with a macro; ``rule`` is its name."""
    found = list(_of_then(macro.name, macro.then, house))
    found += [
        Problem(rule=macro.name, field=f"then.{name}", detail=f"a macro cannot decide {name!r}")
        for name in says(macro.then)
        if name not in MACRO_DECIDES
    ]
    if macro.then.queue is not None and macro.then.complete is not None:
        detail = "it cannot go to a queue and be done"
        found.append(Problem(rule=macro.name, field="then.complete", detail=detail))
    if not says(macro.then):
        found.append(Problem(rule=macro.name, field="then", detail="it does nothing"))
    return found


def _of_one(rule: Rule, house: House) -> Iterator[Problem]:
    yield from _of_then(rule.name, rule.then, house)
    yield from spoken_problems(rule.name, rule.then)
    if rule.then.ask is not None:
        for where, inner in inner_thens(rule.then.ask):
            yield from _of_then(rule.name, inner, house, f"then.ask.{where}")
    yield from _of_on(rule)
    yield from _of_when(rule.name, "when", rule.when, house)


def _of_then(rule: str, then: Then, house: House, at: str = "then") -> Iterator[Problem]:
    if then.queue is not None and then.queue not in house.queues:
        yield Problem(rule=rule, field=f"{at}.queue", detail=f"there is no queue {then.queue!r}")
    elif then.queue is not None and (why := house.unserved.get(then.queue)) is not None:
        detail = f"queue {then.queue!r}: {why}"
        yield Problem(rule=rule, field=f"{at}.queue", detail=detail, grade="warning")
    for skill in then.skills:
        if skill not in house.skills:
            yield Problem(
                rule=rule,
                field=f"{at}.skills",
                detail=f"nobody has the skill {skill!r} and no list names it",
                grade="warning",
            )
    for name, texts in (("reply", then.reply), ("note", then.note)):
        if (strange := unknown_in(texts)) is not None:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            detail = f"nothing is known for {{{strange}}}; there are {known}"
            yield Problem(rule=rule, field=f"{at}.{name}", detail=detail)
    if then.macro is not None and then.macro not in house.macros:
        yield Problem(rule=rule, field="then.macro", detail=f"there is no macro {then.macro!r}")
    if then.complete is not None and house.codes and then.complete not in house.codes:
        detail = f"no list names the code {then.complete!r}"
        yield Problem(rule=rule, field=f"{at}.complete", detail=detail, grade="warning")


def _of_on(rule: Rule) -> Iterator[Problem]:
    """What does not go with what the rule looks at."""
    if not rule.on:
        yield Problem(rule=rule.name, field="on", detail="it looks at nothing")
    for on in rule.on:
        yield from _of_one_on(rule, on)
    if asks(rule.when, "clocks") and not {*rule.on} <= {"warned", "breached"}:
        detail = "only 'warned' and 'breached' are about a clock"
        yield Problem(rule=rule.name, field="when.clocks", detail=detail)
    if rule.after and not ({*rule.on} <= {*TIMED} or rule.follows):
        detail = f"{', '.join(rule.on)} does not last: give `follows`, or leave it out"
        yield Problem(rule=rule.name, field="after", detail=detail)
    if {*rule.on} <= {*AUTOMATIC} and rule.on and not says(rule.then):
        yield Problem(rule=rule.name, field="then", detail="it does nothing", grade="warning")


def _of_one_on(rule: Rule, on: On) -> Iterator[Problem]:
    for said in says(rule.then):
        if said not in DECIDES[on]:
            detail = f"a rule on {on!r} cannot decide {said!r}"
            yield Problem(rule=rule.name, field=f"then.{said}", detail=detail)
    for name in _UNKNOWN.get(on, ()):
        if asks(rule.when, name):
            detail = f"on {on!r} nothing is known of {name!r}"
            yield Problem(rule=rule.name, field=f"when.{name}", detail=detail)
    yield from _of_signs(rule, on)
    if on == "tagged" and not rule.when.tags:
        yield Problem(rule=rule.name, field="when.tags", detail="say which tags")
    if on in TIMED and not rule.after:
        detail = f"say after how many seconds of {on!r}"
        yield Problem(rule=rule.name, field="after", detail=detail)


def _of_signs(rule: Rule, on: On) -> Iterator[Problem]:
    """Signs of fraud that cannot be seen there."""
    for when in parts(rule.when):
        if when.velocity is not None and when.velocity.by not in _PACED.get(on, get_args(By)):
            detail = f"on {on!r} nothing is counted by {when.velocity.by!r}"
            yield Problem(rule=rule.name, field="when.velocity.by", detail=detail)
        for kind in when.mismatch:
            if kind != "*" and kind not in _SHOWS.get(on, MISMATCHES):
                detail = f"on {on!r} {kind!r} does not show"
                yield Problem(rule=rule.name, field="when.mismatch", detail=detail)


def _of_when(rule: str, at: str, when: When, house: House) -> Iterator[Problem]:
    yield from _of_words(rule, at, when)
    yield from _of_names(rule, at, when, house)
    low, high = when.value_from, when.value_to
    if low is not None and high is not None and low > high:
        detail = f"no value is from {low} and to {high}"
        yield Problem(rule=rule, field=f"{at}.value_from", detail=detail)
    if when.unless is not None:
        if covers(when.unless, _without_unless(when)):
            detail = "it excepts everything that its other conditions let through"
            yield Problem(rule=rule, field=f"{at}.unless", detail=detail)
        yield from _of_when(rule, f"{at}.unless", when.unless, house)
    for n, one in enumerate(when.any):
        yield from _of_when(rule, f"{at}.any[{n}]", one, house)


def _of_words(rule: str, at: str, when: When) -> Iterator[Problem]:
    for name, wanted in (("words", when.words), ("subject_words", when.subject_words)):
        for words in wanted:
            if not is_findable(words):
                detail = f"{words!r} has no letter or figure that could be found"
                yield Problem(rule=rule, field=f"{at}.{name}", detail=detail)


def _of_names(rule: str, at: str, when: When, house: House) -> Iterator[Problem]:
    """Conditions that nothing can meet, for want of what they name."""
    strange = [("queues", f"there is no queue {q!r}") for q in when.queues if q not in house.queues]
    if house.channels:
        names = [c for c in when.channels if c not in house.channels]
        strange += [("channels", f"there is no channel {c!r}") for c in names]
    for name, detail in strange:
        yield Problem(rule=rule, field=f"{at}.{name}", detail=detail, grade="warning")


def _without_unless(when: When) -> When:
    fields = {name: getattr(when, name) for name in when.__struct_fields__ if name != "unless"}
    return When(**fields)


def _of_all(rules: list[Rule]) -> Iterator[Problem]:
    """Rules that others leave nothing to decide.

    What happens to an item fires each rule by itself, so there no rule is in another's way.
    """
    shelf = _Shelf()
    for rule in rules:
        if not {*AUTOMATIC}.isdisjoint(rule.on):
            continue
        before = shelf.covering(rule)
        shelf.put(rule)
        stopper = next((r for r in before if r.stop), None)
        if stopper is not None:
            yield _warning(
                rule, "when", f"never looked at: {stopper.name!r} holds wherever it does, and stops"
            )
            continue
        for name in SINGLE:
            mine = getattr(rule.then, name)
            other = next((r for r in before if getattr(r.then, name) is not None), None)
            if mine is not None and other is not None and getattr(other.then, name) != mine:
                theirs = "something else" if name in SPEAKS else repr(getattr(other.then, name))
                yield _warning(
                    rule,
                    f"then.{name}",
                    f"never decides: {other.name!r} holds wherever it does and says {theirs}",
                )


class _Shelf:
    """Rules by what they ask for, so that each is compared only with those that may cover it.

    Who covers another asks for nothing that the other does not ask for, and of a list has at least
    the other's first value.
    """

    def __init__(self) -> None:
        self._by: dict[tuple[str, ...], dict[str, list[Rule]]] = {}
        self._compared = 0
        self._size: dict[str, int] = {}

    def _sets(self, rule: Rule) -> int:
        if rule.name not in self._size:
            self._size[rule.name] = sum(1 for _ in nested(rule.when))
        return self._size[rule.name]

    def put(self, rule: Rule) -> None:
        """After those that come before it."""
        asked = given(rule.when)
        values = self._by.setdefault(asked, {})
        for value in _values(asked, rule.when):
            values.setdefault(value, []).append(rule)

    def covering(self, rule: Rule) -> list[Rule]:
        """Those that hold wherever this one does, in order; not all, where there are too many."""
        asked = {*given(rule.when)}
        found = []
        for names, values in self._by.items():
            if not asked.issuperset(names):
                continue
            first = next(iter(_values(names, rule.when)))
            for other in values.get(first, ()):
                self._compared += self._sets(other) * self._sets(rule)
                if self._compared > MOST_COMPARED:
                    break
                if {*rule.on} <= {*other.on} and covers(other.when, rule.when):
                    found.append(other)
        return sorted(found, key=lambda r: (r.order, r.name))


def _values(names: Sequence[str], when: When) -> Sequence[str]:
    """The values by which a rule that asks for these is found."""
    name = next((one for one in LISTED if one in names), None)
    return ("",) if name is None else [str(value) for value in getattr(when, name)]


def _warning(rule: Rule, at: str, detail: str) -> Problem:
    grade: Literal["warning"] = "warning"
    return Problem(rule=rule.name, field=at, detail=detail, grade=grade)
