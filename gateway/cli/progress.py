"""How far a long command is: on a terminal as it goes, elsewhere a line for each part."""

import sys
import time
from typing import Literal

EVERY_SECONDS = 0.2
WIDTH = 30


class Lines:
    """On stderr, for what goes to stdout may be the result itself."""

    def __init__(self, unit: Literal["bytes", "rows"] = "bytes") -> None:
        self._unit = unit
        self._live = sys.stderr.isatty()
        self._what = ""
        self._expected = 0
        self._moved = 0
        self._shown = 0.0

    def begins(self, what: str, expected: int) -> None:
        self._what, self._expected, self._moved = what, expected, 0

    def moved(self, size: int) -> None:
        self._moved += size
        if self._live and time.monotonic() - self._shown > EVERY_SECONDS:
            self._shown = time.monotonic()
            share = min(self._moved / self._expected, 0.99) if self._expected else 0
            about = f", about {share:.0%}" if share else ""
            far = amount(self._moved) if self._unit == "bytes" else f"{self._moved:,} rows"
            self._write(f"\r\x1b[K{self._what}: {far}{about}  {_bar(share)}")

    def ends(self, rows: int | None = None) -> None:
        counted = "" if rows is None else f"  {rows:,} {'row' if rows == 1 else 'rows'}"
        size = f"  {amount(self._moved)}" if self._moved and self._unit == "bytes" else ""
        clear = "\r\x1b[K" if self._live else ""
        self._write(f"{clear}{self._what}{counted}{size}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _bar(share: float) -> str:
    """How much is done, to be seen at a glance; nothing where nobody knows."""
    done = round(share * WIDTH)
    return f"[{'#' * done}{'.' * (WIDTH - done)}]" if share else ""


def amount(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"
