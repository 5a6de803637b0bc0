"""A rule of the house: what it looks at, its conditions, and what they decide."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.core.ids import MacroName, QueueName, RuleName, SkillName
from gateway.core.rules.when import When, Words

Said = Literal["contact", "message", "reply", "note", "colleague"]
Event = Literal["silent", "waiting", "tagged", "warned", "breached", "reopened"]
On = Literal[
    "contact",
    "message",
    "reply",
    "note",
    "colleague",
    "silent",
    "waiting",
    "tagged",
    "warned",
    "breached",
    "reopened",
]
AUTOMATIC: tuple[Event, ...] = ("silent", "waiting", "tagged", "warned", "breached", "reopened")
"""What happens to an item after intake; anything else is about something that was said."""
TIMED: tuple[Event, ...] = ("silent", "waiting")

Level = Annotated[int, Meta(ge=1, le=5)]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Texts = Text | Annotated[dict[str, Text], Meta(min_length=1, max_length=100)]
"""One text, or one for each language; under ``""`` the one for any other."""
Label = Annotated[str, Meta(min_length=1, max_length=80)]
Labels = Label | Annotated[dict[str, Label], Meta(min_length=1, max_length=100)]
"""The same for the few words of an answer that can be chosen."""
Wait = Annotated[float, Meta(ge=10, le=2_592_000)]
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...], Meta(max_length=50)]


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer that can be chosen, and what it decides.

    Who writes freely gives it by its number, its ``label`` in any language, or one of ``words``.
    ``value`` stands on the item then; empty: the label.
    """

    label: Labels
    words: Words = ()
    value: Annotated[str, Meta(max_length=80)] = ""
    then: "Then | None" = None


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question to the customer; besides the ``answers`` there is always a person.

    What fits no answer has ``otherwise`` decided. After ``wait`` seconds (``None``: as is usual on
    the channel) the contact goes on as if it had not been asked. What was chosen stands on the
    item under ``field``. ``person`` is how the person is offered, if not in our words.
    """

    text: Texts
    answers: Annotated[tuple[Answer, ...], Meta(min_length=1, max_length=9)]
    otherwise: "Then | None" = None
    wait: Wait | None = None
    field: Annotated[str, Meta(min_length=1, max_length=60)] = "answer"
    person: Labels | None = None


class Help(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something by which customers may help themselves: a text, with a ``link`` or a form.

    Who says that it helped is done; anybody else goes on to a person. Nothing said within
    ``wait`` seconds is taken for solved, or goes on too, as ``silent`` says.
    """

    text: Texts
    link: Texts | None = None
    wait: Wait = 259_200.0
    silent: Literal["solved", "queue"] = "solved"
    helped: Labels | None = None
    person: Labels | None = None


class Status(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Tells customers how what they have open stands: number, state, what is promised or expected.

    In our words by their language, after ``text``. Who says that it helped is done; anybody else
    goes on to a person, as does who says nothing for ``wait`` seconds (``None``: as is usual on
    the channel), unless ``silent`` takes that for solved.
    """

    text: Texts | None = None
    wait: Wait | None = None
    silent: Literal["solved", "queue"] = "queue"
    helped: Labels | None = None
    person: Labels | None = None


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule decides; what is left out it leaves to others.

    ``skills``, ``tags`` and ``untag`` add up over all rules, of everything else the first rule
    that says something decides. ``due_seconds`` counts from the contact's arrival. ``hold`` keeps
    the contact from routing, or what we write from leaving, until a supervisor has looked at it; it
    is the reason that is shown. ``tell`` asks a supervisor to look without keeping anything back;
    ``refuse`` keeps what colleagues write to each other from being said at all. ``priority`` is
    added to what the contact has already. ``reply`` is written to the customer, ``note`` into the
    case; ``complete`` ends the item with this code; ``macro`` names one to run.
    ``ask``, ``help`` and ``status`` speak to the customer before anybody is asked to. ``join``: the
    contact belongs to the matter that its customer has open. Of what is open only those are told,
    and only theirs is joined, who have proven who they are.
    """

    queue: QueueName | None = None
    skills: Annotated[dict[SkillName, Level], Meta(max_length=50)] = field(default_factory=dict)
    language: str | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] | None = None
    category: str | None = None
    level: Annotated[int, Meta(ge=1, le=4)] | None = None
    due_seconds: Annotated[float, Meta(gt=0, le=31_536_000)] | None = None
    tags: Tags = ()
    untag: Tags = ()
    hold: Line | None = None
    refuse: Line | None = None
    tell: Line | None = None
    note: Text | None = None
    reply: Texts | None = None
    complete: Line | None = None
    macro: MacroName | None = None
    ask: Ask | None = None
    help: Help | None = None
    status: Status | None = None
    join: bool | None = None


SINGLE = (
    "queue",
    "language",
    "priority",
    "category",
    "level",
    "due_seconds",
    "hold",
    "refuse",
    "tell",
    "note",
    "reply",
    "complete",
    "macro",
    "ask",
    "help",
    "status",
    "join",
)
"""The fields of ``Then`` of which one rule decides; the others add up."""

_ALWAYS = ("priority", "category", "level", "tags", "note", "tell")
_ROUTES = ("queue", "skills", "language")
_LATER = (*_ALWAYS, "untag")
_EVENT = (*_LATER, "queue", "reply", "complete", "macro")
DECIDES: Mapping[On, tuple[str, ...]] = {
    "contact": (*_ALWAYS, *_ROUTES, "due_seconds", "hold", "ask", "help", "status", "join"),
    "message": (*_LATER, "queue", "hold", "status"),
    "reply": (*_LATER, "hold"),
    "note": _LATER,
    "colleague": ("tell", "hold", "refuse"),
    **dict.fromkeys(AUTOMATIC, _EVENT),
}
"""What a rule on each of these can decide."""
ANSWER_DECIDES = (*_ALWAYS, *_ROUTES, "untag", "hold", "help")
"""What an answer can decide."""
SPEAKS = ("ask", "help", "status")
"""What is said to the customer at the door: of these there is one."""
OF_OPEN = ("status", "join")
"""What is decided only about customers who have something open, and are proven."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. They are gone through by ``order``, then by name; ``stop`` ends it there.

    ``on`` says what it looks at: ``contact``, what comes in and makes a work item; ``message``,
    what the customer writes later; ``reply`` and ``note``, what we write; ``colleague``, what we
    say to each other; or something that happens to an item (see ``AUTOMATIC``). ``after`` is how
    many seconds that must have lasted, or have been; with ``follows`` it counts from the firing of
    that rule for the same cause. One that was
    removed is not ``active``; one that is not ``enabled`` waits to be switched on.
    """

    name: RuleName
    order: int = 100
    enabled: bool = True
    on: tuple[On, ...] = ("contact",)
    after: Annotated[float, Meta(ge=0, le=31_536_000)] = 0.0
    follows: RuleName = RuleName("")
    when: When = When()
    then: Then = Then()
    stop: bool = False
    note: str = ""
    active: bool = True


def in_order(rules: "list[Rule] | tuple[Rule, ...]") -> list[Rule]:
    """The rules that are switched on, as they are gone through."""
    return sorted((r for r in rules if r.enabled), key=lambda r: (r.order, r.name))


def says(then: Then) -> tuple[str, ...]:
    """The fields that it decides."""
    return tuple(name for name in then.__struct_fields__ if getattr(then, name) not in _NOTHING)


_NOTHING: tuple[object, ...] = (None, (), {})
