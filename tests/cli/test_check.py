"""What a check spends it keeps: it takes part in the sharing of refresh tokens, or spends none."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from channels.email import Settings
from channels.email.settings import Imap, OAuth2, Smtp
from gateway.cli.check import _Away, _try_channels
from gateway.config import Settings as Configuration
from gateway.core.ids import ChannelName
from tests.support import oauth
from tests.support.mailworld import Journal
from tests.support.oauth import Authority
from tests.support.ports import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
async def imap() -> AsyncIterator[int]:
    """A server that lets nobody in."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello\r\n")
        while line := await reader.readline():
            writer.write(line.split(b" ")[0] + b" NO not you\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def provider() -> AsyncIterator[Authority]:
    async with oauth.authority() as running:
        running.answers = [{"access_token": "a", "expires_in": 900, "refresh_token": "rt1"}]
        yield running


def mailbox(imap: int, provider: Authority) -> Settings:
    oauth2 = OAuth2(token_url=f"{provider.url}/token", client_id="app", refresh_token="rt0")
    return Settings(
        name=ChannelName("mail"),
        address="help@shop.example",
        imap=Imap(host="127.0.0.1", port=imap, user="help", security="none", oauth2=oauth2),
        smtp=Smtp(host="127.0.0.1", port=free_port(), security="none"),
    )


async def test_a_refresh_token_that_comes_of_a_check_is_kept_where_the_nodes_keep_it(
    imap: int, provider: Authority
) -> None:
    journal = Journal()
    found = await _try_channels([mailbox(imap, provider)], Configuration(), journal, send=False)
    assert "refuses help: not you" in str(found[0].fix)
    assert [asked["refresh_token"] for asked in provider.asked] == ["rt0"]
    (kept,) = journal.memory.values()
    assert b'"rt1"' in kept


async def test_while_the_database_is_away_none_is_spent(imap: int, provider: Authority) -> None:
    found = await _try_channels([mailbox(imap, provider)], Configuration(), _Away(), send=False)
    assert "the database cannot be reached" in str(found[0].fix)
    assert provider.asked == []
