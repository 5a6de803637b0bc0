"""``switchroom restore``: an installation out of one file."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.settings import needed_settings

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.store.backup import Backup


def restore(file: Path, *, config: Path | None = None) -> None:
    """Put a backup into the configured database, which must be empty; no node may run on it.

    The file is checked first: from one that is damaged or cut off nothing is taken.

    Parameters
    ----------
    file
        What `switchroom backup` wrote.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    found = asyncio.run(_restore(settings, file))
    made = f"{found.head.made_at:%Y-%m-%d %H:%M:%S} UTC"
    print(f"Restored {found.manifest.rows:,} rows as of {made} ({found.head.program}).")
    print(f"What was acknowledged after {made} is not in it; mail that is still in its mailbox is")
    print("read again. Start the node: switchroom run")


async def _restore(settings: "Settings", file: Path) -> "Backup":
    from gateway.cli.access import reached
    from gateway.cli.progress import Lines
    from gateway.store.backup import check_schema, read_backup, restore

    found = read_backup(file, Lines())
    check_schema(found.head)
    async with reached(settings, alone=True) as con:
        await restore(con, found, Lines())
    return found
