"""The conditions of a rule: all that are given must hold, of several values any one.

``check`` says whether they hold and by what, or which one does not: the try-out and the trace of
an item show these words. ``covers`` says whether one set of conditions holds wherever another
does, as far as can be told without an example; what it cannot tell it denies.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from gateway.core.clocks import ClockKind
from gateway.core.ids import ChannelName, QueueName
from gateway.core.rules.facts import Facts, said
from gateway.core.rules.mismatch import MISMATCHES, Mismatched
from gateway.core.rules.velocity import Velocity as Velocity
from gateway.core.rules.velocity import velocity_key
from gateway.core.rules.words import found, plain
from gateway.core.value import ChannelKind

Words = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=500)
]
Some = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=320)], ...], Meta(max_length=500)
]


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """See the module's docstring. Nothing given: always.

    ``to`` and ``senders`` are addresses in which ``*`` stands for anything (``*@shop.example``,
    ``+34*``). ``languages`` are ranges: ``es`` holds for ``es-AR`` (RFC 4647 §3.3.1). ``words``
    are looked for in subject and body, ``subject_words`` in the subject alone (see ``words``).
    ``fields`` are what a form said: any of the values, ``*`` for any at all.
    ``machine``: no person wrote it (RFC 3834). ``tags``: the case has one of them. ``clocks``: it
    is about one of these clocks of the service level. ``mismatch``: who writes claims in one of
    these ways to be somebody else (``*``: in any).
    """

    kinds: tuple[ChannelKind, ...] = ()
    channels: tuple[ChannelName, ...] = ()
    to: Some = ()
    senders: Some = ()
    languages: Some = ()
    words: Words = ()
    subject_words: Words = ()
    fields: Annotated[dict[str, Some], Meta(max_length=50)] = field(default_factory=dict)
    queues: tuple[QueueName, ...] = ()
    categories: Some = ()
    value_from: int | None = None
    value_to: int | None = None
    verified: bool | None = None
    open_case: bool | None = None
    machine: bool | None = None
    open: bool | None = None
    velocity: Velocity | None = None
    tags: Some = ()
    clocks: tuple[ClockKind, ...] = ()
    mismatch: tuple[Mismatched | Literal["*"], ...] = ()
    unless: "When | None" = None
    any: Annotated[tuple["When", ...], Meta(max_length=50)] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether conditions hold, and by what (or what does not)."""

    holds: bool
    because: str


def _holds(because: str) -> Verdict:
    return Verdict(holds=True, because=because)


def _fails(because: str) -> Verdict:
    return Verdict(holds=False, because=because)


def check(when: When, facts: Facts) -> Verdict:
    """See the module's docstring."""
    reasons = []
    for name, check in _CHECKS.items():
        if not _is_given(wanted := getattr(when, name)):
            continue
        verdict = check(wanted, facts)
        if not verdict.holds:
            return verdict
        reasons.append(verdict.because)
    return _holds(", ".join(reasons) or "always")


def _one_of(what: str, value: Callable[[Facts], str]) -> Callable[[Any, Facts], Verdict]:
    def look(wanted: tuple[str, ...], facts: Facts) -> Verdict:
        got = value(facts)
        return Verdict(holds=got in wanted, because=f"{what} {got}" if got else f"no {what}")

    return look


def _flag(
    yes: str, no: str, value: Callable[[Facts], bool | None]
) -> Callable[[Any, Facts], Verdict]:
    def look(wanted: Any, facts: Facts) -> Verdict:
        got = bool(value(facts))
        return Verdict(holds=got is wanted, because=yes if got else no)

    return look


def _to(wanted: tuple[str, ...], facts: Facts) -> Verdict:
    for address in facts.to:
        if _like(wanted, address):
            return _holds(f"came to {address}")
    return _fails(f"came to {', '.join(facts.to) or 'no address'}")


def _senders(wanted: tuple[str, ...], facts: Facts) -> Verdict:
    return Verdict(
        holds=_like(wanted, facts.sender), because=f"from {facts.sender or 'nobody known'}"
    )


def _like(patterns: Iterable[str], address: str) -> bool:
    return any(_glob(pattern).fullmatch(address.casefold()) for pattern in patterns)


@lru_cache(maxsize=4_096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Each part between two stars is taken where it stands first: no other choice finds more.

    So none is ever tried again, and whoever writes the address cannot make it take long.
    """
    first, *others = map(re.escape, pattern.casefold().split("*"))
    if not others:
        return re.compile(first)
    *between, last = others
    parts = "".join(f"(?>.*?{part})" for part in between)
    return re.compile(f"{first}{parts}.*{last}", re.DOTALL)


def _languages(wanted: tuple[str, ...], facts: Facts) -> Verdict:
    holds = any(within(facts.language, one) for one in wanted)
    return Verdict(
        holds=holds, because=f"language {facts.language}" if facts.language else "language unknown"
    )


def within(language: str, wanted: str) -> bool:
    """Whether a language tag is in a range: ``es-AR`` in ``es`` (RFC 4647 §3.3.1)."""
    tag, prefix = language.casefold(), wanted.casefold()
    return bool(tag) and (tag == prefix or tag.startswith(prefix + "-"))


def _words(part: str) -> Callable[[Any, Facts], Verdict]:
    where = " in the subject" if part == "subject" else ""

    def look(wanted: tuple[str, ...], facts: Facts) -> Verdict:
        words = found(wanted, facts.text_of(part))
        if words is None:
            return _fails(f"none of its words{where}")
        return _holds(f"says “{words}”{where}")

    return look


def _fields(wanted: dict[str, tuple[str, ...]], facts: Facts) -> Verdict:
    for name, values in wanted.items():
        got = said(facts.fields, name)
        if got is None:
            return _fails(f"says nothing under {name!r}")
        if "*" not in values and plain(got) not in map(plain, values):
            return _fails(f"{name} is {got[:80]!r}")
    return _holds(", ".join(f"{name} is {said(facts.fields, name)!r}" for name in wanted))


def _value_from(wanted: int, facts: Facts) -> Verdict:
    return Verdict(holds=facts.value >= wanted, because=f"value {facts.value}")


def _value_to(wanted: int, facts: Facts) -> Verdict:
    return Verdict(holds=facts.value <= wanted, because=f"value {facts.value}")


def _velocity(wanted: Velocity, facts: Facts) -> Verdict:
    if wanted.by == "customer":
        since = facts.at - timedelta(seconds=wanted.seconds)
        count = facts.came_since(since, matters=wanted.of == "matters")
        whose = ""
    else:
        count = facts.counted.get(velocity_key(wanted), facts.counted.get(wanted.by, 1))
        whose = f" of this {wanted.by}"
    return Verdict(
        holds=count >= wanted.contacts,
        because=f"{count} {wanted.of}{whose} within {wanted.seconds:.0f} s",
    )


def _mismatch(wanted: tuple[str, ...], facts: Facts) -> Verdict:
    sought = MISMATCHES if "*" in wanted else wanted
    found = [one for one in facts.mismatches if one.kind in sought]
    return Verdict(
        holds=bool(found),
        because="; ".join(one.detail for one in found) or "is who it says it is, as far as known",
    )


def _tags(wanted: tuple[str, ...], facts: Facts) -> Verdict:
    there = next((tag for tag in facts.tags if tag in wanted), None)
    return _fails("none of its tags") if there is None else _holds(f"tagged {there!r}")


def _unless(wanted: When, facts: Facts) -> Verdict:
    verdict = check(wanted, facts)
    return Verdict(
        holds=not verdict.holds, because=f"{'but' if verdict.holds else 'not'} {verdict.because}"
    )


def _any(wanted: tuple[When, ...], facts: Facts) -> Verdict:
    verdicts = [check(one, facts) for one in wanted]
    for verdict in verdicts:
        if verdict.holds:
            return verdict
    return _fails("; ".join(verdict.because for verdict in verdicts))


_CHECKS: dict[str, Callable[[Any, Facts], Verdict]] = {
    "kinds": _one_of("kind", lambda f: f.kind or ""),
    "channels": _one_of("channel", lambda f: f.channel),
    "to": _to,
    "senders": _senders,
    "languages": _languages,
    "queues": _one_of("queue", lambda f: f.queue),
    "categories": _one_of("category", lambda f: f.category),
    "value_from": _value_from,
    "value_to": _value_to,
    "verified": _flag("identity verified", "identity not verified", lambda f: f.verified),
    "open_case": _flag("a matter is open", "no matter is open", lambda f: f.open_cases > 0),
    "machine": _flag("written by a machine", "written by a person", lambda f: f.machine),
    "open": _flag("within the hours", "outside the hours", lambda f: f.open is not False),
    "velocity": _velocity,
    "mismatch": _mismatch,
    "tags": _tags,
    "clocks": _one_of("clock", lambda f: f.clock),
    "fields": _fields,
    "subject_words": _words("subject"),
    "words": _words("text"),
    "unless": _unless,
    "any": _any,
}
"""In this order: what costs most comes last."""


def parts(when: When) -> Iterator[When]:
    """The conditions themselves, and all that stand in them, at whatever depth."""
    yield from (part for part, _ in nested(when))


def nested(when: When) -> Iterator[tuple[When, int]]:
    """The same, each with how deep it stands; however deep, it takes no more of the stack."""
    left = [(when, 0)]
    while left:
        part, depth = left.pop()
        yield part, depth
        within = (*part.any, *([part.unless] if part.unless is not None else []))
        left += [(one, depth + 1) for one in reversed(within)]


def given(when: When) -> tuple[str, ...]:
    """The names of the conditions that it has."""
    return tuple(name for name in _CHECKS if _is_given(getattr(when, name)))


def _is_given(wanted: object) -> bool:
    return wanted is not None and (not isinstance(wanted, tuple | dict) or bool(wanted))


LISTED = ("kinds", "channels", "queues", "categories", "tags", "words", "subject_words", "senders")
"""Conditions of which one that covers another has at least all of its values."""


def asks(when: When, name: str) -> bool:
    """Whether a condition of this name is among them, at whatever depth."""
    return any(_is_given(getattr(part, name)) for part in parts(when))


# -- one against another ----------------------------------------------------------------------


def covers(wide: When, narrow: When) -> bool:
    """Whether ``wide`` surely holds wherever ``narrow`` does."""
    return all(_covered(name, getattr(wide, name), getattr(narrow, name)) for name in given(wide))


def _covered(name: str, wide: Any, narrow: Any) -> bool:
    return _is_given(narrow) and _COVERED.get(name, _fewer)(wide, narrow)


def _fewer(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return {*narrow} <= {*wide}


def _narrower(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return all(any(within(n, w) for w in wide) for n in narrow)


def _fewer_fields(wide: dict[str, tuple[str, ...]], narrow: dict[str, tuple[str, ...]]) -> bool:
    return all(
        name in narrow and ("*" in values or _fewer(values, narrow[name]))
        for name, values in wide.items()
    )


def _oftener(wide: Velocity, narrow: Velocity) -> bool:
    more = narrow.contacts >= wide.contacts and narrow.seconds <= wide.seconds
    return more and (narrow.of, narrow.by) == (wide.of, wide.by)


def _any_mismatch(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return "*" in wide or ("*" not in narrow and _fewer(wide, narrow))


def _each_by_one(wide: tuple[When, ...], narrow: tuple[When, ...]) -> bool:
    return all(any(covers(w, n) for w in wide) for n in narrow)


_COVERED: dict[str, Callable[[Any, Any], bool]] = {
    "languages": _narrower,
    "fields": _fewer_fields,
    "value_from": operator.le,
    "value_to": operator.ge,
    "verified": operator.is_,
    "open_case": operator.is_,
    "machine": operator.is_,
    "open": operator.is_,
    "velocity": _oftener,
    "mismatch": _any_mismatch,
    "unless": lambda wide, narrow: covers(narrow, wide),
    "any": _each_by_one,
}
