"""``switchroom facts``: what reports count, brought up to date or made anew."""

import asyncio
from pathlib import Path

from gateway.cli.access import dsn_of, quiet
from gateway.cli.settings import needed_settings
from gateway.failures import Failed


def update(*, config: Path | None = None) -> None:
    """Count what the journal has and reports do not know yet, as the node does every half minute.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    _count(config, anew=False)


def rebuild(*, config: Path | None = None) -> None:
    """Count all that the journal still tells from its beginning; what is older stays as it is.

    Reports show only part of it until that is done. A node may run meanwhile.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    _count(config, anew=True)


def _count(config: Path | None, *, anew: bool) -> None:
    quiet()
    dsn = dsn_of(needed_settings(config))
    if dsn is None:
        raise Failed("no node runs with this configuration: start one with `switchroom run`")
    entries, cases = asyncio.run(_counted(dsn, anew=anew))
    print(f"Counted {entries:,} entries of the journal; facts of {cases:,} cases were made.")


async def _counted(dsn: str, *, anew: bool) -> tuple[int, int]:
    from gateway.cli.progress import Lines
    from gateway.insight.catchup import steps

    lines, entries, cases = Lines(), 0, 0
    lines.begins("facts", 0)
    async for step in steps(dsn, anew=anew):
        entries, cases = entries + step.entries, cases + step.cases
    lines.ends(entries)
    return entries, cases
