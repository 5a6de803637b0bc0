"""Being let into a mailbox, against an authorisation server on loopback."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from channels.email.consent import Client, by_browser, by_code
from channels.email.providers import GOOGLE, MICROSOFT, PROVIDERS, Grant, of_domain
from gateway.core.errors import BadCredentials

pytestmark = pytest.mark.integration


class Authority:
    """Gives codes and tokens as RFC 6749, 7636 and 8628 have it."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}

    def grant(self) -> Grant:
        return Grant(
            authorize_url=f"{self.url}/authorize",
            token_url=f"{self.url}/token",
            device_url=f"{self.url}/device",
            scope="mail offline_access",
        )

    async def device(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("client_id") != "app":
            return web.json_response({"error": "invalid_client"}, status=401)
        begun = {"device_code": "d", "user_code": "AB-12", "verification_uri": f"{self.url}/type"}
        return web.json_response(begun | {"expires_in": 900, "interval": 5})

    async def authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        if "deny" in request.headers:
            raise web.HTTPFound(
                f"{query['redirect_uri']}?error=access_denied&state={query['state']}"
            )
        self.codes["c1"] = query
        raise web.HTTPFound(f"{query['redirect_uri']}?code=c1&state={query['state']}")

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if form["grant_type"] == "authorization_code":
            begun = self.codes.pop(form["code"])
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            assert begun["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert begun["redirect_uri"] == form["redirect_uri"]
            return web.json_response({"access_token": "a", "refresh_token": "rt"})
        answer = self.answers.pop(0)
        if answer.get("error") == "gone":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer, status=400 if "error" in answer else 200)


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    made = Authority()
    app = web.Application()
    app.router.add_post("/device", made.device)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


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
    everywhere = [domain for one in PROVIDERS.values() for domain in one.domains]
    assert len(everywhere) == len({*everywhere})
