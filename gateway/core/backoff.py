"""How long to wait before trying again."""

OUTBOUND_SECONDS = (2.0, 10.0, 60.0, 300.0, 1800.0)
OUTBOUND_SECONDS_THEN = 3600.0


DEFERRED_SECONDS = (300.0, 900.0, 1800.0, 3600.0, 7200.0)
DEFERRED_SECONDS_THEN = 14_400.0
"""Where the other side asks for patience: RFC 5321 section 4.5.4.1 has half an hour and more."""


def outbound_delay(attempt: int, *, deferred: bool = False) -> float:
    """Seconds between failed attempt number ``attempt`` (1 is the first) and the next one."""
    if deferred:
        late = attempt > len(DEFERRED_SECONDS)
        return DEFERRED_SECONDS_THEN if late else DEFERRED_SECONDS[attempt - 1]
    if attempt <= len(OUTBOUND_SECONDS):
        return OUTBOUND_SECONDS[attempt - 1]
    return OUTBOUND_SECONDS_THEN


def reconnect_delay(
    failures: int, share: float, *, first: float = 0.05, most: float = 2.0
) -> float:
    """Exponential from ``first`` to ``most`` seconds; ``share`` (0 … 1) is the caller's dice."""
    ceiling = min(most, first * 2.0 ** min(failures, 20))
    return ceiling * (0.5 + share / 2)
