"""The PostgreSQL from the wheel: first start, second start, orphans, leftovers, locks, names."""

import asyncio
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store import account as account_module
from gateway.store import sockets
from gateway.store.account import Account, CannotStart, account_for, closed_to
from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import create_database
from gateway.store.postmaster import Postmaster, read_postmaster
from gateway.store.sockets import socket_directory

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory for one server; whatever still runs in it is stopped afterwards."""
    yield tmp_path
    left = read_postmaster(tmp_path / "pg18")
    if left is not None and left.runs():
        os.kill(left.pid, signal.SIGQUIT)
        while left.runs():
            pass


async def answer(server: EmbeddedServer, sql: str) -> object:
    await create_database(server.dsn)
    con = await asyncpg.connect(server.dsn)
    try:
        return await con.fetchval(sql)
    finally:
        await con.close()


@pytest.mark.integration
async def test_it_starts_stops_and_keeps_what_it_has(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    await server.start()
    await answer(server, "CREATE TABLE kept AS SELECT 'Ö' AS x")
    await server.stop()
    assert read_postmaster(data_dir / "pg18") is None

    await server.start()
    try:
        assert await answer(server, "SELECT x FROM kept") == "Ö"
    finally:
        await server.stop()


@pytest.mark.integration
async def test_it_is_a_safe_database_without_surprises_of_locale(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    await server.start()
    try:
        shown = {
            name: await answer(server, f"SHOW {name}")
            for name in (
                "fsync",
                "full_page_writes",
                "synchronous_commit",
                "listen_addresses",
                "server_encoding",
                "timezone",
                "data_checksums",
                "shared_buffers",
            )
        }
        collate = (
            "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'switchroom'"
        )
        assert shown == {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "timezone": "UTC",
            "data_checksums": "on",
            "shared_buffers": "256MB",
        }
        assert await answer(server, collate) == "bC.UTF-8"
        assert await answer(server, "SELECT 'ÄÖ' ILIKE 'äö'") is True
        folder = (data_dir / "run").stat()
        assert stat.S_IMODE(folder.st_mode) == 0o700
    finally:
        await server.stop()


HOLDER = """
import asyncio, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.integration
async def test_a_second_node_is_refused_and_the_orphan_of_a_killed_one_is_adopted(
    data_dir: Path,
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(data_dir), stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    said = await holder.stdout.readline()
    while not said.strip().isdigit():
        said = await holder.stdout.readline()
    second = EmbeddedServer(data_dir)
    with pytest.raises(CannotStart, match=rf"in use by another switchroom \(process {holder.pid}"):
        await second.start()

    holder.kill()
    await holder.wait()
    await second.start()
    try:
        assert second.pid == int(said)
        assert await answer(second, "SELECT 1") == 1
    finally:
        await second.stop()
    assert read_postmaster(data_dir / "pg18") is None


@pytest.mark.integration
async def test_a_stale_file_whose_number_another_process_has_is_no_obstacle(
    data_dir: Path,
) -> None:
    server = EmbeddedServer(data_dir)
    await server.start()
    pid_file = data_dir / "pg18" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    await server.start()
    try:
        assert server.pid != os.getpid()
    finally:
        await server.stop()


@pytest.mark.integration
async def test_half_a_cluster_from_an_interrupted_first_start_is_made_anew(
    data_dir: Path,
) -> None:
    (data_dir / "pg18.new" / "base").mkdir(parents=True)
    server = EmbeddedServer(data_dir)
    await server.start()
    await server.stop()
    assert not (data_dir / "pg18.new").exists()


@pytest.mark.integration
async def test_a_deep_directory_has_its_socket_elsewhere(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = data_dir / ("d" * 60) / ("e" * 60)
    server = EmbeddedServer(deep)
    await server.start()
    try:
        assert await answer(server, "SELECT 1") == 1
    finally:
        await server.stop()


@root
@pytest.mark.integration
async def test_root_needs_no_open_home(data_dir: Path) -> None:
    closed = data_dir / "home"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "var")
    await server.start()
    try:
        assert await answer(server, "SELECT 1") == 1
        assert (closed / "var" / "pg18").stat().st_uid != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        await server.stop()


@root
def test_without_the_capability_the_error_names_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(account_module, "_capabilities", lambda: 0)
    with pytest.raises(CannotStart, match=rf"chmod o\+x {closed}"):
        account_for(closed / "pg18", [closed / "pg18"])


@root
def test_a_directory_that_belongs_to_somebody_keeps_its_owner(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    cluster = tmp_path / "pg18"
    cluster.mkdir()
    os.chown(cluster, nobody.pw_uid, nobody.pw_gid)
    assert account_for(cluster, []).uid == nobody.pw_uid


def test_a_closed_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    somebody = Account(uid=54_321, gid=54_321)
    assert tmp_path / "a" in closed_to(somebody, tmp_path / "a" / "b" / "c")
    owner = Account(uid=os.geteuid(), gid=os.getegid())
    assert tmp_path / "a" not in closed_to(owner, tmp_path / "a" / "b" / "c")


def test_a_socket_is_never_put_where_somebody_else_could_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Account(uid=os.geteuid(), gid=os.getegid())
    (tmp_path / "trap").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "trap")
    safe = tmp_path / "safe"
    monkeypatch.setattr(sockets, "_candidates", lambda _: iter([tmp_path / "run", safe]))
    assert socket_directory(tmp_path, me) == safe

    monkeypatch.setattr(sockets, "_candidates", lambda _: iter([tmp_path / "run"]))
    with pytest.raises(CannotStart, match="symbolic link"):
        socket_directory(tmp_path, me)


def test_a_file_being_written_is_no_server_yet(tmp_path: Path) -> None:
    assert read_postmaster(tmp_path) is None
    (tmp_path / "postmaster.pid").write_text("12")
    assert read_postmaster(tmp_path) is None
    (tmp_path / "postmaster.pid").write_text("12\n/x\n1\n5432\n/run/x\n\n 1 2\nready   \n")
    assert read_postmaster(tmp_path) == Postmaster(12, tmp_path, Path("/run/x"), ready=True)


def test_a_dead_number_is_no_server(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not Postmaster(child.pid, tmp_path, tmp_path, ready=True).runs()
