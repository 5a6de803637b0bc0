"""The rules of the house, ready to be gone through."""

from collections.abc import Sequence

from gateway.core.ids import RuleName
from gateway.core.rules.rule import Rule, in_order
from gateway.core.rules.when import When


class RuleBook:
    """``folds`` alone changes it."""

    def __init__(self) -> None:
        self.rules: dict[RuleName, Rule] = {}
        self._ordered: Sequence[Rule] | None = None
        self._looks_back: float | None = None

    def put(self, rule: Rule) -> None:
        """Take a rule, new or changed."""
        self.rules[rule.name] = rule
        self._ordered = self._looks_back = None

    def drop(self, name: RuleName) -> Rule | None:
        """Take a rule out; the rule that it was."""
        self._ordered = self._looks_back = None
        return self.rules.pop(name, None)

    @property
    def looks_back(self) -> float:
        """How many seconds back somebody's contacts are counted; 0: no rule asks."""
        if self._looks_back is None:
            self._looks_back = max((_velocity(rule.when) for rule in self.ordered), default=0.0)
        return self._looks_back

    @property
    def ordered(self) -> Sequence[Rule]:
        """Those that are on, as they are gone through."""
        if self._ordered is None:
            self._ordered = in_order([*self.rules.values()])
        return self._ordered


def _velocity(when: When) -> float:
    parts = [*when.any, *([when.unless] if when.unless is not None else [])]
    own = when.velocity.seconds if when.velocity is not None else 0.0
    return max(own, *map(_velocity, parts), 0.0)
