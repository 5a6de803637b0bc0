"""``switchroom erasures``: who was erased, for a backup that is older than that."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.core.ids import CustomerId
    from gateway.store.erasing import Erasure


def erasures(*, config: Path | None = None) -> None:
    """Print the ids of all customers who were erased, oldest first; `restore --erasures` reads it.

    Keep it beside your backups, but not in them: a backup does not know what was erased later.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    for one in asyncio.run(_erasures(needed_settings(config))):
        print(f"{one.customer}  {one.at:%Y-%m-%dT%H:%M:%SZ}")


async def _erasures(settings: "Settings") -> "list[Erasure]":
    from gateway.cli.access import reached
    from gateway.store.erasing import erasures

    async with reached(settings) as con:
        return await erasures(con)


def read_erasures(file: Path) -> "list[CustomerId]":
    """The ids that ``switchroom erasures`` has printed. Raises ``Failed``."""
    from gateway.core.ids import CustomerId

    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{file} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not (words := line.split()) or words[0].startswith("#"):
            continue
        try:
            found.append(CustomerId(str(UUID(words[0]))))
        except ValueError as error:
            raise Failed(f"{file}, line {number}: {words[0]!r} is no customer's id") from error
    return found
