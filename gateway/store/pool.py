"""Connections: to whichever server is the primary now, and never to one that was.

A DSN with several hosts is not failover by itself: asyncpg spends one time-out on all of them,
and a frozen old primary still calls itself primary. ``Connector`` asks every host at once, gives
each a second, takes the primary with the highest timeline and never goes back to a lower one. It
shares what it knows with the other connectors of the store through ``links.Sight``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import structlog
from asyncpg.connect_utils import SessionAttribute
from msgspec import Struct

from gateway.store.contract import Unavailable
from gateway.store.links import Link, Sight
from gateway.store.trouble import FAILED

# In quotes: generic to the type checker only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

HOST_SECONDS = 1.0
ONLY_HOST_SECONDS = 10.0
POOL_SIZE = 10
PATIENCE_SECONDS = 5.0
"""For how long a primary may be away before callers are told; a crash costs two to four seconds."""
LOOK_AGAIN_SECONDS = 0.2
HOPELESS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""A wrong name or password, a database that is not there."""
GRACE_SECONDS = 0.1
"""What a host that was silent the last time still gets once another has proved to be primary."""

_log = structlog.get_logger("database")

# A transaction that its client forgot must not keep locks from a takeover.
SESSION = {"application_name": "switchroom", "idle_in_transaction_session_timeout": "2s"}
# The writer joins arrays with tables by key, always: a plan made while a table was small would
# read all of it once it is large.
WRITER_SESSION = {
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
WHERE_AM_I = """
SELECT CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
       END
"""


class Host(Struct, frozen=True):
    """One server of a DSN; an empty name means what the driver takes by default."""

    name: str = ""
    port: int | None = None


class Asked(Protocol):
    """What ``Connector`` needs of a connection (a test passes its own)."""

    async def fetchval(self, query: str) -> Any: ...

    def terminate(self) -> None: ...


Open = Callable[[Host], Awaitable[Any]]


class Connector:
    """Opens connections to the primary.

    While there is none, one caller looks and the others wait for what it finds, so that an outage
    costs the servers that are left a look each 0.2 s, however many want to be served. For the
    first ``patience`` seconds of an outage callers wait for the next primary, then they are told.
    """

    def __init__(
        self,
        hosts: list[Host],
        open_one: Open,
        *,
        seconds: float | None = None,
        sight: Sight | None = None,
        patience: float = 0.0,
    ) -> None:
        self.hosts = hosts
        self.open_one = open_one
        self.seconds = seconds or (HOST_SECONDS if len(hosts) > 1 else ONLY_HOST_SECONDS)
        self.sight = sight or Sight()
        self._patience = patience

    async def first(self, patience: float) -> Any:
        """The first connection: a server that begins, or changes hands, is waited for.

        Raises ``Unavailable`` after ``patience`` seconds, or at once when every host refuses us.
        """
        loop = asyncio.get_running_loop()
        until, told = loop.time() + patience, False
        while True:
            try:
                return await self.connect()
            except Unavailable as problem:
                if loop.time() >= until or self.sight.hopeless.issuperset(self.hosts):
                    raise
                if not told:
                    told = True
                    _log.warning("waiting for the database", reason=str(problem), most=patience)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def connect(self, patience: float | None = None) -> Any:
        """A connection to the primary. Raises ``Unavailable`` with what each host said.

        ``patience``: seconds of an outage to wait out, if not the connector's own.
        """
        patience = self._patience if patience is None else patience
        while True:
            found = await (self._look() if self.sight.absent_since is None else self._look_once())
            if not isinstance(found, Unavailable):
                return found
            if not self._may_come_back(patience):
                raise found
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _may_come_back(self, patience: float) -> bool:
        since = self.sight.absent_since
        now = asyncio.get_running_loop().time()
        return self.sight.timeline > 0 and (since is None or now - since < patience)

    async def _look_once(self) -> Any:
        """Look, unless somebody does: then what they find is our answer too."""
        if (looking := self.sight.looking) is not None:
            await looking.wait()
            if self.sight.absent_since is None:
                return await self._look()
            return Unavailable(self.sight.problem)
        self.sight.looking = looking = asyncio.Event()
        try:
            return await self._look()
        finally:
            self.sight.looking = None
            looking.set()

    async def _look(self) -> Any:
        """A connection, or ``Unavailable``; not raised, for that ends some callers only."""
        asked = await self._ask_all()
        reached = [(timeline, con) for timeline, con in asked if not isinstance(con, str)]
        best = max((timeline for timeline, _ in reached), default=0)
        chosen = None
        for timeline, con in reached:
            if chosen is None and timeline == best >= max(self.sight.timeline, 1):
                chosen = con
            else:
                con.terminate()
        if chosen is not None:
            self.sight.took(chosen, best)
            self.sight.absent_since = None
            return chosen
        if self.sight.absent_since is None:
            self.sight.absent_since = asyncio.get_running_loop().time()
        self.sight.problem = f"no primary database: {self._why(asked)}"
        return Unavailable(self.sight.problem)

    async def _ask_all(self) -> list[tuple[int, Any]]:
        asking: list[asyncio.Task[tuple[int, Any]]] = []
        try:
            async with asyncio.TaskGroup() as group:
                asking = [group.create_task(self._ask(host)) for host in self.hosts]
                await self._leave_the_silent(asking)
        except BaseException:
            for one in asking:  # nobody takes what has been opened by now
                if one.done() and not one.cancelled() and one.exception() is None:
                    con = one.result()[1]
                    if not isinstance(con, str):
                        con.terminate()
            raise
        return [(0, "no answer") if one.cancelled() else one.result() for one in asking]

    async def _leave_the_silent(self, asking: Sequence[asyncio.Task[tuple[int, Any]]]) -> None:
        """Once there is a primary, wait no second for hosts that are known to be silent.

        A frozen server would cost each new connection its second. Should it wake as the primary
        of a higher timeline, the lookout sees that and cuts what was opened meanwhile.
        """
        pairs = zip(self.hosts, asking, strict=True)
        talking = [one for host, one in pairs if host not in self.sight.silent]
        if not talking or len(talking) == len(asking):
            return
        done, _ = await asyncio.wait(talking)
        timelines = [one.result()[0] for one in done if not one.cancelled()]
        if max(timelines, default=0) >= max(self.sight.timeline, 1):
            _, left = await asyncio.wait(asking, timeout=GRACE_SECONDS)
            for one in left:
                one.cancel()

    async def _ask(self, host: Host) -> tuple[int, Any]:
        """The host's timeline (0: a standby) and a connection, or what went wrong, in words."""
        try:
            async with asyncio.timeout(self.seconds):
                con = await self.open_one(host)
                try:
                    timeline = int(await con.fetchval(WHERE_AM_I))
                except BaseException:
                    con.terminate()
                    raise
        except TimeoutError:
            self.sight.silent.add(host)
            self.sight.hopeless.discard(host)
            return 0, f"no answer within {self.seconds:.0f} s"
        except (*FAILED, Unavailable) as problem:
            self.sight.silent.discard(host)
            if isinstance(problem, HOPELESS):
                self.sight.hopeless.add(host)
            return 0, str(problem) or type(problem).__name__
        self.sight.silent.discard(host)
        return timeline, con

    def _why(self, asked: list[tuple[int, Any]]) -> str:
        said = []
        for host, (timeline, con) in zip(self.hosts, asked, strict=True):
            if isinstance(con, str):
                what = con
            elif timeline == 0:
                what = "a standby"
            else:
                what = f"timeline {timeline}, but {self.sight.timeline} was seen"
            said.append(f"{host.name or 'local'}: {what}")
        return "; ".join(said)


def hosts_of(dsn: str) -> list[Host]:
    """The servers a libpq URI names, in its authority or its query."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    authority = parts.netloc.rpartition("@")[2]
    if "host" in query:
        names = query["host"][0].split(",")
        ports = query.get("port", [""])[0].split(",")
        if len(ports) == 1:
            ports *= len(names)
        return [Host(n, int(p) if p else None) for n, p in zip(names, ports, strict=True)]
    return [_host(part) for part in authority.split(",")]


def _host(part: str) -> Host:
    name, _, port = part.rpartition(":") if _has_port(part) else (part, "", "")
    return Host(unquote(name.strip("[]")), int(port) if port else None)


def _has_port(part: str) -> bool:
    return part.rpartition("]")[2].count(":") == 1


def connector(
    dsn: Callable[[], str],
    hosts: list[Host],
    session: Mapping[str, str],
    sight: Sight | None = None,
) -> Connector:
    """A connector for real servers; ``dsn`` is asked each time, for a socket may move."""

    async def open_one(host: Host) -> Connection:
        where: dict[str, Any] = {"host": host.name or None, "port": host.port}
        if len(hosts) == 1:
            where = {}  # the DSN says it all
        con: Connection = await asyncpg.connect(
            dsn(),
            **where,
            target_session_attrs=SessionAttribute.any,  # we look ourselves
            server_settings={**SESSION, **session},
            connection_class=Link,
        )
        try:
            await _set_codecs(con)
        except BaseException:
            con.terminate()
            raise
        return con

    return Connector(hosts, open_one, sight=sight, patience=PATIENCE_SECONDS)


async def open_pool(connect: Connector, *, size: int = POOL_SIZE) -> Pool:
    """A pool whose members all come from ``connect``. Raises ``Unavailable``."""

    async def give(*_args: Any, **_kwargs: Any) -> Connection:
        con: Connection = await connect.connect()
        return con

    # No floor: asyncpg would log a traceback each time that it cannot keep one.
    return await asyncpg.create_pool(
        connect=give, min_size=0, max_size=size, max_inactive_connection_lifetime=300.0
    )


async def _set_codecs(con: Connection) -> None:
    """JSON is bytes that we encode and decode ourselves; ids are text where SQL says so.

    A codec of our own for ``uuid`` would forbid arrays of rows, which the commits are made of;
    asyncpg takes text for it as it is, and the queries give ``id::text``.
    """
    await con.set_type_codec(
        "json", schema="pg_catalog", encoder=_same, decoder=bytes, format="binary"
    )
    await con.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


def _same(doc: bytes) -> bytes:
    return doc


def _to_jsonb(doc: bytes) -> bytes:
    return b"\x01" + doc  # the version of the binary form


def _from_jsonb(data: bytes) -> bytes:
    return bytes(data[1:])
