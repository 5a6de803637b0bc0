"""More databases on the tests' server: empty ones, gone after the test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import pytest

from gateway.store.embedded import NAME, EmbeddedServer
from gateway.store.pool import Connection, connector, hosts_of

Connects = Callable[[str], Awaitable[Connection]]
Makes = Callable[[], Awaitable[str]]


@pytest.fixture
async def empty_database(postgres_server: EmbeddedServer) -> AsyncIterator[Makes]:
    """Makes a database without any table; its DSN."""
    made: list[str] = []

    async def make() -> str:
        made.append(f"test_{uuid4().hex[:12]}")
        await _at_server(postgres_server, f'CREATE DATABASE "{made[-1]}"')
        return postgres_server.dsn.replace(f"@/{NAME}?", f"@/{made[-1]}?")

    yield make
    for name in made:
        await _at_server(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def connect() -> AsyncIterator[Connects]:
    """Opens connections as the store has them; closed after the test."""
    async with AsyncExitStack() as stack:

        async def one(dsn: str) -> Connection:
            con: Connection = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
            stack.callback(con.terminate)
            return con

        yield one


async def _at_server(server: EmbeddedServer, sql: str) -> None:
    con = await asyncpg.connect(server.dsn, database="postgres")
    try:
        await con.execute(sql)
    finally:
        await con.close()
