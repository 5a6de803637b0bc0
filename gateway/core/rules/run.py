"""Going through the rules in order: what is decided, by which rule, and why."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.ids import RuleName, SkillName
from gateway.core.rules.facts import Facts
from gateway.core.rules.rule import OF_OPEN, SINGLE, SPEAKS, Rule, Then
from gateway.core.rules.when import check

_NOBODY = RuleName("")


class Looked(Struct, frozen=True, kw_only=True):
    """One rule that was looked at: whether it held, by what, and the fields that it decided."""

    rule: str
    held: bool
    because: str
    decided: tuple[str, ...] = ()


class Outcome(Struct, frozen=True, kw_only=True):
    """All that was decided, and how it came to that, rule by rule."""

    then: Then
    looked: tuple[Looked, ...] = ()

    def who(self, field: str) -> RuleName:
        """The rule that decided this."""
        return next((RuleName(one.rule) for one in self.looked if field in one.decided), _NOBODY)

    @property
    def reason(self) -> str:
        """The rules that decided something, in words; empty when none did."""
        return "; ".join(
            f"rule {one.rule!r} ({one.because}): {', '.join(one.decided)}"
            for one in self.looked
            if one.decided
        )


def run(rules: Iterable[Rule], facts: Facts, *, on: str = "contact") -> Outcome:
    """What ``rules``, which come in order, decide about a contact."""
    then, looked = Then(), list[Looked]()
    for rule in rules:
        if on not in rule.on:
            continue
        verdict = check(rule.when, facts)
        decided: tuple[str, ...] = ()
        because = verdict.because
        if verdict.holds:
            may, why_not = _possible(rule.then, facts)
            then, decided = _decide(then, may)
            because += why_not
        looked.append(Looked(rule=rule.name, held=verdict.holds, because=because, decided=decided))
        if verdict.holds and rule.stop:
            break
    return Outcome(then=then, looked=tuple(looked))


def _possible(then: Then, facts: Facts) -> tuple[Then, str]:
    """What of it may be decided here, and why not all: a claim is not an identity."""
    wanted = [name for name in OF_OPEN if getattr(then, name)]
    if not wanted or (facts.verified and facts.open_cases):
        return then, ""
    why = "the identity is not verified" if facts.open_cases else "no matter is open"
    left_out = replace(then, **dict.fromkeys(OF_OPEN))
    return left_out, f"; no {' or '.join(wanted)}: {why}"


def _decide(then: Then, more: Then) -> tuple[Then, tuple[str, ...]]:
    """``then`` with what ``more`` adds to it, and the names of what that was."""
    new: dict[str, Any] = {
        name: value
        for name in SINGLE
        if (value := getattr(more, name)) is not None and not _said(then, name)
    }
    skills = _highest(then.skills, more.skills)
    if skills != then.skills:
        new["skills"] = skills
    for name in ("tags", "untag"):
        had = getattr(then, name)
        tags = tuple(dict.fromkeys((*had, *getattr(more, name))))
        if tags != had:
            new[name] = tags
    return (replace(then, **new), tuple(new)) if new else (then, ())


def _said(then: Then, name: str) -> bool:
    """Whether it is decided already; the customer is spoken to by one rule alone."""
    return any(getattr(then, one) is not None for one in (SPEAKS if name in SPEAKS else (name,)))


def _highest(one: dict[SkillName, int], other: dict[SkillName, int]) -> dict[SkillName, int]:
    """Both demands; where both name a skill, the higher level."""
    return one | {skill: max(level, one.get(skill, 0)) for skill, level in other.items()}
