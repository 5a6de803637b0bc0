"""Pages by key: a cursor is the id of the last row shown, so pages stay stable while rows come."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.store.contract import Page


def page_of(rows: Sequence[Any], limit: int, cursor: Callable[[Any], str]) -> Page:
    """Of ``limit + 1`` rows asked for: the page, and where the next one begins."""
    shown = list(rows[:limit])
    return Page(items=shown, next=cursor(shown[-1]) if len(rows) > limit else None)
