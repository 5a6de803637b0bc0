"""Access tokens for XOAUTH2 (RFC 6749): fetched when needed, kept until shortly before expiry.

A provider may hand out a new refresh token with each access token (Microsoft does) and let the old
one lapse after a while. The newest is kept in the channel's memory, which every node reads; the
one in the configuration is where it begins, and a changed one there begins anew.
"""

import asyncio
from hashlib import sha256
from typing import Any

import aiohttp
import structlog

from channels.email.settings import OAuth2
from channels.email.text import one_line
from gateway.core.errors import BadCredentials, Refused, Unreachable
from gateway.core.ids import ChannelName
from gateway.ports import ChannelMemory, Clock, Memory

_EARLY = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_log = structlog.get_logger("channels")


class RefreshTokens:
    """The newest refresh token of one configured one, for all nodes."""

    def __init__(self, memory: ChannelMemory, channel: ChannelName, clock: Clock) -> None:
        self._memory, self._channel, self._clock = memory, channel, clock
        self._unsaved: dict[str, str] = {}

    async def newest(self, configured: str) -> str:
        """Raises ``Unreachable`` while it cannot be known."""
        if (late := self._unsaved.get(configured)) is not None:
            await self.keep(configured, late)
            return late
        try:
            known = await self._memory.load(self._channel, _key(configured))
        except Refused as refused:
            raise Unreachable(f"the newest refresh token is not known: {refused}") from refused
        return known.decode() if known else configured

    async def keep(self, configured: str, token: str) -> None:
        """On disk when this returns; a database that is away gets it the next time."""
        moment = int(self._clock.now().timestamp() * 1000)
        memory = Memory(key=_key(configured), value=token.encode(), progress=moment)
        try:
            await self._memory.save(self._channel, memory)
        except Refused as refused:
            self._unsaved[configured] = token
            _log.warning("a new refresh token is not yet stored", reason=str(refused))
        else:
            self._unsaved.pop(configured, None)


def _key(configured: str) -> str:
    return f"oauth:{sha256(configured.encode()).hexdigest()[:32]}"


class TokenSource:
    """Tokens of one client registration."""

    def __init__(
        self, settings: OAuth2, clock: Clock, refreshing: RefreshTokens | None = None
    ) -> None:
        self._settings, self._clock = settings, clock
        self._refreshing = refreshing
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token that is good for a minute at least.

        Raises ``BadCredentials`` when the provider refuses us, ``Unreachable`` otherwise.
        """
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                answer = await self._refreshed()
                self._token = str(answer["access_token"])
                seconds = float(answer.get("expires_in") or 300)
                self._until = self._clock.monotonic() + max(0.0, seconds - _EARLY)
            return self._token

    def forget(self) -> None:
        """The server did not take it: fetch another one next time."""
        self._token = ""

    async def _refreshed(self) -> dict[str, Any]:
        configured, refreshing = self._settings.refresh_token, self._refreshing
        if not configured or refreshing is None:
            return await self._ask(configured)
        used = await refreshing.newest(configured)
        try:
            answer = await self._ask(used)
        except BadCredentials:
            # Another node may have been given a new one just now, which ended this one.
            newer = await refreshing.newest(configured)
            if newer == used:
                raise
            used, answer = newer, await self._ask(newer)
        fresh = answer.get("refresh_token")
        if isinstance(fresh, str) and fresh and fresh != used:
            await refreshing.keep(configured, fresh)
        return answer

    async def _ask(self, refresh_token: str) -> dict[str, Any]:
        said = self._settings
        form = {"client_id": said.client_id, "grant_type": "client_credentials"}
        if refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
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
