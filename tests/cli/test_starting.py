"""A node that cannot start ends at once, with code 1 and one line that says what to do."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import NodeProcess

pytestmark = pytest.mark.integration


@pytest.fixture
def busy() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield int(one.getsockname()[1])


def written(tmp_path: Path, node: str, http: str) -> Path:
    file = tmp_path / "switchroom.toml"
    file.write_text(f"[node]\ndata_dir = {node!r}\n[http]\nlisten = {http!r}\n")
    return file


def started(file: Path) -> tuple[int, str, str]:
    """Run it to its end; code, stdout and the last line on stderr."""
    words = [sys.executable, "-m", "gateway", "run", "--config", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()[-1]


def test_a_busy_port(tmp_path: Path, busy: int, database: str) -> None:
    file = written(tmp_path, str(tmp_path / "node"), f"127.0.0.1:{busy}")
    with file.open("a") as config:
        config.write(f"[store]\ndsn = {database!r}\n")
    code, said, told = started(file)
    assert (code, said) == (1, "")
    assert told == (
        f"switchroom: 127.0.0.1:{busy} is in use: stop what listens there, or choose another"
        " http.listen"
    )


def test_a_data_dir_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    folder = tmp_path / "file" / "node"
    code, said, told = started(written(tmp_path, str(folder), "127.0.0.1:0"))
    assert (code, said) == (1, "")
    assert told.startswith(f"switchroom: cannot write to {folder}: Not a directory; node.data_dir")


async def test_a_data_dir_that_another_node_has(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, [])
    await node.start()
    try:
        file = written(tmp_path, str(node.data_dir), "127.0.0.1:0")
        code, said, told = await asyncio.to_thread(started, file)
        assert (code, said) == (1, "")
        assert f"in use by another switchroom (process {node.pid})" in told
    finally:
        await node.stop()
        await node.clean_up()


async def test_a_name_that_a_living_node_has(tmp_path: Path, database: str) -> None:
    store = {"store": {"dsn": database}}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = NodeProcess(tmp_path / "one", [], sections=store)
    two = NodeProcess(tmp_path / "two", [], sections=store)
    await one.start()
    try:
        with pytest.raises(RuntimeError):
            await two.start()
        assert await two.ended() == 1
        last = two.log.read_text().splitlines()[-1]
        assert last.startswith("switchroom: node 'test-1' is running already (")
        assert f"process {one.pid}, {one.url}" in last
        assert (await one.call("GET", "/readyz"))["status"] == "ok"
        assert "begins anew" not in one.log.read_text()
        await one.stop()
        await two.start()  # the name is free at once: the first has said goodbye
    finally:
        await two.stop()
        await one.stop()
