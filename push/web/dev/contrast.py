"""Checks the colour pairs of src/ui/tokens.css against WCAG 2.2 AA; exits 1 if one fails."""

# ruff: noqa: INP001, T201, S101 - a script for people at work on the pages

from __future__ import annotations

import re
import sys
from pathlib import Path

TOKENS = Path(__file__).parent.parent / "src" / "ui" / "tokens.css"
GROUNDS = ("bg", "surface", "sunken", "raised", "hover", "selected")
KINDS = ("email", "webchat", "sms", "whatsapp", "voice", "task", "callback")
TEXT = [(ink, ground) for ink in ("text", "text-2", "text-3") for ground in GROUNDS]
TEXT += [("accent-text", ground) for ground in (*GROUNDS, "accent-soft")]
TEXT += [("accent-ink", "accent"), ("accent-ink", "accent-hover"), ("bad-ink", "bad")]
TEXT += [
    (tone, ground)
    for tone in ("good", "warn", "bad", "info")
    for ground in (f"{tone}-soft", "surface", "bg")
]
TEXT += [
    ("note-text", "note"),
    ("note-text", "bg"),
    ("text", "note"),
    ("text", "ours"),
    ("text", "theirs"),
    ("text-3", "note"),
]
SHAPES = [("line-strong", ground) for ground in ("surface", "bg", "sunken", "raised", "note")]
SHAPES += [("accent", ground) for ground in GROUNDS] + [(kind, f"{kind}-soft") for kind in KINDS]


def themes(css: str) -> dict[str, dict[str, str]]:
    blocks = {
        "light": r':root\[data-theme="light"\] \{\n  --bg(.*?)\n\}',
        "dark": r"color-scheme: dark;\n(.*?)\n\}",
    }
    found = {}
    for name, pattern in blocks.items():
        match = re.search(pattern, css, re.DOTALL)
        assert match, name
        found[name] = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", match[0]))
    return found


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def main() -> int:
    failures = 0
    for theme, colors in themes(TOKENS.read_text()).items():
        for pairs, least in ((TEXT, 4.5), (SHAPES, 3.0)):
            for ink, ground in pairs:
                ratio = contrast(colors[ink], colors[ground])
                if ratio < least:
                    failures += 1
                    print(f"{theme}: {ink} on {ground} is {ratio:.2f}, needs {least}")
    print(f"{2 * (len(TEXT) + len(SHAPES))} pairs, {failures} too weak")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
