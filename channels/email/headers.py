"""The header of a mail: raw fields looked up by name, values made safe on the way out."""

from collections.abc import Iterable

from channels.email.text import header_text

MAX_FIELDS = 2_000
"""Fields that are looked at; a mail has twenty to a hundred."""


class Headers:
    """Header fields in order. Names are case-insensitive; values never hold a line end."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        self.order: list[str] = []
        for count, (name, value) in enumerate(fields):
            if count >= MAX_FIELDS:
                break
            self._fields.setdefault(name.lower(), []).append(str(value))
            self.order.append(name.lower())

    def raw(self, name: str) -> str:
        """The first field of that name as it was parsed, or nothing."""
        values = self._fields.get(name.lower())
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """Every field of that name as parsed."""
        return self._fields.get(name.lower(), [])

    def text(self, name: str) -> str:
        """The first field of that name, decoded (RFC 2047), as one safe line."""
        return header_text(self.raw(name))

    def token(self, name: str) -> str:
        """The first word of the field in lower case, without parameters and comments."""
        words = self.text(name).lower().replace(";", " ").replace("(", " ").split()
        return words[0] if words else ""

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields
