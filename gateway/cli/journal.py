"""``switchroom journal``: the record of all that happened, week by week."""

import asyncio
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.store.weeks import Week


def show(*, config: Path | None = None) -> None:
    """List the journal's weeks with about how many entries they have and how large they are.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    from gateway.cli.progress import amount

    for week in asyncio.run(_weeks(needed_settings(config))):
        print(f"{week.name:18} {week.rows:12,} entries {amount(week.size):>10}")


def archive(file: Path, *, before: date, config: Path | None = None, yes: bool = False) -> None:
    """Write whole weeks that ended before a day into a file, check it, then drop them.

    Parameters
    ----------
    file
        The file to make; what is there already is not written over.
    before
        The day (UTC), as 2026-01-31.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    yes
        Do not ask.
    """
    asyncio.run(_remove(needed_settings(config), before, file, yes=yes))


def drop(*, before: date, config: Path | None = None, yes: bool = False) -> None:
    """Drop whole weeks that ended before a day, for good.

    Parameters
    ----------
    before
        The day (UTC), as 2026-01-31.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    yes
        Do not ask.
    """
    asyncio.run(_remove(needed_settings(config), before, None, yes=yes))


async def _weeks(settings: "Settings") -> "list[Week]":
    from gateway.cli.access import reached
    from gateway.store.weeks import weeks

    async with reached(settings) as con:
        return await weeks(con)


async def _remove(settings: "Settings", day: date, file: Path | None, *, yes: bool) -> None:
    from gateway.cli.access import reached
    from gateway.cli.progress import Lines
    from gateway.store import weeks as old

    before = datetime.combine(day, time(), UTC)
    async with reached(settings) as con:
        names = await old.old_weeks(con, before, datetime.now(UTC))
        if not names:
            print(f"There is no whole week before {day}: nothing to do.")
            return
        if not yes and not _agreed(names, file):
            raise Failed("nothing was changed: say --yes to go on without being asked")
        rows = sum(week.rows for week in await old.weeks(con) if week.name in names)
        if file is not None:
            rows = await old.archive(con, names, file, Lines())
        await old.drop(con, names, rows, str(file or ""))
    where = f"; {file} has them" if file is not None else ""
    print(f"Dropped {names[0]} to {names[-1]}, {rows:,} entries{where}.")


def _agreed(names: list[str], file: Path | None) -> bool:
    if not sys.stdin.isatty():
        return False
    how = f"into {file}, and drop them" if file is not None else "for good"
    which = f"{names[0]} to {names[-1]}"
    return input(f"Take {which} out of the journal {how}? [y/N] ").strip().lower() in ("y", "yes")
