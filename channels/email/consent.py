"""Being let into a mailbox by its owner: OAuth 2.0 with a browser, for ``switchroom init``.

Two ways to a refresh token: a code that is typed at the provider's page, on any device (RFC 8628),
or a page that comes back to us on loopback (RFC 8252) with a proof that it was us who asked
(PKCE, RFC 7636). Nothing is kept here.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from channels.email.providers import Grant
from channels.email.text import one_line
from gateway.core.errors import BadCredentials, Unreachable

PATIENCE_SECONDS = 900.0
"""How long a person has for the page."""
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_WAITS = frozenset({"authorization_pending", "slow_down"})
Show = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]


class Client:
    """A registration at the provider. ``secret`` may be empty: a public client."""

    def __init__(self, grant: Grant, client_id: str, secret: str = "") -> None:
        self.grant, self.id, self.secret = grant, client_id, secret

    def form(self, **more: str) -> dict[str, str]:
        """What every request says."""
        own = {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})
        return own | more


async def by_code(
    client: Client, show: Show, *, sleep: Sleep = asyncio.sleep, patience: float = PATIENCE_SECONDS
) -> str:
    """The refresh token, once the person has typed the code. Raises ``ChannelError``."""
    grant = client.grant
    status, begun = await _post(grant.device_url, {"client_id": client.id, "scope": grant.scope})
    if status != 200 or not begun.get("device_code"):
        raise BadCredentials(f"{grant.device_url}: {_why(begun, status)}; check the client id")
    where = begun.get("verification_uri") or begun.get("verification_url")
    show(f"Open {one_line(str(where), 300)} and type the code {begun.get('user_code')}")
    left = min(patience, float(begun.get("expires_in") or patience))
    pause = float(begun.get("interval") or 5)
    form = client.form(
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        device_code=str(begun["device_code"]),
    )
    while left > 0:
        await sleep(pause)  # the provider says how often it may be asked (RFC 8628 section 3.5)
        left -= pause
        status, answer = await _post(grant.token_url, form)
        error = str(answer.get("error") or "")
        if error not in _WAITS:
            return _refresh_token(answer, status, grant.token_url)
        if error == "slow_down":
            pause += 5  # RFC 8628 section 3.5
    raise BadCredentials("nobody typed the code in time: begin again")


async def by_browser(client: Client, show: Show, *, patience: float = PATIENCE_SECONDS) -> str:
    """The refresh token, once the page has come back to this machine. Raises ``ChannelError``."""
    grant = client.grant
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
        show(f"Open {_page(client, redirect, state, verifier)}")
        try:
            async with asyncio.timeout(patience):
                answer = await came
        except TimeoutError as fault:
            raise BadCredentials("nobody came back from the page in time: begin again") from fault
    finally:
        await runner.cleanup()
    if "code" not in answer:
        raise BadCredentials(f"the provider says: {_why(answer, 400)}")
    form = client.form(
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=redirect,
        code_verifier=verifier,
    )
    status, told = await _post(grant.token_url, form)
    return _refresh_token(told, status, grant.token_url)


def _page(client: Client, redirect: str, state: str, verifier: str) -> str:
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


def _refresh_token(answer: dict[str, Any], status: int, url: str) -> str:
    token = answer.get("refresh_token")
    if status == 200 and isinstance(token, str) and token:
        return token
    if status == 200:
        raise BadCredentials(
            f"{url} gave no refresh token: the registration must allow offline access"
        )
    raise BadCredentials(f"{url}: {_why(answer, status)}")


def _why(answer: dict[str, Any], status: int) -> str:
    said = answer.get("error_description") or answer.get("error") or f"HTTP {status}"
    return one_line(str(said), 300)
