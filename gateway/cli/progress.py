"""How far a long command is: on a terminal as it goes, elsewhere a line for each part."""

import sys
import time

EVERY_SECONDS = 0.2


class Lines:
    """On stderr, for what goes to stdout may be the result itself."""

    def __init__(self) -> None:
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
            self._write(f"\r\x1b[K{self._what}: {amount(self._moved)}{about}")

    def ends(self, rows: int | None = None) -> None:
        counted = "" if rows is None else f"  {rows:,} {'row' if rows == 1 else 'rows'}"
        size = f"  {amount(self._moved)}" if self._moved else ""
        clear = "\r\x1b[K" if self._live else ""
        self._write(f"{clear}{self._what}{counted}{size}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def amount(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"
