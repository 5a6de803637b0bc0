"""Holidays of a country, and those of an iCal file, as plain dates of a calendar.

The core counts with dates alone. They are found when a calendar is declared, and again when they
do not reach far enough any more or when the library knows better: one node looks once a day.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from importlib.metadata import version

import structlog
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.calendars import Calendar
from gateway.core.errors import Refused
from gateway.flow.apart import record_of_each
from gateway.flow.ledger import Ledger

YEARS_BACK, YEARS_AHEAD = 1, 3
EVERY_SECONDS = 86_400.0
FIRST_SECONDS = 60.0
_FOUND_BY = "holidays {}, icalendar {}"
_log = structlog.get_logger("holidays")


def known_by() -> str:
    """With what holidays are found, so that a newer version finds them anew."""
    return _FOUND_BY.format(version("holidays"), version("icalendar"))


def with_holidays(calendar: Calendar, now: datetime, where: str = "") -> Calendar:
    """The calendar with what its country and its file say until the end of the third year.

    Raises ``Refused`` with the field that cannot be read; ``where`` stands before its name.
    """
    if not calendar.country and not calendar.ical:
        return replace(calendar, found=(), found_until=None, found_by="")
    years = range(now.year - YEARS_BACK, now.year + YEARS_AHEAD + 1)
    # Here, for the libraries take a tenth of a second, which houses without holidays are spared.
    from gateway.flow.closed_days import closed_days  # noqa: PLC0415

    found = closed_days(calendar, years, where)
    return replace(
        calendar,
        found=tuple(found[key] for key in sorted(found)),
        found_until=date(years[-1], 12, 31),
        found_by=known_by(),
    )


# -- once a day ---------------------------------------------------------------------------------


class Feasts:
    """Keeps the holidays of all calendars fresh; one node does (the duty ``holidays``)."""

    def __init__(
        self, ledger: Ledger, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._ledger = ledger
        self._sleep = sleep

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await self._sleep(FIRST_SECONDS)
        while True:
            await self.look()
            await self._sleep(EVERY_SECONDS)

    async def look(self) -> int:
        """Find those anew that do not reach two years ahead; how many calendars changed."""
        now = self._ledger.clock.now()
        changes: list[e.Change] = []
        for calendar in [*self._ledger.state.timetable.calendars.values()]:
            if not calendar.country and not calendar.ical:
                continue
            until = calendar.found_until
            reaches = until is not None and until.year >= now.year + YEARS_AHEAD
            if reaches and calendar.found_by == known_by():
                continue
            try:
                fresh = await asyncio.to_thread(with_holidays, calendar, now)
            except Refused as refused:
                _log.warning("no holidays", calendar=calendar.name, problem=refused.detail)
                continue
            except Exception:  # noqa: BLE001 - one calendar's failure, not the others'
                _log.exception("no holidays", calendar=calendar.name)
                continue
            # Somebody may have declared it anew meanwhile.
            known = self._ledger.state.timetable.calendars.get(calendar.name)
            if fresh != calendar and known == calendar:
                changes.append(e.Change(e.CalendarDefined(calendar=fresh, by="system")))
        if not changes or not self._ledger.writable:
            return len(changes)
        found = record_of_each(self._ledger, changes, lambda one: [one], "holidays not recorded")
        _log.info("holidays were found anew", calendars=found)
        return found
