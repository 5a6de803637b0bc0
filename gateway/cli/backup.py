"""``switchroom backup``: everything, in one file."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gateway.cli.settings import needed_settings

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.store.backup import Head, Manifest

STDOUT = "-"


def backup(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)], *, config: Path | None = None
) -> None:
    """Write all that the database holds into one file, whether a node runs or not.

    It holds customers' words and hashes of passwords, and the secrets of channels that were made on
    the admin page: nobody but its owner may read it. The configuration file is not in it.

    Parameters
    ----------
    file
        The file to make; what is there already is not written over. With - it goes to stdout.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    head, manifest = asyncio.run(_backup(settings, file))
    where = "written" if file == STDOUT else f"{file} is whole"
    print(
        f"{where}: {manifest.rows:,} rows in {len(manifest.tables)} tables,"
        f" as of {head.made_at:%Y-%m-%d %H:%M:%S} UTC",
        file=sys.stderr,
    )


async def _backup(settings: "Settings", file: str) -> "tuple[Head, Manifest]":
    from gateway.cli.access import reached
    from gateway.cli.progress import Lines
    from gateway.store.backup import NewFile, read_backup, write_backup

    async with reached(settings) as con:
        if file == STDOUT:
            return await write_backup(con, sys.stdout.buffer, Lines())
        with NewFile(Path(file)) as out:
            found = await write_backup(con, out, Lines())
    await asyncio.to_thread(read_backup, Path(file), Lines())
    return found
