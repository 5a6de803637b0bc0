"""Being let into a mailbox, against an authorisation server on loopback."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from channels.email.consent import Client, by_browser, by_code
from channels.email.providers import GOOGLE, MICROSOFT, PROVIDERS, of_domain, of_exchange
from gateway.core.errors import BadCredentials
from tests.support import oauth
from tests.support.oauth import Authority

pytestmark = pytest.mark.integration


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with oauth.authority() as running:
        yield running


async def test_a_code_is_asked_for_until_it_was_typed_and_no_faster_than_wanted(
    authority: Authority,
) -> None:
    authority.answers = [
        {"error": "authorization_pending"},
        {"error": "slow_down"},
        {"error": "gone"},
        {"access_token": "a", "refresh_token": "rt"},
    ]
    shown: list[str] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert await by_code(Client(authority.grant(), "app"), shown.append, sleep=sleep) == "rt"
    assert shown == [f"Open {authority.url}/type and type the code AB-12"]
    assert slept == [5, 5, 10, 20], "a line that breaks once ends nothing"
    authority.answers = [{"error": "access_denied", "error_description": "the person said no"}]
    with pytest.raises(BadCredentials, match="the person said no"):
        await by_code(Client(authority.grant(), "app"), shown.append, sleep=sleep)
    with pytest.raises(BadCredentials, match="check the client id"):
        await by_code(Client(authority.grant(), "nobody"), shown.append, sleep=sleep)
    authority.answers = [{"error": "authorization_pending"}] * 5
    with pytest.raises(BadCredentials, match="in time"):
        await by_code(Client(authority.grant(), "app"), shown.append, sleep=sleep, patience=20)


async def follow(shown: asyncio.Queue[str], **headers: str) -> int:
    """What a browser does with the page it is told to open."""
    url = re.sub("^Open ", "", await shown.get())
    back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{back}?code=stolen&state=guessed") as forged:
            assert forged.status == 400
        async with session.get(url, headers=headers) as answer:
            return answer.status


async def test_a_page_that_comes_back_brings_the_token_and_a_forged_one_nothing(
    authority: Authority,
) -> None:
    shown: asyncio.Queue[str] = asyncio.Queue()
    client = Client(authority.grant(), "app", "secret")
    token, status = await asyncio.gather(by_browser(client, shown.put_nowait), follow(shown))
    assert (token, status) == ("rt", 200)
    assert authority.asked[0]["client_secret"] == "secret"
    denied = asyncio.gather(by_browser(client, shown.put_nowait), follow(shown, deny="1"))
    with pytest.raises(BadCredentials, match="access_denied"):
        await denied
    with pytest.raises(BadCredentials, match="in time"):
        await by_browser(client, shown.put_nowait, patience=0.01)


def test_the_provider_is_known_by_the_domain() -> None:
    assert of_domain("GMAIL.com.") is GOOGLE
    assert of_domain("outlook.com") is MICROSOFT
    assert of_domain("shop.example") is None
    assert of_exchange("aspmx.l.google.com.") is GOOGLE
    assert of_exchange("shop-example.mail.protection.outlook.com") is MICROSOFT
    assert of_exchange("notgoogle.com") is None
    everywhere = [domain for one in PROVIDERS.values() for domain in one.domains]
    assert len(everywhere) == len({*everywhere})
