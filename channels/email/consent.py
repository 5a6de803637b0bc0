"""Being let into a mailbox by its owner: OAuth 2.0 with a browser.

Two ways to a refresh token: a code that is typed at the provider's page, on any device (RFC 8628),
or a page that comes back to us on loopback (RFC 8252) with a proof that it was us who asked
(PKCE, RFC 7636). Nothing is kept here.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from msgspec import Struct

from channels.email.providers import Grant
from channels.email.text import one_line
from gateway.core.errors import BadCredentials, Unreachable

PATIENCE_SECONDS = 900.0
"""How long a person has for the page."""
_TIMEOUT = aiohttp.ClientTimeout(total=20)
Show = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]


class Granted(Struct, frozen=True):
    """What consent has brought."""

    refresh: str


class Client:
    """A registration at the provider. ``secret`` may be empty: a public client."""

    def __init__(self, grant: Grant, client_id: str, secret: str = "") -> None:
        self.grant, self.id, self.secret = grant, client_id, secret

    def form(self, **more: str) -> dict[str, str]:
        """What every request says."""
        own = {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})
        return own | more


class Typing(Struct, frozen=True, kw_only=True):
    """A code that a person types at ``url``; ``every`` is how often one may ask, in seconds."""

    device_code: str
    code: str
    url: str
    seconds: float
    every: float


async def code_to_type(client: Client) -> Typing:
    """Begin with a code (RFC 8628 section 3.1). Raises ``ChannelError``."""
    grant = client.grant
    status, begun = await _post(grant.device_url, {"client_id": client.id, "scope": grant.scope})
    if status != 200 or not begun.get("device_code"):
        raise BadCredentials(f"{grant.device_url}: {_why(begun, status)}; check the client id")
    where = begun.get("verification_uri") or begun.get("verification_url")
    return Typing(
        device_code=str(begun["device_code"]),
        code=one_line(str(begun.get("user_code")), 100),
        url=one_line(str(where), 300),
        seconds=float(begun.get("expires_in") or PATIENCE_SECONDS),
        every=float(begun.get("interval") or 5),
    )


async def typed(client: Client, device_code: str) -> Granted | Literal["wait", "slower"]:
    """What came of the code, if it has been typed. Raises ``ChannelError``."""
    form = client.form(
        grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=device_code
    )
    status, answer = await _post(client.grant.token_url, form)
    error = str(answer.get("error") or "")
    if error == "authorization_pending":
        return "wait"
    return "slower" if error == "slow_down" else _granted(answer, status, client.grant.token_url)


async def by_code(
    client: Client, show: Show, *, sleep: Sleep = asyncio.sleep, patience: float = PATIENCE_SECONDS
) -> str:
    """The refresh token, once the person has typed the code. Raises ``ChannelError``."""
    begun = await code_to_type(client)
    show(f"Open {begun.url} and type the code {begun.code}")
    left, pause = min(patience, begun.seconds), begun.every
    while left > 0:
        await sleep(pause)  # the provider says how often it may be asked (RFC 8628 section 3.5)
        left -= pause
        try:
            came = await typed(client, begun.device_code)
        except Unreachable:
            pause = min(pause * 2, 60)  # RFC 8628 section 3.5: the person has typed, or will
            continue
        if not isinstance(came, str):
            return came.refresh
        if came == "slower":
            pause += 5  # RFC 8628 section 3.5
    raise BadCredentials("nobody typed the code in time: begin again")


async def by_browser(client: Client, show: Show, *, patience: float = PATIENCE_SECONDS) -> str:
    """The refresh token, once the page has come back to this machine. Raises ``ChannelError``."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    came: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def back(request: web.Request) -> web.Response:
        query = dict(request.query)
        if not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
            return web.Response(status=400, text="This is not the answer that is waited for.")
        if not came.done():
            came.set_result(query)
        return web.Response(text="Thank you. You may close this page and go back to the terminal.")

    app = web.Application()
    app.router.add_get("/", back)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        redirect = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        show(f"Open {page_of(client, redirect, state, verifier)}")
        try:
            async with asyncio.timeout(patience):
                answer = await came
        except TimeoutError as fault:
            raise BadCredentials("nobody came back from the page in time: begin again") from fault
    finally:
        await runner.cleanup()
    return (await redeemed(client, answer, redirect, verifier)).refresh


async def redeemed(
    client: Client, answer: Mapping[str, str], redirect: str, verifier: str
) -> Granted:
    """What the page that came back brings. Raises ``ChannelError``."""
    if "code" not in answer:
        raise BadCredentials(f"the provider says: {_why(dict(answer), 400)}")
    form = client.form(
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=redirect,
        code_verifier=verifier,
    )
    status, told = await _post(client.grant.token_url, form)
    return _granted(told, status, client.grant.token_url)


def page_of(client: Client, redirect: str, state: str, verifier: str) -> str:
    """The provider's page, where the person signs in and consents."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": client.id,
        "response_type": "code",
        "redirect_uri": redirect,
        "scope": client.grant.scope,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        # Without these Google gives no refresh token to who has consented before.
        "access_type": "offline",
        "prompt": "consent",
    }
    return f"{client.grant.authorize_url}?{urlencode(query)}"


async def _post(url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, data=form, allow_redirects=False) as response,
        ):
            answer = await response.json(content_type=None)
            return response.status, answer if isinstance(answer, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as fault:
        raise Unreachable(f"{url}: {fault or type(fault).__name__}") from fault


def _granted(answer: dict[str, Any], status: int, url: str) -> Granted:
    token = answer.get("refresh_token")
    if status == 200 and isinstance(token, str) and token:
        return Granted(token)
    if status == 200:
        raise BadCredentials(
            f"{url} gave no refresh token: the registration must allow offline access"
        )
    if status >= 500 or status == 429:
        raise Unreachable(f"{url}: {_why(answer, status)}")
    raise BadCredentials(f"{url}: {_why(answer, status)}")


def _why(answer: dict[str, Any], status: int) -> str:
    said = answer.get("error_description") or answer.get("error") or f"HTTP {status}"
    return one_line(str(said), 300)
