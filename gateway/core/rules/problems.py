"""What is wrong with a set of rules before any contact has met it.

Errors are refused; warnings are told to whoever declares the rules, who may have meant it.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from gateway.core.rules.rule import SINGLE, Rule, in_order
from gateway.core.rules.when import When, covers
from gateway.core.rules.words import is_findable


class House(Struct, frozen=True, kw_only=True):
    """The names that rules may use."""

    queues: Collection[str]
    skills: Collection[str]
    channels: Collection[str] = ()


class Problem(Struct, frozen=True, kw_only=True):
    """What is wrong with which field of which rule, and what to do."""

    rule: str
    field: str
    detail: str
    grade: Literal["error", "warning"] = "error"


def problems(rules: Sequence[Rule], house: House) -> list[Problem]:
    """All of them, errors first."""
    found = [p for rule in rules for p in _of_one(rule, house)]
    found += _of_all(in_order(tuple(rules)))
    return sorted(found, key=lambda p: p.grade)


def _of_one(rule: Rule, house: House) -> Iterator[Problem]:
    then = rule.then
    if then.queue is not None and then.queue not in house.queues:
        yield Problem(
            rule=rule.name, field="then.queue", detail=f"there is no queue {then.queue!r}"
        )
    for skill in then.skills:
        if skill not in house.skills:
            yield Problem(
                rule=rule.name,
                field="then.skills",
                detail=f"nobody has the skill {skill!r} and no list names it",
                grade="warning",
            )
    yield from _of_when(rule.name, "when", rule.when, house)


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
    for field, detail in strange:
        yield Problem(rule=rule, field=f"{at}.{field}", detail=detail, grade="warning")


def _without_unless(when: When) -> When:
    fields = {name: getattr(when, name) for name in when.__struct_fields__ if name != "unless"}
    return When(**fields)


def _of_all(rules: list[Rule]) -> Iterator[Problem]:
    """Rules that others leave nothing to decide."""
    for n, rule in enumerate(rules):
        before = [r for r in rules[:n] if {*rule.on} <= {*r.on} and covers(r.when, rule.when)]
        stopper = next((r for r in before if r.stop), None)
        if stopper is not None:
            yield Problem(
                rule=rule.name,
                field="when",
                detail=f"never looked at: {stopper.name!r} holds wherever it does, and stops",
                grade="warning",
            )
            continue
        for name in SINGLE:
            mine = getattr(rule.then, name)
            other = next((r for r in before if getattr(r.then, name) is not None), None)
            if mine is not None and other is not None and getattr(other.then, name) != mine:
                yield Problem(
                    rule=rule.name,
                    field=f"then.{name}",
                    detail=f"never decides: {other.name!r} holds wherever it does and says"
                    f" {getattr(other.then, name)!r}",
                    grade="warning",
                )
