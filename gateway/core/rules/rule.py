"""A rule of the front door: conditions, and what they decide."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.core.ids import QueueName, RuleName, SkillName
from gateway.core.rules.when import When

On = Literal["contact"]
Level = Annotated[int, Meta(ge=1, le=5)]


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule decides; what is left out it leaves to others.

    ``skills`` and ``tags`` add up over all rules, of everything else the first rule that says
    something decides. ``due_seconds`` counts from the contact's arrival. ``hold`` keeps the
    contact from routing until a supervisor has looked at it; it is the reason that is shown.
    ``priority`` is added to what the contact has already.
    """

    queue: QueueName | None = None
    skills: Annotated[dict[SkillName, Level], Meta(max_length=50)] = field(default_factory=dict)
    language: str | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] | None = None
    category: str | None = None
    level: Annotated[int, Meta(ge=1, le=4)] | None = None
    due_seconds: Annotated[float, Meta(gt=0, le=31_536_000)] | None = None
    tags: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    hold: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


SINGLE = (
    "queue",
    "language",
    "priority",
    "category",
    "level",
    "due_seconds",
    "hold",
)
"""The fields of ``Then`` of which one rule decides; the others add up."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. They are gone through by ``order``, then by name; ``stop`` ends it there.

    ``on`` says what it looks at: ``contact``, what comes in and makes a work item. One that was
    removed is not ``active``; one that is not ``enabled`` waits to be switched on.
    """

    name: RuleName
    order: int = 100
    enabled: bool = True
    on: tuple[On, ...] = ("contact",)
    when: When = When()
    then: Then = Then()
    stop: bool = False
    note: str = ""
    active: bool = True


def in_order(rules: "list[Rule] | tuple[Rule, ...]") -> list[Rule]:
    """The rules that are switched on, as they are gone through."""
    return sorted((r for r in rules if r.enabled), key=lambda r: (r.order, r.name))
