"""Words and phrases in a text, whatever the case, the accents and the width of its letters.

``refund`` is found as a word of its own, ``refund*`` also at the beginning of one, ``lost card``
as words that follow each other. Scripts that put no spaces between words (Chinese, Japanese,
Thai and their neighbours) have no words of their own to find: there it is the mere sequence.
"""

import re
import unicodedata
from functools import lru_cache

# Blocks of scripts that are written without spaces between words.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = f"[^\\W{_UNSPACED}]"
_GAPS = re.compile(r"\s+")
LONGEST_TEXT = 100_000
"""Characters of a text that are looked at: what a person writes is shorter by far."""


def plain(text: str) -> str:
    """The text without case, accents, width and other matters of form (Unicode NFKD).

    Marks that are letters of their own in their script stay: only those that Latin, Greek and
    Cyrillic put on a letter go (U+0300 to U+036F).
    """
    folded = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
    bare = "".join(c for c in folded if not "\u0300" <= c <= "\u036f")
    return _GAPS.sub(" ", unicodedata.normalize("NFC", bare)).strip()


def found(wanted: tuple[str, ...], text: str) -> str | None:
    """The first of the wanted words or phrases that stands in ``text``, which is ``plain``."""
    for words in wanted:
        if _pattern(words).search(text):
            return words
    return None


def is_findable(words: str) -> bool:
    """Whether there is anything to look for: a lone ``*`` or blank would be in every text."""
    return any(c.isalnum() or unicodedata.category(c).startswith("S") for c in words)


@lru_cache(maxsize=4_096)
def _pattern(words: str) -> re.Pattern[str]:
    bare = plain(words)
    opened = bare.endswith("*")
    bare = bare.rstrip("*").strip()
    body = r"\s".join(map(re.escape, bare.split(" ")))
    before = f"(?<!{_WORD})" if _bounded(bare[:1]) else ""
    after = f"(?!{_WORD})" if _bounded(bare[-1:]) and not opened else ""
    return re.compile(before + body + after)


def _bounded(letter: str) -> bool:
    """Whether a word that begins or ends with this letter has an edge there."""
    return bool(letter) and (letter.isalnum() or letter == "_") and not _IS_UNSPACED.match(letter)
