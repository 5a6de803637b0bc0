"""The pages' colour pairs against WCAG 2.2 AA (1.4.3 for text, 1.4.11 for shapes)."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "push/web/src/ui/tokens.css"
GROUNDS = ("bg", "surface", "sunken", "raised", "hover", "selected")
KINDS = ("email", "webchat", "sms", "whatsapp", "telegram", "voice", "task", "callback")
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)], ids=["text", "shapes"])
def test_every_colour_can_be_told_from_what_lies_under_it(
    theme: str, pairs: list[tuple[str, str]], least: float
) -> None:
    colors = themes(TOKENS.read_text("utf-8"))[theme]
    weak = {
        f"{ink} on {ground}": round(ratio, 2)
        for ink, ground in pairs
        if (ratio := contrast(colors[ink], colors[ground])) < least
    }
    assert not weak
