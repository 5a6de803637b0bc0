"""The steps of a report: where one ends and the next begins, by the clocks of a zone. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.core.errors import Refused
from gateway.core.facts.values import QUARTER, interval_of

Step = Literal["15m", "30m", "1h", "1d", "1w", "1mo", "all"]
MOST_STEPS = 20_000
LONGEST = timedelta(days=732)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""In between every zone is full quarters of an hour from UTC, so steps have an end."""
_MINUTES = {"15m": 15, "30m": 30, "1h": 60}


def zone_of(name: str) -> ZoneInfo:
    """An IANA zone. Raises ``Refused``."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        example = "Europe/Berlin or UTC"
        raise Refused(
            "bad_field", f"there is no zone {name!r}; such as {example}", "zone"
        ) from error


def check_reach(name: str, at: datetime) -> None:
    """Raises ``Refused`` for a moment about which nothing can be asked."""
    if not EARLIEST <= at <= LATEST:
        years = f"{EARLIEST.year} to {LATEST.year}"
        raise Refused("bad_field", f"give a moment of the years {years}", name)


def check_span(since: datetime, until: datetime) -> None:
    """Raises ``Refused`` for a period that facts cannot be counted in."""
    for name, at in (("from", since), ("to", until)):
        if interval_of(at) != at:
            near = interval_of(at).isoformat().replace("+00:00", "Z")
            raise Refused("bad_field", f"give a full quarter of an hour, such as {near}", name)
    if since >= until:
        raise Refused("bad_field", "the period ends before it begins", "from")
    if until - since > LONGEST:
        raise Refused("bad_field", f"a period has {LONGEST.days} days at most", "from")


def edges(since: datetime, until: datetime, step: Step, zone: ZoneInfo) -> list[datetime]:
    """Where steps begin, and at last ``until``; all in UTC. Raises ``Refused`` for too many.

    The first and the last step may be shorter: others begin when a full hour, day, week (Monday)
    or month begins in ``zone``. A day in which the clock is changed has an hour more or less.
    """
    found = [since]
    while (edge := _next(found[-1], step, zone)) is not None and edge < until:
        found.append(edge)
        if len(found) > MOST_STEPS:
            raise Refused("bad_field", f"that is more than {MOST_STEPS:,} steps", "step")
    return [*found, until]


def _next(at: datetime, step: Step, zone: ZoneInfo) -> datetime | None:
    if step == "all":
        return None
    minutes = _MINUTES.get(step)
    if minutes is not None:
        edge = at + QUARTER
        while edge.astimezone(zone).minute % minutes:
            edge += QUARTER
        return edge
    day = at.astimezone(zone).date()
    while True:
        if step == "1mo":
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        else:
            day += timedelta(days=7 - day.weekday() if step == "1w" else 1)
        edge = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        if edge > at:
            return edge


def lengths(at: Sequence[datetime]) -> list[float]:
    """How long each step is, in seconds."""
    return [(later - earlier).total_seconds() for earlier, later in pairwise(at)]
