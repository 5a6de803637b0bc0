"""The store in PostgreSQL, and the one in memory that the simulation runs on, are alike."""

import pytest

from gateway.store.opening import Store, new_id
from tests.store.conformance import StoreConformance
from tests.store.rows import Opened, Opens
from tests.support.database import Incarnations
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


@pytest.mark.integration
class TestPostgres(StoreConformance):
    @pytest.fixture
    def opens(self, store: Store, incarnations: Incarnations) -> Opens:
        async def open_one() -> Opened:
            return Opened(incarnations()[0], store.lookup)

        return open_one


class TestMemory(StoreConformance):
    @pytest.fixture
    def opens(self) -> Opens:
        tables = Tables(new_id)

        async def open_one() -> Opened:
            store = MemoryStore(tables)
            return Opened(store, store)

        return open_one
