"""A real PostgreSQL for tests: one embedded server and one migrated database per worker.

The fixtures are there for every test (``tests/conftest.py``). ``database`` is the DSN of that
database, emptied for the test; ``store`` is an open store on it. (A copy for each test costs a
thousand files.)
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.core.edition import EDITION
from gateway.store import embedded
from gateway.store.embedded import EmbeddedServer
from gateway.store.fence import Fence
from gateway.store.journal import PgJournal
from gateway.store.migrate import migrate
from gateway.store.opening import Store, create_database, new_id, open_store
from gateway.store.pool import WRITER_SESSION, connector, hosts_of
from gateway.store.writer import Writer

# Rows are few: deleting them is quicker than new files for every table and index.
EMPTY = f"""
UPDATE edition SET newest = {EDITION}, written = {EDITION};
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT tablename FROM pg_tables
             WHERE schemaname = 'public'
               AND tablename NOT IN ('schema_migration', 'counter', 'edition')
    LOOP EXECUTE format('DELETE FROM ONLY %I', t); END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """One server for the whole run; its own directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as folder:
        server = EmbeddedServer(Path(folder))
        with pytest.MonkeyPatch.context() as patch:
            # These rows live for a test each: nobody needs them after a power cut.
            patch.setattr(embedded, "SAFE", embedded.SAFE | {"fsync": "off"})
            asyncio.run(server.start())
        try:
            asyncio.run(_migrate(server))
            yield server
        finally:
            asyncio.run(server.stop())


@pytest.fixture
async def database(postgres_server: EmbeddedServer) -> str:
    """The DSN of an empty, migrated database."""
    con = await asyncpg.connect(postgres_server.dsn)
    try:
        await con.execute(EMPTY)
    finally:
        await con.close()
    return postgres_server.dsn


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open store on a fresh database."""
    async with open_store(dsn=database) as opened:
        yield opened


async def _migrate(server: EmbeddedServer) -> None:
    await create_database(server.dsn)
    con = await connector(lambda: server.dsn, hosts_of(server.dsn), {}).connect()
    await migrate(con)
    await con.close()


class Incarnations:
    """Nodes' ways to write, several over one store's database; a call makes one more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writers: list[Writer] = []

    def __call__(self) -> tuple[PgJournal, Fence]:
        store = self._store
        hosts = hosts_of(store.dsn)
        writer = Writer(connector(lambda: store.dsn, hosts, WRITER_SESSION))
        self._writers.append(writer)
        fence = Fence(connector(lambda: store.dsn, hosts, {}), store.pool, store.sql)
        journal = PgJournal(
            pool=store.pool, writer=writer, fence=fence, sql=store.sql, new_id=new_id
        )
        return journal, fence

    async def close(self) -> None:
        await asyncio.gather(*(writer.close() for writer in self._writers))


@pytest.fixture
async def incarnations(store: Store) -> AsyncIterator[Incarnations]:
    """More nodes over ``store``'s database."""
    made = Incarnations(store)
    yield made
    await made.close()
