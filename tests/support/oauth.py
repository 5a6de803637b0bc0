"""A provider's authorisation server on loopback: codes, pages and tokens over real HTTP."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from channels.email.providers import Grant


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
        answer = self.answers.pop(0) if self.answers else {"error": "authorization_pending"}
        if answer.get("error") == "gone":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer, status=400 if "error" in answer else 200)


@asynccontextmanager
async def authority() -> AsyncIterator[Authority]:
    """One that runs."""
    made = Authority()
    app = web.Application()
    app.router.add_post("/device", made.device)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
