"""Macros: named lists of acts that a person, or a rule, has done to an item at once."""

from typing import Literal

from gateway.core.ids import MacroName
from gateway.core.rules.rule import Then
from gateway.core.value import ChannelKind, Kept

MACRO_DECIDES = (
    "queue",
    "priority",
    "category",
    "level",
    "tags",
    "untag",
    "note",
    "tell",
    "reply",
    "complete",
)
"""What a macro can do, of all that ``Then`` has."""


class Macro(Kept, frozen=True, kw_only=True):
    """For items of these ``kinds`` (none named: all), by people of these ``roles`` (none: all).

    One that was removed is not ``active``.
    """

    name: MacroName
    label: str = ""
    kinds: tuple[ChannelKind, ...] = ()
    roles: tuple[Literal["agent", "supervisor", "admin"], ...] = ()
    then: Then = Then()
    active: bool = True
