"""``switchroom move``: from the embedded PostgreSQL to another one."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings

STOP_SECONDS = 60.0
"""Beside ``node.drain_seconds``: how long a node may take to end."""


def move(
    *,
    to: Annotated[str, Parameter(env_var="SWITCHROOM_MOVE_TO")],
    config: Path | None = None,
    yes: bool = False,
) -> None:
    """Stop the node, copy everything to another PostgreSQL, compare, and say what to configure.

    The other database must be empty. If anything goes wrong the embedded one is as it was.

    Parameters
    ----------
    to
        The other database: postgresql://USER:PASSWORD@HOST/NAME; better by SWITCHROOM_MOVE_TO, for
        everybody on a machine can read command lines.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    yes
        Stop a running node without asking.
    """
    settings = needed_settings(config)
    if settings.store.dsn:
        raise Failed(
            "store.dsn names a database already, and move is from the embedded one: use"
            " `switchroom backup` and `switchroom restore`, or PostgreSQL's own tools"
        )
    rows = asyncio.run(_move(settings, to, yes=yes))
    print(f"Moved {rows:,} rows; every table was compared. Put this into the configuration:")
    print('\n[store]\ndsn = { env = "SWITCHROOM_DSN" }   # the address that you gave with --to\n')
    print(f"and start the node. The old database stays in {settings.node.data_dir} and does not")
    print("start any more; remove it when you no longer want to look at it.")


async def _move(settings: "Settings", to: str, *, yes: bool) -> int:
    from gateway.cli.access import connected, reached
    from gateway.cli.progress import Lines
    from gateway.store.embedded import EmbeddedServer
    from gateway.store.moving import move, require_target

    async with connected(to) as target:
        async with reached(settings) as source:
            await require_target(source, target)
        _stop_node(settings, yes=yes)
        async with reached(settings, alone=True) as source:
            rows = await move(source, target, Lines())
            EmbeddedServer(Path(settings.node.data_dir)).retire(_named(to))
    return rows


def _stop_node(settings: "Settings", *, yes: bool) -> None:
    """End the node that has the data directory, if one runs. Raises ``Failed``."""
    from gateway.store.embedded import EmbeddedServer

    server = EmbeddedServer(Path(settings.node.data_dir))
    holder = server.holder()
    if holder is None:
        return
    if not yes and not _agreed(holder):
        raise Failed("nothing was moved: the node must be stopped first (--yes stops it)")
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + settings.node.drain_seconds + STOP_SECONDS
    while server.holder() is not None:
        if time.monotonic() > deadline:
            raise Failed(f"process {holder} does not end; nothing was moved")
        time.sleep(0.1)


def _agreed(holder: int) -> bool:
    if not sys.stdin.isatty():
        return False
    question = f"A node runs (process {holder}). Stop it and move? [y/N] "
    return input(question).strip().lower() in ("y", "yes")


def _named(dsn: str) -> str:
    """A database without its password."""
    from urllib.parse import urlsplit

    parts = urlsplit(dsn)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
