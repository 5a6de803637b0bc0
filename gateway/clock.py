"""The real clock; whatever decides is given a ``ports.Clock``, only the process uses this one."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ``ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
