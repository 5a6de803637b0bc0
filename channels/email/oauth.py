"""Access tokens for XOAUTH2 (RFC 6749): fetched when needed, kept until shortly before expiry."""

import asyncio
from typing import Any

import aiohttp

from channels.email.settings import OAuth2
from channels.email.text import one_line
from gateway.core.errors import BadCredentials, Unreachable
from gateway.ports import Clock

_EARLY = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=20)


class TokenSource:
    """Tokens of one client registration."""

    def __init__(self, settings: OAuth2, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token that is good for a minute at least.

        Raises ``BadCredentials`` when the provider refuses us, ``Unreachable`` otherwise.
        """
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                answer = await self._ask()
                self._token = str(answer["access_token"])
                seconds = float(answer.get("expires_in") or 300)
                self._until = self._clock.monotonic() + max(0.0, seconds - _EARLY)
            return self._token

    def forget(self) -> None:
        """The server did not take it: fetch another one next time."""
        self._token = ""

    async def _ask(self) -> dict[str, Any]:
        said = self._settings
        form = {"client_id": said.client_id, "grant_type": "client_credentials"}
        if said.refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": said.refresh_token}
        if said.client_secret:
            form["client_secret"] = said.client_secret
        if said.scope:
            form["scope"] = said.scope
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(said.token_url, data=form, allow_redirects=False) as response,
            ):
                status, answer = response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as fault:
            raise Unreachable(f"{said.token_url}: {fault or type(fault).__name__}") from fault
        if status == 200 and isinstance(answer, dict) and answer.get("access_token"):
            return answer
        why = (
            answer.get("error_description") or answer.get("error")
            if isinstance(answer, dict)
            else ""
        )
        if status in {400, 401, 403}:
            raise BadCredentials(
                f"{said.token_url} refuses us: {one_line(str(why), 200)}; check oauth2.client_id, "
                "client_secret and refresh_token (consent may have been withdrawn)"
            )
        raise Unreachable(f"{said.token_url} answered {status} {one_line(str(why), 200)}")
