"""What is said of an item that came to the wrong person: the reasons, and what would be right."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.core.ids import QueueName, SkillName

REASONS = (
    "wrong_queue",
    "wrong_language",
    "wrong_skill",
    "duplicate",
    "spam",
    "not_for_us",
    "nothing_to_do",
)
"""What can be said while the house has declared no reasons of its own."""

How = Literal["declined", "transferred", "completed"]
"""What the agent did with it."""


class NotForMe(Struct, frozen=True, kw_only=True):
    """Not for me, because of a ``reason`` out of the house's list, and what would be right."""

    reason: Annotated[str, Meta(min_length=1, max_length=100)]
    queue: QueueName | None = None
    skill: SkillName | None = None


class HouseWords(Struct, frozen=True, kw_only=True):
    """The names that only the database has. No ``reasons`` declared: ``REASONS``."""

    reasons: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
