"""PostgreSQL made highly available by Patroni, as plain processes on loopback.

Two (or three) PostgreSQL 18 servers from the wheel, a Patroni for each and its own Raft between
them, with a voter more so that two are a majority; no etcd, no packages beyond PyPI's. Settings
are those of docs/failover.md. Everything stands in one folder of its own and ends with us.

    async with running_cluster() as cluster:
        await asyncpg.connect(cluster.dsn)
        await cluster.kill_member(await cluster.primary())
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
import yaml
from msgspec import Struct

from gateway.store.account import Account, account_for
from gateway.store.embedded import binaries
from gateway.store.pool import WHERE_AM_I
from tests.support.orphans import end_all, guard, processes_in, send
from tests.support.ports import free_port

T = TypeVar("T")

NAME = "switchroom"
START_SECONDS = 120.0
ASKED_SECONDS = 1.0

DCS = {
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 3,
    "failsafe_mode": True,
    "synchronous_mode": True,
    "primary_start_timeout": 0,
    "maximum_lag_on_failover": 16 << 20,
}
PARAMETERS = {
    "wal_sender_timeout": "3s",
    "wal_receiver_timeout": "3s",
    "max_connections": 80,
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "wal_keep_size": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


class Member(Struct, eq=False):
    """One PostgreSQL with its Patroni."""

    name: str
    folder: Path
    port: int
    rest: int
    raft: int
    patroni: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rest}"

    def postgres(self) -> list[int]:
        """The live processes of its PostgreSQL."""
        return processes_in(self.data)

    def words(self) -> str:
        """The end of its logs, for whoever asks why."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs)


class PatroniCluster:
    """The servers, and what a bad night does to them. Nothing here is bound to an event loop."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = ("a", "b"),
        *,
        dcs: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.members = [
            Member(name, folder / name, free_port(), free_port(), free_port()) for name in names
        ]
        self._voter_port = free_port()
        self._voter: subprocess.Popen[bytes] | None = None
        self._dcs = {**DCS, **(dcs or {})}
        self._parameters = {**PARAMETERS, **(parameters or {})}
        self._password = secrets.token_hex(8)
        self._account = self._account_for(folder)

    @property
    def dsn(self) -> str:
        """All servers, as the documents tell an operator to write it."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return self.dsn_of(hosts)

    def dsn_of(self, hosts: str) -> str:
        """The same with other hosts: one member, or proxies before them."""
        return f"postgresql://{NAME}:{self._password}@{hosts}/{NAME}?target_session_attrs=primary"

    # -- living -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Return once every member is in its place and commits wait for a standby."""
        self._start_voter()
        for member in self.members:
            self._configure(member)
            self.start_member(member)
        await self.whole()
        await self._make_database(await self.primary())

    def stop(self) -> None:
        """End everything, frozen or not; nobody needs these rows."""
        for member in self.members:
            send(self._all_of(member), signal.SIGCONT)
        end_all(self.folder)
        for process in (self._voter, *(member.patroni for member in self.members)):
            if process is not None:
                process.wait(10)

    def start_member(self, member: Member) -> None:
        """Start its Patroni, which starts or rejoins its PostgreSQL."""
        member.patroni = self._spawn("patroni", member.folder / "patroni.yaml")

    # -- asking -----------------------------------------------------------------------------

    async def status(self, member: Member) -> dict[str, Any]:
        """What its Patroni says of it; empty if it says nothing."""
        return await _get(f"{member.url}/patroni")

    async def role_is(self, member: Member, role: str) -> bool:
        """Whether it is a running ``primary`` or ``replica``."""
        status = await self.status(member)
        return status.get("role") == role and status.get("state") == "running"

    async def primary(self) -> Member:
        """The member that is primary on the highest timeline, as the servers themselves say."""
        asked = await asyncio.gather(*(self.timeline(member) for member in self.members))
        best = max(range(len(asked)), key=lambda n: asked[n])
        if asked[best] == 0:
            raise RuntimeError(f"there is no primary\n{self.words()}")
        return self.members[best]

    async def standby(self) -> Member:
        """A member that is not the primary."""
        primary = await self.primary()
        return next(member for member in self.members if member is not primary)

    async def timeline(self, member: Member) -> int:
        """The timeline it writes on; 0 if it is a standby or does not answer."""
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                con = await self.connect(member)
                try:
                    return int(await con.fetchval(WHERE_AM_I))
                finally:
                    con.terminate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return 0

    async def connect(
        self, member: Member, *, database: str = "postgres"
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection of the superuser to this very server."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=member.port,
            user="postgres",
            password=self._password,
            database=database,
        )

    async def whole(self, seconds: float = START_SECONDS) -> None:
        """Wait for one primary, the others streaming from it, one of them synchronous."""
        await self.until(self._is_whole, "the cluster to be whole", seconds)

    async def _is_whole(self) -> bool:
        asked = await asyncio.gather(*(_get(f"{m.url}/cluster") for m in self.members))
        views = [
            sorted(
                (m["name"], m.get("role", ""), m.get("state", ""), m.get("timeline", 0))
                for m in view.get("members", ())
            )
            for view in asked
        ]
        if any(len(view) != len(self.members) or view != views[0] for view in views):
            return False
        roles = sorted(role for _, role, _, _ in views[0])
        wanted = ["leader"] + ["replica"] * (len(self.members) - 2)
        wanted.append("sync_standby" if self._dcs["synchronous_mode"] else "replica")
        good = all(state in {"running", "streaming"} for _, _, state, _ in views[0])
        return good and roles == sorted(wanted) and len({view[3] for view in views[0]}) == 1

    async def until(
        self, holds: Callable[[], Awaitable[T]], what: str, seconds: float = START_SECONDS
    ) -> T:
        """Ask until the answer is true. Raises ``TimeoutError`` with everybody's logs."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := await holds():
                return answer
            await asyncio.sleep(0.05)
        raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.words()}")

    def words(self) -> str:
        return "\n".join(f"== {member.name}\n{member.words()}" for member in self.members)

    # -- a bad night ------------------------------------------------------------------------

    def kill_postgres(self, member: Member) -> None:
        """kill -9 of every process of the server; its Patroni lives."""
        send(member.postgres(), signal.SIGKILL)

    def kill_member(self, member: Member) -> None:
        """The whole machine gone: server and Patroni, at the same moment."""
        send(self._all_of(member), signal.SIGKILL)
        if member.patroni is not None:
            member.patroni.wait(10)
            member.patroni = None

    def freeze(self, member: Member, *, only_patroni: bool = False) -> None:
        """SIGSTOP; connections stay open and nobody answers. Patroni first, for it would act."""
        send(self._patroni_of(member), signal.SIGSTOP)
        if not only_patroni:
            send(member.postgres(), signal.SIGSTOP)

    def thaw(self, member: Member) -> None:
        """SIGCONT; everybody goes on where they were, not knowing of the gap."""
        send(member.postgres(), signal.SIGCONT)
        send(self._patroni_of(member), signal.SIGCONT)

    async def switchover(self, to: Member) -> None:
        """The planned form: ask for it and return once ``to`` writes."""
        leader = await self.primary()
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                f"{leader.url}/switchover",
                json={"leader": leader.name, "candidate": to.name},
                timeout=aiohttp.ClientTimeout(total=60),
            ) as answer,
        ):
            if answer.status >= 300:
                raise RuntimeError(f"switchover: {answer.status} {await answer.text()}")
        await self.until(lambda: self.timeline(to), f"{to.name} to be the primary")

    # -- processes --------------------------------------------------------------------------

    def _all_of(self, member: Member) -> list[int]:
        # Patroni first: what it sees die, it would report or start again.
        return [*self._patroni_of(member), *member.postgres()]

    def _patroni_of(self, member: Member) -> list[int]:
        process = member.patroni
        return [process.pid] if process is not None and process.poll() is None else []

    def _spawn(self, program: str, config: Path) -> "subprocess.Popen[bytes]":
        words = [str(Path(sys.executable).with_name(program)), str(config)]
        with (config.parent / f"{program}.log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                self._account.command(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=config.parent,
                start_new_session=True,
                **self._account.popen_arguments(),  # type: ignore[call-overload]
            )
        return process

    def _environment(self) -> dict[str, str]:
        # Whom we run as cannot write beside the modules, and compiling them again takes seconds.
        cache = str(self.folder / "pyc")
        path = os.environ.get("PATH", "")
        return {"PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONPYCACHEPREFIX": cache}

    def _start_voter(self) -> None:
        folder = self.folder / "voter"
        self._own(folder)
        raft = {
            "data_dir": str(folder),
            "self_addr": f"127.0.0.1:{self._voter_port}",
            "partner_addrs": [f"127.0.0.1:{member.raft}" for member in self.members],
        }
        config = folder / "voter.yaml"
        config.write_text(yaml.safe_dump({"raft": raft}))
        self._voter = self._spawn("patroni_raft_controller", config)

    def _configure(self, member: Member) -> None:
        self._own(member.folder)
        others = [m.raft for m in self.members if m is not member]
        login = {"username": "postgres", "password": self._password}
        config = {
            "scope": NAME,
            "name": member.name,
            "restapi": _address(member.rest),
            "raft": {
                "data_dir": str(member.folder / "raft"),
                "self_addr": f"127.0.0.1:{member.raft}",
                "partner_addrs": [f"127.0.0.1:{p}" for p in (*others, self._voter_port)],
            },
            "bootstrap": {
                "dcs": {**self._dcs, "postgresql": {"use_pg_rewind": True, "use_slots": True}},
                "initdb": [
                    {"encoding": "UTF8"},
                    {"locale-provider": "builtin"},
                    {"builtin-locale": "C.UTF-8"},
                    {"locale": "C"},
                    "data-checksums",
                ],
            },
            "postgresql": {
                **_address(member.port),
                "data_dir": str(member.data),
                "bin_dir": str(binaries()),
                "pgpass": str(member.folder / "pgpass"),
                "authentication": {"superuser": login, "replication": login, "rewind": login},
                "basebackup": [{"checkpoint": "fast"}],
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
                "parameters": {
                    **self._parameters,
                    "unix_socket_directories": str(member.folder),
                },
            },
        }
        (member.folder / "patroni.yaml").write_text(yaml.safe_dump(config))

    async def _make_database(self, member: Member) -> None:
        con = await self.connect(member)
        try:
            await con.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD '{self._password}'")
            # To see whether there is a second copy; see docs/failover.md.
            await con.execute(f"GRANT pg_monitor TO {NAME}")
            await con.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")
        finally:
            await con.close()

    def _account_for(self, folder: Path) -> Account:
        """PostgreSQL refuses root: whom to run as, able to reach our Python wherever it is."""
        python = Path(sys.executable)
        needed = (folder, binaries() / "postgres", python, python.resolve())
        return account_for(folder / "none", needed)

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(folder, self._account.uid, self._account.gid)


@asynccontextmanager
async def running_cluster(
    names: Sequence[str] = ("a", "b"), **settings: Any
) -> AsyncIterator[PatroniCluster]:
    """A cluster that is whole; gone afterwards, also when we are killed."""
    folder = Path(tempfile.mkdtemp(prefix="patroni-"))
    watcher = guard(folder)
    cluster: PatroniCluster | None = None
    try:
        cluster = PatroniCluster(folder, names, **settings)
        os.chown(folder, cluster._account.uid, cluster._account.gid)
        await cluster.start()
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        watcher.communicate()


def _address(port: int) -> dict[str, str]:
    return {"listen": f"127.0.0.1:{port}", "connect_address": f"127.0.0.1:{port}"}


async def _get(url: str) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(url, timeout=aiohttp.ClientTimeout(total=ASKED_SECONDS)) as answer,
        ):
            found = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig() -> AsyncIterator[PatroniCluster]:
    """One for all tests of a module: it takes half a minute to start."""
    async with running_cluster() as cluster:
        yield cluster


@pytest.fixture
async def cluster(rig: PatroniCluster) -> PatroniCluster:
    """Whole again, whatever the test before did to it."""
    await rig.whole()
    return rig
