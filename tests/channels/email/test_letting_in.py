"""An admin's sign-in at a provider, over two nodes, against an authorisation server on loopback."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from channels.email.letting_in import LettingIn
from channels.email.settings import OAuth2
from channels.email.tokens import SharedTokens
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from tests.support import oauth
from tests.support.mailworld import Journal
from tests.support.oauth import Authority

pytestmark = pytest.mark.integration
MAIL = ChannelName("mail")
BACK = "http://127.0.0.1:1/back"


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def on(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class World:
    def __init__(self, authority: Authority) -> None:
        self.authority, self.journal, self.clock = authority, Journal(), Hand()
        self.said = OAuth2(
            token_url=f"{authority.url}/token",
            authorize_url=f"{authority.url}/authorize",
            device_url=f"{authority.url}/device",
            client_id="app",
            scope="mail",
            consent=True,
        )

    def node(self, said: OAuth2 | None = None) -> LettingIn:
        tokens = SharedTokens(self.journal, MAIL, self.clock)
        return LettingIn(said or self.said, tokens, self.journal, MAIL, self.clock)

    async def refresh(self) -> str:
        return (await SharedTokens(self.journal, MAIL, self.clock).load(self.said)).sign.refresh


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with oauth.authority() as authority:
        yield World(authority)


async def test_a_code_is_shown_by_one_node_and_asked_about_by_another(world: World) -> None:
    one, two = world.node(), world.node()
    assert (await one.look()).state == "none"
    begun = await one.begin("code", BACK)
    assert (begun.state, begun.code, begun.url) == (
        "waiting",
        "AB-12",
        f"{world.authority.url}/type",
    )
    world.authority.answers = [
        {"error": "authorization_pending"},
        {"error": "slow_down"},
        {"error": "gone"},
        {"access_token": "a", "refresh_token": "rt"},
    ]
    assert (await two.look()).state == "waiting"
    assert world.authority.asked == [], "not before the provider wants to be asked"
    seen = []
    for _ in range(3):
        world.clock.on(10)
        seen.append(await two.look())
    assert [one.every for one in seen] == [5, 10, 10]
    assert [bool(one.reason) for one in seen] == [False, False, True], "a broken line is told"
    world.clock.on(10)
    assert (await one.look()).state == "granted"
    assert await world.refresh() == "rt"
    assert (await two.look()).state == "granted"


async def test_a_code_that_nobody_types_or_that_is_refused_ends_in_words(world: World) -> None:
    node = world.node()
    await node.begin("code", BACK)
    world.authority.answers = [{"error": "access_denied", "error_description": "not today"}]
    world.clock.on(6)
    assert "not today" in (await node.look()).reason
    await node.begin("code", BACK)
    world.clock.on(1_000)
    late = await node.look()
    assert (late.state, late.reason) == ("refused", "nobody signed in in time: begin again")
    stranger = OAuth2(token_url=world.said.token_url, client_id="nobody", consent=True,
                      device_url=world.said.device_url)  # fmt: skip
    refused = await world.node(stranger).begin("code", BACK)
    assert (refused.state, "check the client id" in refused.reason) == ("refused", True)
    with pytest.raises(Refused, match="authorize_url"):
        await world.node(stranger).begin("page", BACK)


async def test_a_sign_in_for_one_registration_is_none_for_another(world: World) -> None:
    other = replace(world.said, client_id="newer")
    world.authority.answers = [{"access_token": "a", "refresh_token": "rt"}]
    await world.node().begin("code", BACK)
    world.clock.on(10)
    assert (await world.node().look()).state == "granted"
    assert (await world.node(other).look()).state == "none"
    assert (await world.node().look()).state == "granted"


async def opened(url: str, **headers: str) -> dict[str, str]:
    """What the provider sends the browser back with."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        back = answer.headers["Location"]
    assert back.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


async def test_the_page_comes_back_to_any_node_once_and_a_forged_one_brings_nothing(
    world: World,
) -> None:
    begun = await world.node().begin("page", BACK)
    assert re.search(r"code_challenge_method=S256", begun.url)
    with pytest.raises(Refused, match="not the answer"):
        await world.node().came_back({"code": "stolen", "state": "mail.guessed"})
    query = await opened(begun.url)
    assert query["state"].startswith("mail.")
    assert (await world.node().came_back(query)).state == "granted"
    assert await world.refresh() == "rt"
    with pytest.raises(Refused, match="not the answer"):
        await world.node().came_back(query)
    again = await world.node().begin("page", BACK)
    denied = await world.node().came_back(await opened(again.url, deny="1"))
    assert (denied.state, denied.reason) == ("refused", "the provider says: access_denied")
    assert await world.refresh() == "rt", "what was there stays until something better comes"
