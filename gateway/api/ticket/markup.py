"""HTML from values: whatever is not markup already is escaped."""

from datetime import UTC, datetime
from html import escape
from typing import Self


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Plain text as HTML."""
        return text if isinstance(text, cls) else cls(escape(text))


Attribute = str | bool | int | None
_VOID = frozenset({"meta", "link", "input", "br"})


def tag(name: str, /, *children: str | None, **attributes: Attribute) -> Markup:
    """An element. An underscore in an attribute's name is a dash, one at its end is dropped."""
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{join(*children)}</{name}>")


def join(*parts: str | None) -> Markup:
    """One after the other; what is ``None`` is left out."""
    return Markup("".join(Markup.of(part) for part in parts if part is not None))


def moment(at: datetime) -> Markup:
    """A time as everybody reads it; the page's script puts it in the reader's zone and manner."""
    utc = at.astimezone(UTC)
    return tag("time", f"{utc:%Y-%m-%d %H:%M} UTC", datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}")


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
