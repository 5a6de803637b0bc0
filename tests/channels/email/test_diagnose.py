"""What answers at a port, and what is said of settings that do not fit it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from channels.email.diagnose import about_certificate, listen_to, wrong_with
from channels.email.imap import connect
from channels.email.settings import Imap, Security
from gateway.core.errors import Unreachable
from tests.support.ports import free_port
from tests.support.tls import certificate, client_context, server_context

pytestmark = pytest.mark.integration


@asynccontextmanager
async def server(
    banner: str, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(banner.encode())
        with suppress(OSError):
            await reader.read(1)

    writers: list[asyncio.StreamWriter] = []
    running = await asyncio.start_server(serve, host, 0, ssl=context)
    async with running:
        yield running.sockets[0].getsockname()[1]
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def told(protocol: Any, port: int, security: Security) -> str:
    heard = await listen_to("127.0.0.1", port, security)
    return wrong_with(protocol, "127.0.0.1", port, security, heard)


async def test_a_port_in_the_clear_is_told_from_one_that_begins_with_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.email.diagnose.QUIET_SECONDS", 0.2)
    context = server_context(certificate(tmp_path))
    async with server("* OK hi\r\n") as plain, server("* OK hi\r\n", context) as secure:
        assert await told("IMAP", plain, "starttls") == ""
        assert await told("IMAP", secure, "tls") == ""
        wrong = await told("IMAP", plain, "tls")
        assert wrong.startswith(f'127.0.0.1:{plain} begins without TLS, and security is "tls"')
        wrong = await told("IMAP", secure, "starttls")
        assert wrong.startswith(f"127.0.0.1:{secure} speaks TLS from the start, and security is")
        assert "587" in await told("SMTP", plain, "starttls")


@pytest.mark.parametrize(
    ("banner", "protocol", "said"),
    [
        ("220 mx ESMTP\r\n", "IMAP", "speaks SMTP ('220 mx ESMTP')"),
        ("* OK Dovecot\r\n", "SMTP", "speaks IMAP"),
        ("+OK POP3 ready\r\n", "IMAP", "speaks POP3"),
        ("220-mx first line\r\n", "SMTP", ""),
        ("554 not you\r\n", "SMTP", ""),
    ],
)
async def test_another_protocol_is_named(banner: str, protocol: str, said: str) -> None:
    async with server(banner) as port:
        wrong = await told(protocol, port, "none")
    assert said in wrong if said else wrong == ""


async def test_nobody_there_is_told_with_where_it_usually_is() -> None:
    wrong = await told("IMAP", free_port(), "tls")
    assert wrong.startswith("nothing listens at 127.0.0.1:")
    assert "993" in wrong
    nowhere = await listen_to("no-such-host.invalid", 993, "tls")
    assert nowhere.why == "there is no machine called no-such-host.invalid"


async def test_what_is_wrong_with_a_certificate_is_said_in_words(tmp_path: Path) -> None:
    files = certificate(tmp_path)

    async def fault(host: str, context: ssl.SSLContext) -> str:
        async with server("* OK hi\r\n", server_context(files), host) as port:
            said = Imap(host=host, port=port, user="me", password="pw")
            with pytest.raises(Unreachable) as caught:
                await connect(said, 100_000, context)
            return about_certificate(caught.value, host)

    unknown = await fault("127.0.0.1", ssl.create_default_context())
    assert "nobody whom this machine trusts has signed the certificate of 127.0.0.1" in unknown
    assert "is for another name" in await fault("127.0.0.2", client_context(files))
    assert about_certificate(Unreachable("gone"), "h") == ""
