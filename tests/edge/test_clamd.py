"""Uploads that a scanner looks at, with a daemon that speaks as clamd(8) does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.clamd import Clamd
from gateway.core.errors import Refused
from gateway.flow.conversations import FileShelf
from gateway.ports import File
from tests.support.flownode import new_tables
from tests.support.memory_store import MemoryStore

BAD = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
LIMIT = 100_000


async def clamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """``INSTREAM``, with a limit as ``StreamMaxLength`` sets one."""
    assert await reader.readexactly(10) == b"zINSTREAM\0"
    data, answer = b"", b"stream: OK\0"
    while size := int.from_bytes(await reader.readexactly(4), "big"):
        data += await reader.readexactly(size)
        if len(data) > LIMIT:
            answer = b"INSTREAM size limit exceeded. ERROR\0"
            break
    if BAD in data:
        answer = b"stream: Eicar-Test-Signature FOUND\0"
    await hang_up(writer, answer)


async def hang_up(writer: asyncio.StreamWriter, answer: bytes) -> None:
    with suppress(ConnectionError):
        writer.write(answer)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def listening() -> AsyncIterator[str]:
    server = await asyncio.start_server(clamd, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def test_what_is_harmless_is_kept_and_what_is_not_is_refused_with_its_name() -> None:
    store = MemoryStore(new_tables())
    shelf = FileShelf(store)
    async with listening() as address:
        shelf.scan = Clamd(address, 5.0).scan
        kept = await shelf.put(File(name="a", type="text/plain", data=b"hi" * 40_000), "eva")
        with pytest.raises(Refused, match="Eicar-Test-Signature") as refused:
            await shelf.put(File(name="b", type="text/plain", data=b"hi" * 9 + BAD), "eva")
    assert refused.value.code == "infected"
    assert list(store.tables.files) == [kept.id]


async def test_a_daemon_behind_a_socket_of_the_machine_is_asked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "clamd.ctl"
    async with await asyncio.start_unix_server(clamd, path):
        assert await Clamd(f"unix:{path}", 5.0).scan(BAD) == "Eicar-Test-Signature"


async def test_what_nobody_could_look_at_is_not_taken() -> None:
    async with listening() as address:
        with pytest.raises(Refused) as too_large:
            await Clamd(address, 5.0).scan(bytes(10 * LIMIT))
    with pytest.raises(Refused) as nobody_there:
        await Clamd(address, 5.0).scan(b"hi")

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await hang_up(writer, b"")

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Refused) as no_answer:
            await Clamd(f"127.0.0.1:{port}", 0.1).scan(b"hi")
    codes = {one.value.code for one in (too_large, nobody_there, no_answer)}
    assert codes == {"unavailable"}
