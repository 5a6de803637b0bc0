"""What a declaration holds: everything of the directory, each entry with its name."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.api.directory_types import AgentEntry, NameEntry, QueueEntry
from gateway.api.macros import MacroEntry
from gateway.api.rules import RuleEntry
from gateway.api.timetable import HoursEntry, PolicyEntry
from gateway.api.wordings import CannedEntry, LetterEntry
from gateway.core.ids import (
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    PolicyName,
    QueueName,
    RuleName,
)

MOST = Meta(max_length=20_000)
Declared = (
    QueueEntry
    | NameEntry
    | HoursEntry
    | PolicyEntry
    | RuleEntry
    | MacroEntry
    | CannedEntry
    | LetterEntry
)
"""What can also be removed."""


class Removal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names that are to go; one that is not there is gone already.

    A queue goes when no item is in it, and no agent and no channel uses it. An agent is put out
    of service by ``active: false``.
    """

    queues: Annotated[tuple[QueueName, ...], MOST] = ()
    skills: Annotated[tuple[str, ...], MOST] = ()
    codes: Annotated[tuple[str, ...], MOST] = ()
    hours: Annotated[tuple[CalendarName, ...], MOST] = ()
    service_policies: Annotated[tuple[PolicyName, ...], MOST] = ()
    rules: Annotated[tuple[RuleName, ...], MOST] = ()
    macros: Annotated[tuple[MacroName, ...], MOST] = ()
    canned: Annotated[tuple[CannedName, ...], MOST] = ()
    letters: Annotated[tuple[LetterName, ...], MOST] = ()


class Declaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each entry has a ``name``; what an entry leaves out stays as it is."""

    hours: Annotated[tuple[HoursEntry, ...], MOST] = ()
    service_policies: Annotated[tuple[PolicyEntry, ...], MOST] = ()
    queues: Annotated[tuple[QueueEntry, ...], MOST] = ()
    skills: Annotated[tuple[NameEntry, ...], MOST] = ()
    codes: Annotated[tuple[NameEntry, ...], MOST] = ()
    agents: Annotated[tuple[AgentEntry, ...], MOST] = ()
    rules: Annotated[tuple[RuleEntry, ...], MOST] = ()
    macros: Annotated[tuple[MacroEntry, ...], MOST] = ()
    canned: Annotated[tuple[CannedEntry, ...], MOST] = ()
    letters: Annotated[tuple[LetterEntry, ...], MOST] = ()
    remove: Removal = Removal()
