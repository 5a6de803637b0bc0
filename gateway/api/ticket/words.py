"""The page's words. A language is one file, ``words/TAG.toml``, with the keys of ``en.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from gateway.api.ticket.markup import Markup

FALLBACK = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_MOST_WISHES = 20


class Words:
    """One language. ``name`` is what it calls itself."""

    def __init__(self, tag: str, texts: Mapping[str, str]) -> None:
        self.tag = tag
        self.texts = texts
        self.name = texts["name"]
        self.direction = "rtl" if tag in _RIGHT_TO_LEFT else "ltr"

    def say(self, key: str, **values: str | int) -> Markup:
        """The text under a key, with values for its names in braces; markup stays markup."""
        text = escape(self.texts[key])
        for name, value in values.items():
            text = text.replace(
                f"{{{name}}}", Markup.of(str(value) if isinstance(value, int) else value)
            )
        return Markup(text)


class Languages:
    """All languages of the page."""

    def __init__(self) -> None:
        folder = files(__package__) / "words"
        texts: dict[str, Mapping[str, Any]] = {
            file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
            for file in folder.iterdir()
            if file.name.endswith(".toml")
        }
        self.all = {tag: Words(tag, texts[tag]) for tag in sorted(texts)}

    def choose(self, *wishes: str) -> Words:
        """The first language among the wishes (BCP 47 tags) that there is; else English."""
        for wish in wishes:
            found = self.all.get(wish.replace("_", "-").partition("-")[0].strip().lower())
            if found is not None:
                return found
        return self.all[FALLBACK]


def accepted(header: str) -> Sequence[str]:
    """The tags of an ``Accept-Language`` header, the best first (RFC 9110 section 12.5.4)."""
    weighed = []
    for place, part in enumerate(header.split(",")[:_MOST_WISHES]):
        tag, _, rest = part.partition(";")
        try:
            weight = float(rest.partition("=")[2]) if rest else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighed)]
