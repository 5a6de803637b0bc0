"""A real PostgreSQL for tests: one embedded server per run, one database per test.

Import the fixtures into a ``conftest.py``. ``database`` is the DSN of a database of the test's own,
copied from a migrated template; ``store`` is an open store on it.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from gateway.store import embedded
from gateway.store.embedded import EmbeddedServer
from gateway.store.migrate import migrate
from gateway.store.opening import Store, open_store
from gateway.store.pool import connector, hosts_of

TEMPLATE = "template_switchroom"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """One server for the whole run; its own directory, gone afterwards."""
    patch = pytest.MonkeyPatch()
    # These databases live for a test each: nobody needs them after a power cut.
    patch.setattr(embedded, "SAFE", embedded.SAFE | {"fsync": "off"})
    with tempfile.TemporaryDirectory(prefix="switchroom-") as folder:
        server = EmbeddedServer(Path(folder))
        asyncio.run(server.start())
        try:
            asyncio.run(_make_template(server))
            yield server
        finally:
            asyncio.run(server.stop())
            patch.undo()


@pytest.fixture
async def database(postgres_server: EmbeddedServer) -> AsyncIterator[str]:
    """The DSN of a fresh, migrated database."""
    name = f"test_{uuid4().hex}"
    await _administer(postgres_server, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
    yield _dsn(postgres_server, name)
    await _administer(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open store on a fresh database."""
    async with open_store(dsn=database) as opened:
        yield opened


async def _make_template(server: EmbeddedServer) -> None:
    await _administer(server, f'CREATE DATABASE "{TEMPLATE}"')
    dsn = _dsn(server, TEMPLATE)
    con = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
    await migrate(con)
    await con.close()


async def _administer(server: EmbeddedServer, sql: str) -> None:
    con = await asyncpg.connect(_dsn(server, "postgres"))
    try:
        await con.execute(sql)
    finally:
        await con.close()


def _dsn(server: EmbeddedServer, name: str) -> str:
    return server.dsn.replace("/switchroom?", f"/{name}?")
