"""The store in PostgreSQL, and the one in memory that the simulation runs on, are alike."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.store.fence import Fence
from gateway.store.journal import PgJournal
from gateway.store.opening import Store, new_id
from gateway.store.pool import WRITER_SESSION, connector, hosts_of
from gateway.store.writer import Writer
from tests.store.conformance import Opened, Opens, StoreConformance
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


@pytest.mark.integration
class TestPostgres(StoreConformance):
    @pytest.fixture
    async def opens(self, store: Store) -> AsyncIterator[Opens]:
        writers: list[Writer] = []

        def where() -> str:
            return store.dsn

        async def open_one() -> Opened:
            hosts = hosts_of(store.dsn)
            writer = Writer(connector(where, hosts, WRITER_SESSION), store.sql["backend_state"])
            writers.append(writer)
            fence = Fence(connector(where, hosts, {}), store.pool, store.sql)
            journal = PgJournal(
                pool=store.pool, writer=writer, fence=fence, sql=store.sql, new_id=new_id
            )
            return Opened(journal, store.lookup)

        yield open_one
        await asyncio.gather(*(writer.close() for writer in writers))


class TestMemory(StoreConformance):
    @pytest.fixture
    def opens(self) -> Opens:
        tables = Tables(new_id)

        async def open_one() -> Opened:
            store = MemoryStore(tables)
            return Opened(store, store)

        return open_one
