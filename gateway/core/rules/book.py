"""The rules of the house, ready to be gone through."""

from collections.abc import Iterator, Sequence
from typing import Literal

from gateway.core.ids import RuleName
from gateway.core.rules.rule import AUTOMATIC, On, Rule, in_order
from gateway.core.rules.when import Velocity, asks, parts


class RuleBook:
    """``folds`` alone changes it. ``edition`` rises with every change."""

    def __init__(self) -> None:
        self.rules: dict[RuleName, Rule] = {}
        self.edition = 0
        self._ordered: Sequence[Rule] | None = None
        self._on: dict[On, Sequence[Rule]] = {}
        self._automatic: Sequence[Rule] | None = None
        self._paced: dict[tuple[On, ...], Sequence[Velocity]] = {}
        self._suspects: dict[tuple[On, ...], bool] = {}

    def put(self, rule: Rule) -> None:
        """Take a rule, new or changed."""
        self.rules[rule.name] = rule
        self._changed()

    def drop(self, name: RuleName) -> Rule | None:
        """Take a rule out; the rule that it was."""
        self._changed()
        return self.rules.pop(name, None)

    def _changed(self) -> None:
        self.edition += 1
        self._ordered = self._automatic = None
        self._on.clear()
        self._paced.clear()
        self._suspects.clear()

    def looks_back(self, of: Literal["messages", "matters"]) -> float:
        """How many seconds back somebody's contacts are counted; 0: no rule asks."""
        every = self._velocities("contact", "message")
        found = (one.seconds for one in every if one.of == of and one.by == "customer")
        return max(found, default=0.0)

    def paced(self, *on: On) -> Sequence[Velocity]:
        """What is asked of who writes too often, by anything but the customer."""
        if on not in self._paced:
            found = [one for one in self._velocities(*on) if one.by != "customer"]
            self._paced[on] = list(dict.fromkeys(found))
        return self._paced[on]

    def seeks_mismatches(self, *on: On) -> bool:
        """Whether a rule asks if somebody claims to be somebody else."""
        if on not in self._suspects:
            self._suspects[on] = any(asks(r.when, "mismatch") for one in on for r in self.on(one))
        return self._suspects[on]

    def _velocities(self, *on: On) -> Iterator[Velocity]:
        every = (part for one in on for rule in self.on(one) for part in parts(rule.when))
        return (part.velocity for part in every if part.velocity is not None)

    @property
    def ordered(self) -> Sequence[Rule]:
        """Those that are on, as they are gone through."""
        if self._ordered is None:
            self._ordered = in_order([*self.rules.values()])
        return self._ordered

    def on(self, what: On) -> Sequence[Rule]:
        """Those of them that look at this."""
        if what not in self._on:
            self._on[what] = [rule for rule in self.ordered if what in rule.on]
        return self._on[what]

    @property
    def automatic(self) -> Sequence[Rule]:
        """Those of them that look at what happens to an item."""
        if self._automatic is None:
            self._automatic = [r for r in self.ordered if not {*AUTOMATIC}.isdisjoint(r.on)]
        return self._automatic
