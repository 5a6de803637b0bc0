"""Rules that set off others: found before they run, for a circle of them would never rest.

A rule sets off another by a tag. Everything else that a rule does is the cause of nothing, or of
what has fired before: time, clocks and reopening come from outside. So a chain is a path of tags.
"""

from collections.abc import Iterator, Mapping, Sequence

from gateway.core.ids import MacroName
from gateway.core.macros import Macro
from gateway.core.rules.problem import Problem
from gateway.core.rules.rule import AUTOMATIC, Rule

MOST_IN_CHAIN = 5
"""So many rules may set each other off; whoever reads what happened could not follow more."""
MOST_CIRCLES = 20
"""Of which is told."""


def chain_problems(rules: Sequence[Rule], macros: Mapping[MacroName, Macro]) -> Iterator[Problem]:
    """Rules that lead back to themselves, chains that are too long, ``follows`` that lead nowhere.

    A rule that is switched off counts, for it is to be switched on.
    """
    yield from _followed(rules)
    graph = _Graph(rules, macros)
    lengths = graph.lengths()
    circles = list(graph.circles({*graph.sets} - lengths.keys()))
    for path in circles:
        detail = f"it sets itself off: {' → '.join((*path, path[0]))}"
        yield Problem(rule=path[0], field="then.tags", detail=detail)
    for rule in rules if not circles else ():
        if (length := lengths[rule.name]) > MOST_IN_CHAIN:
            yield Problem(
                rule=rule.name,
                field="then.tags",
                detail=f"it begins a chain of {length} rules; {MOST_IN_CHAIN} are the most",
            )


class _Graph:
    """Which rule sets which tags, and which rules a tag sets off.

    Tags stand between the rules: so it is as large as what the rules say, however many pairs of
    them that makes.
    """

    def __init__(self, rules: Sequence[Rule], macros: Mapping[MacroName, Macro]) -> None:
        self.hears: dict[str, set[str]] = {
            rule.name: {*rule.when.tags} if "tagged" in rule.on else set() for rule in rules
        }
        self.heard_by: dict[str, list[str]] = {}
        for name, tags in self.hears.items():
            for tag in tags:
                self.heard_by.setdefault(tag, []).append(name)
        self.sets: dict[str, set[str]] = {
            rule.name: _tags(rule, macros) & self.heard_by.keys() for rule in rules
        }
        self.set_by: dict[str, list[str]] = {}
        for name, tags in self.sets.items():
            for tag in tags:
                self.set_by.setdefault(tag, []).append(name)

    def lengths(self) -> dict[str, int]:
        """How many rules follow each other from each on, itself among them; from the end back.

        Without those that lead to a circle.
        """
        of_tag = dict.fromkeys(self.heard_by, 0)
        rules_left = {tag: len(rules) for tag, rules in self.heard_by.items()}
        tags_left = {name: len(tags) for name, tags in self.sets.items()}
        lengths: dict[str, int] = {}
        ready = [name for name, count in tags_left.items() if not count]
        while ready:
            name = ready.pop()
            lengths[name] = 1 + max((of_tag[tag] for tag in self.sets[name]), default=0)
            for tag in self.hears[name]:
                of_tag[tag] = max(of_tag[tag], lengths[name])
                rules_left[tag] -= 1
                if not rules_left[tag]:
                    for setter in self.set_by.get(tag, ()):
                        tags_left[setter] -= 1
                        ready += [] if tags_left[setter] else [setter]
        return lengths

    def circles(self, among: set[str]) -> Iterator[tuple[str, ...]]:
        """A shortest way from a rule back to itself, for the first rules that are on one."""
        told = 0
        for name in self.sets:
            if name in among and told < MOST_CIRCLES and (path := self._circle(name, among)):
                told += 1
                yield path

    def _circle(self, name: str, among: set[str]) -> tuple[str, ...]:
        ways: dict[str, tuple[str, ...]] = {name: (name,)}
        front, tags = [name], set[str]()
        for here in front:
            for tag in self.sets[here] - tags:
                tags.add(tag)
                for there in self.heard_by[tag]:
                    if there == name:
                        return ways[here]
                    if there not in ways and there in among:
                        ways[there] = (*ways[here], there)
                        front.append(there)
        return ()


def _tags(rule: Rule, macros: Mapping[MacroName, Macro]) -> set[str]:
    tags = {*rule.then.tags}
    if rule.then.macro is not None and rule.then.macro in macros:
        tags |= {*macros[rule.then.macro].then.tags}
    return tags


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
