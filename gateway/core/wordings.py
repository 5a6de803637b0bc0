"""What the house has ready to be written: replies that agents put in, and how its mails look. Pure.

A ``Canned`` reply is put into the composer and changed there as one likes. A ``Letter`` is put
around what a person writes by mail: how it begins and ends, the signature, a frame in HTML.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta

from gateway.core.ids import CannedName, LetterName, QueueName, SkillName
from gateway.core.rules.rule import Texts
from gateway.core.rules.texts import PLACEHOLDERS, all_of, names_in, unknown_in
from gateway.core.value import ChannelKind, Kept

ANSWER = "answer"
"""Stands in a letter's ``html`` where what is written goes."""
SIGNATURE = "signature"
"""Stands there, if it is not to follow the answer."""
Shortcut = Annotated[str, Meta(max_length=30)]
"""One word: it is typed behind a slash."""
_ONE_WORD = re.compile(r"\w*(?:[.-]\w+)*")
Html = Annotated[str, Meta(min_length=1, max_length=100_000)]
Htmls = Html | Annotated[dict[str, Html], Meta(min_length=1, max_length=100)]


class Canned(Kept, frozen=True, kw_only=True, tag="canned", tag_field="words"):
    """A reply for items of these ``queues`` and ``kinds``, by agents with one of these ``skills``.

    None named: for all. ``shortcut`` finds it in the composer. One that was removed is not
    ``active``.
    """

    name: CannedName
    label: str = ""
    shortcut: Shortcut = ""
    texts: Texts = ""
    queues: tuple[QueueName, ...] = ()
    skills: tuple[SkillName, ...] = ()
    kinds: tuple[ChannelKind, ...] = ()
    active: bool = True


class Letter(Kept, frozen=True, kw_only=True, tag="letter", tag_field="words"):
    """How mails of these ``queues`` look that a person writes; of no queue: those of all others.

    ``opening`` and ``closing`` stand around the answer, ``signature`` behind both; ``html`` is a
    frame with ``{answer}`` in it, and then every mail goes out in HTML as well. ``quote``: the
    desktop puts the mail that is answered below the answer, unless the agent takes it away.
    """

    name: LetterName
    queues: tuple[QueueName, ...] = ()
    opening: Texts | None = None
    closing: Texts | None = None
    signature: Texts | None = None
    html: Htmls | None = None
    quote: bool = False
    active: bool = True


Words = Canned | Letter
WordsKind = Literal["canned", "letter"]


class Wordings:
    """All of the house. ``folds`` alone changes it."""

    def __init__(self) -> None:
        self.canned: dict[CannedName, Canned] = {}
        self.letters: dict[LetterName, Letter] = {}

    def put(self, words: Words) -> None:
        """Take one that is new, changed or no longer active."""
        if isinstance(words, Canned):
            self.canned.pop(words.name, None)
            if words.active:
                self.canned[words.name] = words
            return
        self.letters.pop(words.name, None)
        if words.active:
            self.letters[words.name] = words

    def get(self, kind: WordsKind, name: str) -> Words | None:
        """The one of that name."""
        if kind == "canned":
            return self.canned.get(CannedName(name))
        return self.letters.get(LetterName(name))

    def letter_of(self, queue: QueueName) -> Letter | None:
        """The queue's own, else the one for all queues; the first by name where there are two."""
        named = sorted(self.letters.values(), key=lambda one: one.name)
        own = next((one for one in named if queue in one.queues), None)
        return own or next((one for one in named if not one.queues), None)


def canned_problem(canned: Canned) -> tuple[str, str] | None:
    """The field that is wrong, and what is wrong with it."""
    if not _ONE_WORD.fullmatch(canned.shortcut):
        return "shortcut", "one word: letters and digits, with . or - between them"
    if not any(all_of(canned.texts)):
        return "texts", "say what is to be written"
    return _strange("texts", canned.texts)


def letter_problem(letter: Letter, others: "list[Letter]") -> tuple[str, str] | None:
    """The field that is wrong, and what; ``others`` are the letters beside it."""
    for other in others:
        if not letter.queues and not other.queues:
            return "queues", f"letter {other.name!r} is for all queues already: name some"
        if both := sorted({*letter.queues} & {*other.queues}):
            return "queues", f"letter {other.name!r} is for the queue {both[0]!r} already"
    for field in ("opening", "closing", "signature"):
        if (found := _strange(field, getattr(letter, field))) is not None:
            return found
    for frame in all_of(letter.html):
        if ANSWER not in names_in(frame):
            return "html", "it needs {answer}, where what is written goes"
    return _strange("html", letter.html, ANSWER, SIGNATURE)


def _strange(field: str, texts: Texts | None, *also: str) -> tuple[str, str] | None:
    strange = unknown_in(texts, also)
    if strange is None:
        return None
    known = ", ".join(f"{{{one}}}" for one in (*also, *PLACEHOLDERS))
    return field, f"nothing is known for {{{strange}}}; there are {known}"
