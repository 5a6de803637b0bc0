"""``switchroom export``: facts, items, segments, agents' time or events as a file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings


def export(
    what: Literal["facts", "items", "segments", "shifts", "events"],
    file: Path,
    *,
    since: str = "",
    until: str = "",
    config: Path | None = None,
) -> None:
    """Write what reports count, or the journal's events, to a file for other programs.

    Facts are as of the last count; `switchroom facts update` counts what is new.

    Parameters
    ----------
    what
        facts (what happened, by quarter of an hour and item), items (a line each), segments (from
        when to when an item waited or was in somebody's hands), shifts (agents' time), events (the
        whole audit trail).
    file
        The file to make, .csv or .parquet; what is there already is not written over.
    since
        From when on, such as 2026-11-01 or 2026-11-01T08:00:00+01:00; from the beginning unless
        given. A time without an offset is UTC.
    until
        Before when; to the end unless given.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    period = _moment(since, "--since"), _moment(until, "--until")
    rows = asyncio.run(_export(needed_settings(config), what, period, file))
    print(f"Wrote {rows:,} {'row' if rows == 1 else 'rows'} to {file}.")


async def _export(
    settings: "Settings",
    what: str,
    period: tuple[datetime | None, datetime | None],
    file: Path,
) -> int:
    from gateway.cli.access import reached
    from gateway.cli.progress import Lines
    from gateway.store.exporting import EVER, export

    span = period[0] or EVER[0], period[1] or EVER[1]
    if span[0] >= span[1]:
        raise Failed("--since: the period ends before it begins", 2)
    async with reached(settings) as con:
        return await export(con, what, span, file, Lines(unit="rows"))


def _moment(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Failed(f"{option}: {text!r} is no time such as 2026-11-01T08:00:00Z", 2) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
