"""Rules that set off others: found before they run, for a circle of them would never rest.

A rule sets off another by a tag. Everything else that a rule does is the cause of nothing, or of
what has fired before: time, clocks and reopening come from outside. So a chain is a path of tags.
"""

from collections.abc import Iterator, Mapping, Sequence

from gateway.core.ids import MacroName
from gateway.core.macros import Macro
from gateway.core.rules.problem import Problem
from gateway.core.rules.rule import AUTOMATIC, Rule

Ways = Mapping[str, tuple[str, ...]]
"""The rules that each rule sets off."""
MOST_IN_CHAIN = 5
"""So many rules may set each other off; whoever reads what happened could not follow more."""


def chain_problems(rules: Sequence[Rule], macros: Mapping[MacroName, Macro]) -> Iterator[Problem]:
    """Rules that lead back to themselves, chains that are too long, ``follows`` that lead nowhere.

    A rule that is switched off counts, for it is to be switched on.
    """
    yield from _followed(rules)
    after: Ways = {rule.name: _set_off_by(rule, rules, macros) for rule in rules}
    longest: dict[str, int] = {}
    for rule in rules:
        path = _circle(rule.name, after)
        if path:
            yield Problem(
                rule=rule.name,
                field="then.tags",
                detail=f"it sets itself off: {' → '.join((*path, rule.name))}",
            )
    if any(_circle(rule.name, after) for rule in rules):
        return
    for rule in rules:
        length = _length(rule.name, after, longest)
        if length > MOST_IN_CHAIN:
            yield Problem(
                rule=rule.name,
                field="then.tags",
                detail=f"it begins a chain of {length} rules; {MOST_IN_CHAIN} are the most",
            )


def _set_off_by(
    rule: Rule, rules: Sequence[Rule], macros: Mapping[MacroName, Macro]
) -> tuple[str, ...]:
    tags = {*rule.then.tags}
    if rule.then.macro is not None and rule.then.macro in macros:
        tags |= {*macros[rule.then.macro].then.tags}
    if not tags:
        return ()
    return tuple(
        other.name
        for other in rules
        if "tagged" in other.on and not tags.isdisjoint(other.when.tags)
    )


def _circle(name: str, after: Ways) -> tuple[str, ...]:
    """The rules on a shortest way from one back to itself; empty: there is none."""
    ways: dict[str, tuple[str, ...]] = {name: (name,)}
    front = [name]
    while front:
        here = front.pop(0)
        for there in after.get(here, ()):
            if there == name:
                return ways[here]
            if there not in ways:
                ways[there] = (*ways[here], there)
                front.append(there)
    return ()


def _length(name: str, after: Ways, known: dict[str, int]) -> int:
    if name not in known:
        known[name] = 1 + max(
            (_length(one, after, known) for one in after.get(name, ())), default=0
        )
    return known[name]


def _followed(rules: Sequence[Rule]) -> Iterator[Problem]:
    by_name: Mapping[str, Rule] = {rule.name: rule for rule in rules}
    for rule in rules:
        if not rule.follows:
            continue
        first = by_name.get(rule.follows)
        if first is None:
            detail = f"there is no rule {rule.follows!r}"
        elif not {*rule.on} <= {*first.on} or not {*rule.on} <= {*AUTOMATIC}:
            detail = f"rule {rule.follows!r} does not look at {', '.join(rule.on) or 'nothing'} too"
        elif _leads_back(rule, by_name):
            detail = "it follows itself"
        else:
            continue
        yield Problem(rule=rule.name, field="follows", detail=detail)


def _leads_back(rule: Rule, by_name: Mapping[str, Rule]) -> bool:
    here: Rule | None = rule
    seen: set[str] = set()
    while here is not None and here.follows and here.name not in seen:
        seen.add(here.name)
        here = by_name.get(here.follows)
    return here is not None and here.name == rule.name and bool(seen)
