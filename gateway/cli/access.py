"""What whoever may read the configuration may do: the database is the key to the house.

Where no token is configured, a short-lived one is made in the database; where no node runs, logins
are written there directly.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.store.opening import Store
    from gateway.store.pool import Connection

TOKEN_MINUTES = 5


def dsn_of(settings: "Settings") -> str | None:
    """The database: the configured one, or the embedded one if it runs."""
    if settings.store.dsn:
        return settings.store.dsn
    from gateway.store.embedded import MAJOR, NAME
    from gateway.store.postmaster import read_postmaster

    data = Path(settings.node.data_dir).expanduser().absolute()
    found = read_postmaster(data / f"pg{MAJOR}")
    if found is None or not found.ready or not found.runs():
        return None
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(found.socket_dir))}"


def minted_token(settings: "Settings") -> str:
    """An admin token for five minutes. Raises ``Failed``."""
    dsn = dsn_of(settings)
    if dsn is None:
        raise Failed("no node runs with this configuration: start one with `switchroom run`")
    return asyncio.run(_mint(dsn))


async def _mint(dsn: str) -> str:
    from datetime import UTC, datetime, timedelta

    from gateway.core.ids import AgentName
    from gateway.store.opening import new_id, open_store
    from gateway.store.views import TokenRow

    quiet()
    token = secrets.token_urlsafe(32)
    row = TokenRow(
        id=new_id(),
        principal=AgentName("command-line"),
        role="admin",
        note="made by the command line",
        expires_at=datetime.now(UTC) + timedelta(minutes=TOKEN_MINUTES),
    )
    async with open_store(dsn=dsn) as store:
        await store.tokens.add(row, sha256(token.encode()).digest())
    return token


def quiet() -> None:
    """Only warnings and worse, on stderr: what a command prints is its own."""
    from gateway import logs
    from gateway.config import LogSettings

    logs.configure(LogSettings(level="warning"))


@asynccontextmanager
async def opened(settings: "Settings") -> AsyncIterator["Store"]:
    """The store itself, for when no node runs. Raises the store's errors."""
    from gateway.store.opening import open_store

    quiet()
    dsn = dsn_of(settings)
    async with open_store(data_dir=None if dsn else settings.node.data_dir, dsn=dsn) as store:
        yield store


@asynccontextmanager
async def reached(settings: "Settings", *, alone: bool = False) -> AsyncIterator["Connection"]:
    """A connection to the configured database as it is, its schema untouched.

    ``alone``: no node may run on the embedded one meanwhile, and a new one is made if there is
    none. Raises ``Failed``, ``CannotStart``, ``Unavailable``.
    """
    from gateway.store.embedded import EmbeddedServer
    from gateway.store.opening import create_database

    quiet()
    dsn = settings.store.dsn or (None if alone else dsn_of(settings))
    if dsn:
        async with connected(dsn) as con:
            yield con
        return
    server = EmbeddedServer(Path(settings.node.data_dir))
    if not alone and not server.exists():
        raise Failed(f"there is no database in {settings.node.data_dir}: no node ever ran there")
    await server.start()
    try:
        await create_database(server.dsn)
        async with connected(server.dsn) as con:
            yield con
    finally:
        await server.stop()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["Connection"]:
    """One connection to the primary of ``dsn``. What the server says is told in a line."""
    from gateway.store.pool import connector, hosts_of
    from gateway.store.trouble import FAILED

    con: Connection = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
    try:
        yield con
    except FAILED as problem:
        raise Failed(f"the database: {problem or type(problem).__name__}") from problem
    finally:
        con.terminate()
