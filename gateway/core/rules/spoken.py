"""What is wrong with what a rule says to customers: questions, answers, help."""

from collections.abc import Iterator

from gateway.core.ids import QueueName
from gateway.core.rules.phrases import phrase
from gateway.core.rules.problem import Problem
from gateway.core.rules.questions import shown
from gateway.core.rules.rule import (
    ANSWER_DECIDES,
    SPEAKS,
    Ask,
    Help,
    Labels,
    Status,
    Texts,
    Then,
    says,
)
from gateway.core.rules.texts import PLACEHOLDERS, all_of, unknown_in
from gateway.core.rules.words import is_findable, plain


def inner_thens(ask: Ask) -> Iterator[tuple[str, Then]]:
    """What its answers decide, each with where it stands."""
    for n, answer in enumerate(ask.answers):
        if answer.then is not None:
            yield f"answers[{n}].then", answer.then
    if ask.otherwise is not None:
        yield "otherwise", ask.otherwise


def queues_of(then: Then) -> Iterator[QueueName]:
    """The queues that it sends to, by its answers too."""
    for one in (then, *(inner for _, inner in (inner_thens(then.ask) if then.ask else ()))):
        if one.queue is not None:
            yield one.queue


def spoken_problems(rule: str, then: Then) -> Iterator[Problem]:
    """All of them."""
    spoken = [name for name in SPEAKS if getattr(then, name) is not None]
    if len(spoken) > 1:
        detail = "a rule asks or helps or tells the status; what follows an answer goes into that"
        detail += " answer's `then`"
        yield Problem(rule=rule, field=f"then.{spoken[1]}", detail=detail)
    if then.hold is not None and spoken:
        detail = "what is held is not spoken to: leave out `hold`, or `ask`, `help` and `status`"
        yield Problem(rule=rule, field="then.hold", detail=detail)
    if then.status is not None:
        yield from _of_texts(rule, "then.status.text", then.status.text)
        yield from _of_offers(rule, "then.status", then.status, ("",))
    if then.help is not None:
        yield from _of_help(rule, "then.help", then.help)
    if then.ask is not None:
        yield from _of_ask(rule, then.ask)


def _of_ask(rule: str, ask: Ask) -> Iterator[Problem]:
    yield from _of_texts(rule, "then.ask.text", ask.text)
    for n, answer in enumerate(ask.answers):
        at = f"then.ask.answers[{n}]"
        yield from _of_labels(rule, f"{at}.label", answer.label, ask.text)
        for words in answer.words:
            if not is_findable(words):
                detail = f"{words!r} has no letter or figure that could be found"
                yield Problem(rule=rule, field=f"{at}.words", detail=detail)
    for language in _languages(ask.text):
        yield from _of_likes(rule, ask, language)
    for where, then in inner_thens(ask):
        for name in says(then):
            if name not in ANSWER_DECIDES:
                detail = f"an answer cannot decide {name!r}"
                if name == "ask":
                    detail += ": a contact is asked one question"
                yield Problem(rule=rule, field=f"then.ask.{where}.{name}", detail=detail)
        if then.help is not None:
            yield from _of_help(rule, f"then.ask.{where}.help", then.help)


def _of_likes(rule: str, ask: Ask, language: str) -> Iterator[Problem]:
    """Answers that nobody could tell from each other, or from the person."""
    one = shown(ask, language)
    seen: dict[str, int] = {}
    for n, label in enumerate(one.labels if one is not None else ()):
        first = seen.setdefault(plain(label), n)
        if first != n:
            where = f" in {language!r}" if language else ""
            other = f"answers[{first}]"
            at = f"then.ask.answers[{n}].label"
            if n == len(ask.answers):
                at, other = f"then.ask.answers[{first}].label", "the person, who is always offered"
            yield Problem(rule=rule, field=at, detail=f"{label!r} is the same as {other}{where}")


def _of_help(rule: str, at: str, given: Help) -> Iterator[Problem]:
    yield from _of_texts(rule, f"{at}.text", given.text)
    yield from _of_offers(rule, at, given, _languages(given.text))
    for link in all_of(given.link):
        if not link.startswith(("https://", "http://")) or any(c.isspace() for c in link):
            detail = f"{link!r} is no address: begin it with https://"
            yield Problem(rule=rule, field=f"{at}.link", detail=detail)
    yield from _of_texts(rule, f"{at}.link", given.link)


def _of_offers(
    rule: str, at: str, given: Help | Status, languages: tuple[str, ...]
) -> Iterator[Problem]:
    """Two offers that nobody could tell from each other."""
    for language in languages:
        helped = phrase("helped", language, given.helped)
        if plain(helped) == plain(phrase("person", language, given.person)):
            detail = f"{helped!r} is the same as the person, who is always offered"
            yield Problem(rule=rule, field=f"{at}.helped", detail=detail)


def _of_texts(rule: str, at: str, texts: Texts | None) -> Iterator[Problem]:
    if (strange := unknown_in(texts)) is not None:
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        detail = f"nothing is known for {{{strange}}}; there are {known}"
        yield Problem(rule=rule, field=at, detail=detail)


def _of_labels(rule: str, at: str, labels: Labels, text: Texts) -> Iterator[Problem]:
    for label in all_of(labels):
        if not is_findable(label):
            detail = f"{label!r} has no letter or figure"
            yield Problem(rule=rule, field=at, detail=detail)
    if isinstance(labels, str) or "" in labels:
        return
    known = {language.lower() for language in labels}
    for language in _languages(text):
        wanted = language.lower()
        if not any(wanted == one or wanted.startswith(f"{one}-") for one in known):
            said = f"in {language!r}" if language else "under '' (any other language)"
            detail = f"the question is asked {said}, and this answer has no label for it"
            yield Problem(rule=rule, field=at, detail=detail)


def _languages(texts: Texts) -> tuple[str, ...]:
    return ("",) if isinstance(texts, str) else tuple(texts)
