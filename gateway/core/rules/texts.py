"""Texts that rules and macros write: by language, with names in braces for what is filled in."""

import re
from collections.abc import Collection, Iterator, Mapping

from gateway.core.rules.rule import Texts

PLACEHOLDERS = ("customer", "agent", "number", "subject", "queue", "category", "ticket_url")
_IN_BRACES = re.compile(r"\{(\w+)\}")


def unknown_in(texts: Texts | None, also: Collection[str] = ()) -> str | None:
    """The first name in braces that nothing is known for, here or in ``also``."""
    for text in all_of(texts):
        for name in names_in(text):
            if name not in PLACEHOLDERS and name not in also:
                return name
    return None


def names_in(text: str) -> list[str]:
    """What stands in braces."""
    return [str(name) for name in _IN_BRACES.findall(text)]


def all_of(texts: Texts | None) -> Iterator[str]:
    if isinstance(texts, str):
        yield texts
    elif texts is not None:
        yield from texts.values()


def nearest(texts: Texts, language: str) -> str:
    """The text in the nearest language there is (RFC 4647 §3.4 lookup); empty: none will do."""
    if isinstance(texts, str):
        return texts
    tags = {tag.lower(): text for tag, text in texts.items()}
    wanted = language.lower()
    while wanted:
        if wanted in tags:
            return tags[wanted]
        wanted = wanted.rpartition("-")[0]
    return tags.get("", "")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with each known name in braces replaced; what a value says is not looked at."""
    return _IN_BRACES.sub(lambda found: values.get(found[1], found[0]), text)
