"""Opens the store: the database if it is ours to start, its schema, its connections.

``async with open_store(data_dir=…, dsn=…) as store:`` is the whole life of it. Within, tasks keep
the embedded server running and watch the links to the database and whether it has a second copy;
leaving stops them in order.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import uuid_utils
from msgspec import Struct, field

from gateway.core.ids import NewId
from gateway.store.bell import BELL_SESSION, PgWires
from gateway.store.capacity import PgCapacity
from gateway.store.cluster import PgCluster
from gateway.store.colleagues import PgColleagues
from gateway.store.contacts import PgContacts
from gateway.store.contract import Unavailable
from gateway.store.directory import PgDirectory
from gateway.store.duties import PgDuties
from gateway.store.embedded import NAME, EmbeddedServer
from gateway.store.fence import Fence
from gateway.store.files import Files
from gateway.store.handover import PgHandover
from gateway.store.homes import PgHomes
from gateway.store.installation import PgChannels, PgNodes, PgSettings
from gateway.store.intervals import PgIntervals
from gateway.store.journal import PgJournal
from gateway.store.keys import PgKeys
from gateway.store.labels import PgLabels
from gateway.store.links import LinkWatch, Sight
from gateway.store.listing import PgListing
from gateway.store.lookout import Lookout
from gateway.store.lookup import PgLookup
from gateway.store.migrate import migrate
from gateway.store.paces import PgPaces
from gateway.store.people import PgPeople
from gateway.store.pool import (
    POOL_SIZE,
    WRITER_SESSION,
    Pool,
    connector,
    hosts_of,
    open_pool,
)
from gateway.store.queries import Queries
from gateway.store.relay import PgRelay
from gateway.store.reports import PgReports
from gateway.store.retention import PgRetention
from gateway.store.search import PgSearch
from gateway.store.tail import PgTail
from gateway.store.tokens import PgTokens
from gateway.store.upkeep import Upkeep
from gateway.store.wallboard import PgWallboard
from gateway.store.writer import Writer


class Store(Struct):
    """Everything that is kept, by aggregate. Good inside ``open_store`` only."""

    journal: PgJournal
    cluster: PgCluster
    duties: PgDuties
    upkeep: Upkeep
    homes: PgHomes
    relay: PgRelay
    handover: PgHandover
    lookup: PgLookup
    files: Files
    tokens: PgTokens
    people: PgPeople
    listing: PgListing
    skills: PgLabels
    codes: PgLabels
    reports: PgReports
    intervals: PgIntervals
    search: PgSearch
    keys: PgKeys
    nodes: PgNodes
    capacity: PgCapacity
    channels: PgChannels
    settings: PgSettings
    retention: PgRetention
    wires: PgWires
    tail: PgTail
    contacts: PgContacts
    paces: PgPaces
    directory: PgDirectory
    colleagues: PgColleagues
    wallboard: PgWallboard
    pool: Pool
    sql: Queries
    dsn: str
    server: EmbeddedServer | None = None
    lookout: Lookout | None = None
    sight: Sight = field(default_factory=Sight)

    def trouble(self) -> str:
        """Why the database does not take what is written, in a sentence; empty if it does."""
        return (self.server.trouble if self.server else "") or self.sight.why()


def new_id() -> str:
    """A UUIDv7 as text."""
    return str(uuid_utils.uuid7())


@asynccontextmanager
async def open_store(
    *,
    data_dir: Path | str | None = None,
    dsn: str | None = None,
    pool_size: int = POOL_SIZE,
    make_id: NewId = new_id,
    patience: float = 0.0,
) -> AsyncIterator[Store]:
    """The store at ``dsn``, or in ``data_dir`` by an embedded PostgreSQL if there is no DSN.

    A database that is not there yet is waited for, ``patience`` seconds. Raises ``CannotStart``,
    ``Unavailable``, ``BadSchema``, each with what to do.
    """
    async with AsyncExitStack() as stack:
        server = None
        where: Callable[[], str]
        if dsn:
            where = _always(dsn)
        elif data_dir is not None:
            server = EmbeddedServer(Path(data_dir))
            await server.start()
            stack.push_async_callback(server.stop)
            await create_database(server.dsn)
            where = _socket_of(server)
        else:
            raise ValueError("open_store needs a dsn or a data_dir")
        hosts = hosts_of(where())
        sight = Sight()
        connect = connector(where, hosts, {}, sight)
        con = await connect.first(patience)
        try:
            await migrate(con)
        finally:
            await con.close(timeout=5.0)
        pool = await open_pool(connect, size=pool_size)
        stack.push_async_callback(_close, pool)
        sql = Queries.load()
        writer = Writer(connector(where, hosts, WRITER_SESSION, sight))
        stack.push_async_callback(writer.close)
        files = Files(pool, sql, make_id)
        fence = Fence(connect, pool, sql)
        store = Store(
            journal=PgJournal(pool=pool, writer=writer, fence=fence, sql=sql, new_id=make_id),
            cluster=PgCluster(pool=pool, fence=fence, sql=sql),
            duties=PgDuties(pool, sql),
            upkeep=Upkeep(pool, sql),
            homes=PgHomes(pool, sql),
            relay=PgRelay(pool, sql),
            handover=PgHandover(pool, sql),
            lookup=PgLookup(pool, sql, files),
            files=files,
            tokens=PgTokens(pool, sql),
            people=PgPeople(pool, sql, make_id),
            listing=PgListing(pool, sql),
            skills=PgLabels(pool, sql, "skill"),
            codes=PgLabels(pool, sql, "code"),
            reports=PgReports(pool, sql),
            intervals=PgIntervals(pool, sql),
            search=PgSearch(pool, sql),
            keys=PgKeys(pool, sql),
            nodes=PgNodes(pool, sql),
            capacity=PgCapacity(pool, sql),
            channels=PgChannels(pool, sql),
            settings=PgSettings(pool, sql),
            retention=PgRetention(pool, sql),
            wires=PgWires(connector(where, hosts, BELL_SESSION, sight), sql),
            tail=PgTail(pool, sql),
            contacts=PgContacts(pool, sql),
            paces=PgPaces(pool, sql),
            directory=PgDirectory(pool, sql),
            colleagues=PgColleagues(pool, sql),
            wallboard=PgWallboard(pool, sql),
            pool=pool,
            sql=sql,
            dsn=where(),
            server=server,
            lookout=None if server else Lookout(connect, sql),
            sight=sight,
        )
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(LinkWatch(sight, connect.connect, sql).run(), name="store:links"),
            ]
            if store.lookout is not None:
                tasks.append(group.create_task(store.lookout.run(), name="store:lookout"))
            if server is not None:
                tasks.append(group.create_task(server.keep(), name="store:keep"))
            problem: Exception | None = None
            try:
                yield store
            except Exception as raised:  # noqa: BLE001 - raised again below, not in a group of one
                problem = raised
            finally:
                for task in tasks:
                    task.cancel()
        if problem is not None:
            raise problem


async def create_database(dsn: str) -> None:
    """An embedded cluster is new: it has no database of ours yet."""
    try:
        con = await asyncpg.connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        con = await asyncpg.connect(dsn, database="postgres")
        try:
            await con.execute(f'CREATE DATABASE "{NAME}"')
        finally:
            await con.close()
    else:
        await con.close()


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(5.0):
            await pool.close()
    except (TimeoutError, OSError, asyncpg.InterfaceError, Unavailable):
        pool.terminate()


def _always(dsn: str) -> Callable[[], str]:
    return lambda: dsn


def _socket_of(server: EmbeddedServer) -> Callable[[], str]:
    return lambda: server.dsn
