"""The real clock. Everything that decides is given a ``ports.Clock``; only the process uses this."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ``ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
