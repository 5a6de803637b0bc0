"""``switchroom restore``: an installation out of one file."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.erasures import read_erasures
from gateway.cli.settings import needed_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config import Settings
    from gateway.core.ids import CustomerId
    from gateway.store.backup import Backup
    from gateway.store.erasing import Again


def restore(file: Path, *, erasures: Path | None = None, config: Path | None = None) -> None:
    """Put a backup into the configured database, which must be empty; no node may run on it.

    The file is checked first: from one that is damaged or cut off nothing is taken.

    Parameters
    ----------
    file
        What `switchroom backup` wrote.
    erasures
        What `switchroom erasures` printed since: these customers are erased again at once.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    gone = read_erasures(erasures) if erasures is not None else []
    found, again = asyncio.run(_restore(settings, file, gone))
    made = f"{found.head.made_at:%Y-%m-%d %H:%M:%S} UTC"
    print(f"Restored {found.manifest.rows:,} rows as of {made} ({found.head.program}).")
    print(f"What was acknowledged after {made} is not in it; mail that is still in its mailbox is")
    print("read again. Start the node: switchroom run")
    if gone:
        print(f"Erased again: {again.erased} of {len(gone)} customers; the others were not in it.")
    for customer, numbers in again.busy.items():
        tickets = ", ".join(f"#{number}" for number in numbers if number) or "an undecided contact"
        print(f"NOT erased: {customer}, {tickets} is open; end it, then DELETE the customer")


async def _restore(
    settings: "Settings", file: Path, gone: "Sequence[CustomerId]"
) -> "tuple[Backup, Again]":
    from gateway.cli.access import reached
    from gateway.cli.progress import Lines
    from gateway.store.backup import check_schema, read_backup, restore

    found = read_backup(file, Lines())
    check_schema(found.head)
    async with reached(settings, alone=True) as con:
        again = await restore(con, found, Lines(), gone)
    return found, again
