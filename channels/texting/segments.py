"""How many short messages a text makes, as they are billed (3GPP TS 23.038, 23.040). Pure.

The composer counts the same way (``push/web/src/desktop/segments.ts``); both go through
``tests/vectors/segments.json``.
"""

from msgspec import Struct

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""These take two places of seven bits."""
MOST = 10
"""Texts that one message may make."""


class Count(Struct, frozen=True):
    """``left``: places that the last text still has; ``wide``: two bytes for each."""

    segments: int
    left: int
    wide: bool


def count(text: str) -> Count:
    """An empty text makes one. What takes two places is never cut in two."""
    wide = not all(c in GSM or c in EXTENDED for c in text)
    sizes = [_wide(c) for c in text] if wide else [2 if c in EXTENDED else 1 for c in text]
    whole, part = (70, 67) if wide else (160, 153)
    if sum(sizes) <= whole:
        return Count(1, whole - sum(sizes), wide)
    segments, used = 1, 0
    for size in sizes:
        if used + size > part:
            segments, used = segments + 1, 0
        used += size
    return Count(segments, part - used, wide)


def _wide(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1
