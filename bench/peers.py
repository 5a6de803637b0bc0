"""The peers on PostgreSQL: what others make durable on the same server."""

import random
import time
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from bench.work import body

JOBS_IN_A_BATCH = 500
DATABASE = "bench_peers"


async def own_database(dsn: str) -> str:
    """A database beside ours, so that nobody meets the other's tables."""
    con = await asyncpg.connect(dsn)
    try:
        await con.execute(f'DROP DATABASE IF EXISTS "{DATABASE}"')
        await con.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await con.close()
    return urlsplit(dsn)._replace(path=f"/{DATABASE}").geturl()


async def single_rows(dsn: str, seconds: float) -> float:
    """Rows a second of one connection that commits each row by itself: the floor."""
    con = await asyncpg.connect(await own_database(dsn))
    try:
        await con.execute(
            "CREATE TABLE row_by_row (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(),"
            " kind text, payload text)"
        )
        text = body(random.Random(1))
        insert = await con.prepare("INSERT INTO row_by_row (kind, payload) VALUES ($1, $2)")
        began, rows = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            await insert.fetch("message_added", text)
            rows += 1
        return rows / (time.monotonic() - began)
    finally:
        await con.close()


async def procrastinate_batches(dsn: str, seconds: float) -> float:
    """Jobs a second that procrastinate makes durable, deferred in batches."""
    import procrastinate

    own = await own_database(dsn)
    connector: Any = procrastinate.PsycopgConnector(conninfo=own, min_size=1, max_size=4)
    app = procrastinate.App(connector=connector)

    @app.task(name="work")  # type: ignore[untyped-decorator,unused-ignore]
    async def work(text: str) -> None: ...

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        text = body(random.Random(1))
        batch: list[Any] = [{"text": text} for _ in range(JOBS_IN_A_BATCH)]
        began, jobs = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            await work.batch_defer_async(*batch)
            jobs += len(batch)
        return jobs / (time.monotonic() - began)
