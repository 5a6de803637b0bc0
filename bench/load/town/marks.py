"""A mark in a text names one thing that was said, wherever it turns up."""

import re
import uuid

MARK = re.compile(r"mark-[0-9a-f]{16}")


def new_mark() -> str:
    """A mark that nobody has used."""
    return f"mark-{uuid.uuid4().hex[:16]}"


def mark_of(text: str) -> str:
    """The first mark in ``text``; empty without one."""
    found = MARK.search(text)
    return found[0] if found else ""
