"""``switchroom migrate``: the database's schema, brought up to date."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.settings import needed_settings

if TYPE_CHECKING:
    from gateway.config import Settings


def migrate(*, config: Path | None = None) -> None:
    """Apply what is missing, under a lock; a node does the same when it starts.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    number, name = asyncio.run(_migrate(needed_settings(config)))
    print(f"The schema is at {number:04d} ({name}).")


async def _migrate(settings: "Settings") -> tuple[int, str]:
    from gateway.cli.access import opened

    async with opened(settings) as store:
        row = await store.pool.fetchrow(
            "SELECT number, name FROM schema_migration ORDER BY number DESC LIMIT 1"
        )
    return (row["number"], row["name"]) if row is not None else (0, "nothing")
