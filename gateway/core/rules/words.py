"""Words and phrases in a text, whatever the case, the accents and the width of its letters.

``refund`` is found as a word of its own, ``refund*`` also at the beginning of one, ``lost card``
as words that follow each other. Scripts that put no spaces between words (Chinese, Japanese,
Thai and their neighbours) have no words of their own to find: there it is the mere sequence.
"""

import re
import unicodedata
from functools import lru_cache

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""Blocks of scripts that are written without spaces between words, as in a class of ``re``."""
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
_IN_WORD = re.compile(f"[^\\W{UNSPACED}]")
_GAPS = re.compile(r"\s+")
_MARKS = re.compile("[\u0300-\u036f]+")
LONGEST_TEXT = 100_000
"""Characters of a text that are looked at: what a person writes is shorter by far."""


def plain(text: str) -> str:
    """The text without case, accents, width and other matters of form (Unicode NFKD).

    Marks that are letters of their own in their script stay: only those that Latin, Greek and
    Cyrillic put on a letter go (U+0300 to U+036F). Some letters become eighteen: the text is cut
    to ``LONGEST_TEXT`` before it is taken apart and after.
    """
    folded = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())[:LONGEST_TEXT]
    bare = _MARKS.sub("", folded)
    return _GAPS.sub(" ", unicodedata.normalize("NFC", bare)).strip()


def found(wanted: tuple[str, ...], text: str) -> str | None:
    """The first of the wanted words or phrases that stands in ``text``, which is ``plain``."""
    return next((words for words in wanted if _stands(_sought(words), text)), None)


def _stands(sought: tuple[str, bool, bool], text: str) -> bool:
    bare, edge_before, edge_after = sought
    at = text.find(bare)
    while at >= 0:
        end = at + len(bare)
        inside = edge_before and at > 0 and _IN_WORD.match(text, at - 1)
        if not inside and not (edge_after and _IN_WORD.match(text, end)):
            return True
        at = text.find(bare, at + 1)
    return False


def is_findable(words: str) -> bool:
    """Whether there is anything to look for: a lone ``*`` or blank would be in every text."""
    return any(c.isalnum() or unicodedata.category(c).startswith("S") for c in words)


@lru_cache(maxsize=4_096)
def _sought(words: str) -> tuple[str, bool, bool]:
    """What must stand in a plain text, and whether a word must begin and end with it."""
    bare = plain(words)
    opened = bare.endswith("*")
    bare = bare.rstrip("*").strip()
    return bare, _bounded(bare[:1]), _bounded(bare[-1:]) and not opened


def _bounded(letter: str) -> bool:
    """Whether a word that begins or ends with this letter has an edge there."""
    return bool(letter) and (letter.isalnum() or letter == "_") and not _IS_UNSPACED.match(letter)
