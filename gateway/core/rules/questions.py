"""Questions at the front door: what is shown to the customer, and what an answer means. Pure.

Whatever is shown offers a person, as the last answer. What is written freely is understood by the
number of an answer, its label in any language, or its words; where two answers fit, neither does.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from gateway.core.rules.phrases import PERSON_WORDS, every, phrase
from gateway.core.rules.rule import Answer, Ask, Help, Status, Then
from gateway.core.rules.texts import all_of, nearest
from gateway.core.rules.words import found, is_findable, plain

_NUMBER = re.compile(r"[^\w]*(\d{1,2})[^\w]*")


class Shown(Struct, frozen=True, kw_only=True):
    """A text with the answers to choose from, all in one language; the last one is a person."""

    text: str
    labels: tuple[str, ...]


class Heard(Struct, frozen=True, kw_only=True):
    """The answer that was given, by its place among those shown, and how it was recognised.

    ``None``: what was said fits none.
    """

    place: int | None
    how: str


_UNCLEAR = Heard(place=None, how="fits no answer")


def shown(says: Ask | Help, language: str) -> Shown | None:
    """What a customer of this language is shown; ``None``: there is no text for it."""
    text = nearest(says.text, language)
    if isinstance(says, Help):
        link = nearest(says.link, language) if says.link is not None else ""
        text = f"{text}\n{link}" if text and link else text
        labels = [phrase("helped", language, says.helped)]
    else:
        labels = [nearest(one.label, language) for one in says.answers]
    if not text or not all(labels):
        return None
    return Shown(text=text, labels=(*labels, phrase("person", language, says.person)))


def in_writing(one: Shown) -> str:
    """As it is written where there is nothing to press."""
    answers = "\n".join(f"{n}. {label}" for n, label in enumerate(one.labels, start=1))
    return f"{one.text}\n\n{answers}"


def answer_of(ask: Ask, label: str) -> Answer | None:
    """The one that was shown under this label, if the rule still has it."""
    return next((one for one in ask.answers if label in all_of(one.label)), None)


def heard(labels: Sequence[str], says: Ask | Help | Status | None, text: str) -> Heard:
    """Which of the ``labels`` a customer means who was shown them and says ``text``.

    ``says`` is what the rule has now, if it is still there.
    """
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if (number := _NUMBER.fullmatch(first)) and 1 <= int(number[1]) <= len(labels):
        return Heard(place=int(number[1]) - 1, how="by its number")
    ways = _ways(labels, says)
    for said in (plain(first), plain(text)):
        same = [n for n, words in enumerate(ways) if said and said in map(plain, words)]
        if len(same) == 1:
            return Heard(place=same[0], how="by its label")
    return _by_words(ways, plain(text))


class Answered(Struct, frozen=True, kw_only=True):
    """What an answer would be taken for, and what it decides."""

    label: str
    how: str
    then: Then = Then()


def tried(says: Ask | Help | Status, one: Shown, text: str) -> Answered:
    """What would follow if a customer who is shown ``one`` said this."""
    meant = heard(one.labels, says, text)
    label = one.labels[meant.place] if meant.place is not None else ""
    then: Then | None = None
    if isinstance(says, Ask) and label != one.labels[-1]:
        answer = answer_of(says, label) if label else None
        then = answer.then if answer is not None else says.otherwise
    return Answered(label=label, how=meant.how, then=then or Then())


def _by_words(ways: Sequence[tuple[str, ...]], text: str) -> Heard:
    named = [n for n, words in enumerate(ways) if found(_findable(words), text) is not None]
    last = len(ways) - 1
    if last in named:
        return Heard(place=last, how="by its words")
    if len(named) == 1:
        return Heard(place=named[0], how="by its words")
    if not named and found(PERSON_WORDS, text) is not None:
        return Heard(place=last, how="by its words")
    return _UNCLEAR


def _findable(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in words if is_findable(one))


def _ways(labels: Sequence[str], says: Ask | Help | Status | None) -> list[tuple[str, ...]]:
    """All ways in which each answer may be given, the person last."""
    ways: list[tuple[str, ...]] = [(label,) for label in labels]
    if isinstance(says, Ask):
        for n, label in enumerate(labels[:-1]):
            if (answer := answer_of(says, label)) is not None:
                ways[n] += (*all_of(answer.label), *answer.words)
    elif says is not None:
        ways[0] += every("helped", says.helped)
    ways[-1] += every("person", says.person if says is not None else None)
    return [tuple(dict.fromkeys(one)) for one in ways]
