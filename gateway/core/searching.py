"""What a text can be found by, and what somebody who types looks for. Pure.

Accents, case and width make no difference (``Müller`` is found by ``muller``). Scripts that are
written without spaces are cut into pairs of letters, for no dictionary of theirs is at hand:
whoever types three letters in a row finds the texts in which both of their pairs stand.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from gateway.core.rules.words import LONGEST_TEXT, UNSPACED, plain

MOST_WORDS = 8
"""Of a question that count."""
LONGEST_QUESTION = 500
LONGEST_WORD = 60
SHORTEST_STEM, LONGEST_ENDING = 4, 3
"""Characters: of words whose beginnings are alike so far a snippet marks both."""
AROUND = 60
"""Characters that a snippet shows before what was found; twice as many after it."""

# Letters that are no other letter with a mark, and the points that Hebrew and Arabic may leave out.
_SAME = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "ـ": ""}
) | dict.fromkeys([*range(0x591, 0x5C8), *range(0x64B, 0x660), 0x670])
_RUN = re.compile(f"[{UNSPACED}]+")
# With the marks that stand for vowels in the scripts of India, but for their full stops.
_WORD = re.compile(f"(?:[^\\W_]|[\u0300-\u036f\u0900-\u0963\u0966-\u0dff{UNSPACED}])+")

# What PostgreSQL can reduce to stems; everything else is found by how it begins.
_STEMMED = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
STEMMERS = tuple(sorted({f"{name}_stem" for name in _STEMMED.values()}))


class Asked(Struct, frozen=True, kw_only=True):
    """What is looked for. ``number``: it may be that ticket's number.

    ``words`` are all to be found; a text has one of them if one of its words begins like it.
    """

    words: tuple[str, ...]
    number: int | None = None


def folded(text: str) -> str:
    """Without accents, case and width."""
    bare = plain(text)
    # Letters of other faces (𝓜) become plain capitals only now.
    return bare.lower() if bare.isascii() else plain(bare.translate(_SAME))


def words(text: str) -> list[str]:
    """What the text can be found by, each once, in its order."""
    found: dict[str, None] = {}
    for word in _WORD.findall(folded(text)):
        for one in _cut(word):
            found[one[:LONGEST_WORD]] = None
    return list(found)


def _cut(word: str) -> Iterator[str]:
    """The word itself, or its pairs of letters where it is written without spaces."""
    at = 0
    for run in _RUN.finditer(word):
        if run.start() > at:
            yield word[at : run.start()]
        yield from _pairs(run[0])
        at = run.end()
    if at < len(word):
        yield word[at:]


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for first, second in pairwise(run):
        yield first + second


def asked(question: str) -> Asked:
    """What somebody looks for who typed this."""
    typed = question.strip()[:LONGEST_QUESTION]
    bare = typed.removeprefix("#").replace(" ", "")
    number = int(bare) if bare.isascii() and bare.isdigit() and len(bare) < 19 else None
    return Asked(words=tuple(words(typed)[:MOST_WORDS]), number=number or None)


def stemmer(language: str) -> str:
    """PostgreSQL's dictionary that reduces words of a language (BCP 47); ``simple`` has none."""
    name = _STEMMED.get(language.split("-", maxsplit=1)[0].lower())
    return f"{name}_stem" if name else "simple"


class Snippet(Struct, frozen=True):
    """A piece of a text, and which parts of it were looked for: begin and end in characters."""

    text: str
    hits: tuple[tuple[int, int], ...] = ()


def snippet(text: str, looked_for: Sequence[str]) -> Snippet:
    """The piece around the first of the words; the beginning where none stands in it as typed."""
    line = " ".join(text[:LONGEST_TEXT].split())
    spans: list[tuple[int, int]] = []
    ends = len(line)
    for place in _WORD.finditer(line):
        if place.start() >= ends:
            break
        if _marks(folded(place[0]), looked_for):
            if not spans:
                # What is written without spaces may be one word from end to end.
                last = min(place.end(), place.start() + 2 * AROUND)
                ends = min(last + 2 * AROUND, len(line))
            spans.append((place.start(), min(place.end(), ends)))
    if not spans:
        return Snippet(line[: 2 * AROUND] + ("…" if len(line) > 2 * AROUND else ""))
    begins = _between_words(line, max(spans[0][0] - AROUND, 0))
    before, after = "…" * (begins > 0), "…" * (ends < len(line))
    shift = begins - len(before)
    return Snippet(
        f"{before}{line[begins:ends]}{after}", tuple((a - shift, b - shift) for a, b in spans)
    )


def _between_words(line: str, begins: int) -> int:
    """There or a little before it, not in the middle of a word if that can be helped."""
    earliest = max(begins - AROUND, 0)
    space = line.rfind(" ", earliest, begins + 1)
    if space < 0 and earliest > 0:
        return begins
    return space + 1


def _marks(bare: str, looked_for: Sequence[str]) -> bool:
    """Whether it is one of the words, a longer one, or by its looks another form of one."""
    return any(_is_form(bare, word) for word in looked_for)


def _is_form(bare: str, word: str) -> bool:
    if bare.startswith(word) or (word in bare and _RUN.search(word) is not None):
        return True
    alike = max(len(word) - LONGEST_ENDING, SHORTEST_STEM)
    return len(word) > SHORTEST_STEM and bare[:alike] == word[:alike]
