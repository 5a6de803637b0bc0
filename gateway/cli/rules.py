"""``switchroom rules test``: what the front door's rules decide, tried on examples."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.api.directory_types import check_name
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from gateway.core.macros import Macro
from gateway.core.model import ChannelKind
from gateway.core.rules.facts import Facts
from gateway.core.rules.problems import House, Problem, macro_problems, problems
from gateway.core.rules.questions import tried
from gateway.core.rules.rule import SPEAKS, On, Rule, Then, in_order
from gateway.core.rules.run import Outcome, run
from gateway.core.rules.spoken import queues_of
from gateway.core.rules.status import first_said
from gateway.failures import Failed


class Example(Struct, kw_only=True, forbid_unknown_fields=True):
    """A contact to try the rules on, and what they ought to decide about it, if that is said.

    With ``answer``, which the customer gives to what the rules ask: what that decides.
    """

    name: str
    contact: dict[str, Any]
    on: On = "contact"
    answer: str | None = None
    expect: Then | None = None


class _Named(Struct):
    name: str


class File(Struct, kw_only=True):
    """A declaration as ``switchroom apply`` takes it, with examples."""

    rule: list[Rule] = field(default_factory=list)
    example: list[Example] = field(default_factory=list)
    queue: list[_Named] = field(default_factory=list)
    skill: list[_Named] = field(default_factory=list)
    macro: list[Macro] = field(default_factory=list)


def try_out(file: Path, *, verbose: bool = False) -> None:
    """Check the rules of a declaration, and what they decide about its examples.

    Parameters
    ----------
    file
        TOML with [[rule]] tables, and [[example]] tables with a name, a contact and what to
        expect. Names are checked against its [[queue]] and [[skill]] tables, if it has any.
    verbose
        Show every rule that was looked at, and why it did not hold.
    """
    given = _read(file)
    found = _problems(given)
    for problem in found:
        print(f"{problem.grade}: rule {problem.rule!r}, {problem.field}: {problem.detail}")
    rules = in_order(given.rule)
    wrong = sum(not _try(rules, example, verbose=verbose) for example in given.example)
    errors = sum(problem.grade == "error" for problem in found)
    print(
        f"{_count(len(rules), 'rule')}, {_count(errors, 'error')},"
        f" {_count(len(given.example), 'example')}, {wrong} not as expected"
    )
    if errors or wrong:
        raise Failed(f"{file}: see above")


def _read(file: Path) -> File:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(tree, File)
    except FileNotFoundError as error:
        raise Failed(f"there is no file {file}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Failed(f"{file}: {error}") from error
    except msgspec.ValidationError as error:
        raise Failed(f"{file}: {error}") from error


def _problems(given: File) -> list[Problem]:
    rules = given.rule
    queues = {one.name for one in given.queue} or {
        name for rule in rules for name in (*rule.when.queues, *queues_of(rule.then))
    }
    skills = {one.name for one in given.skill} or {s for rule in rules for s in rule.then.skills}
    macros = {macro.name: macro for macro in given.macro}
    house = House(queues=queues, skills=skills, macros=macros)
    return [
        *_bad_names(rules),
        *problems(rules, house),
        *(p for m in given.macro for p in macro_problems(m, house)),
    ]


def _bad_names(rules: list[Rule]) -> Iterator[Problem]:
    """Names that no node would take."""
    for rule in rules:
        try:
            check_name(rule.name)
        except Refused as refused:
            yield Problem(rule=rule.name, field="name", detail=refused.detail)
    twice = (name for name, count in Counter(rule.name for rule in rules).items() if count > 1)
    for name in twice:
        yield Problem(rule=name, field="name", detail="two rules have this name")


def _try(rules: list[Rule], example: Example, *, verbose: bool) -> bool:
    """Show what becomes of an example; whether that is as expected."""
    usual = {"kind": ChannelKind.EMAIL, "channel": ChannelName(""), "at": datetime.now(UTC)}
    try:
        facts = msgspec.convert(usual | example.contact, Facts)
    except msgspec.ValidationError as error:
        raise Failed(f"example {example.name!r}, contact: {error}") from error
    facts = replace(facts, open_cases=facts.open_cases or len(facts.tickets))
    outcome = run(rules, facts, on=example.on)
    says, one = first_said(outcome.then, facts)
    answered = None
    if example.answer is not None:
        if says is not None and one is not None:
            answered = tried(says, one, example.answer)
        if answered is None:
            print(f"✗ {example.name}: nobody asks, so there is nothing to answer")
            return False
    then = outcome.then if answered is None else answered.then
    decided = msgspec.to_builtins(then, str_keys=True)
    expected = decided if example.expect is None else msgspec.to_builtins(example.expect)
    differs = {k for k in {*decided, *expected} if decided.get(k) != expected.get(k)}
    print(f"{'✗' if differs else '✓'} {example.name}: {_words(decided)}")
    _explain(outcome, verbose=verbose)
    if one is not None:
        print(f"    says “{one.text}”: {' / '.join(one.labels)}")
    if answered is not None:
        print(f"    “{example.answer}” is {answered.label or 'no answer'} ({answered.how})")
    for name in sorted(differs):
        print(f"    expected {name} = {expected.get(name)!r}, got {decided.get(name)!r}")
    return not differs


def _explain(outcome: Outcome, *, verbose: bool) -> None:
    for one in outcome.looked:
        if one.decided or verbose:
            effect = ", ".join(one.decided) or ("held" if one.held else "did not hold")
            print(f"    {one.rule} ({one.because}): {effect}")


def _words(decided: dict[str, Any]) -> str:
    """What is said to customers follows in a line of its own."""
    decided = {name: "…" if name in SPEAKS else value for name, value in decided.items()}
    return ", ".join(f"{name} {value!r}" for name, value in decided.items()) or "nothing decided"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
