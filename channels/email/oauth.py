"""Access tokens for XOAUTH2 (RFC 6749): fetched when needed, kept until shortly before expiry.

A provider may hand out a new refresh token with each access token (Microsoft does) and let the old
one lapse. The newest is kept for all nodes (``tokens``); the one in the configuration is where it
begins, and a changed one there begins anew.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp

from channels.email.settings import OAuth2
from channels.email.text import one_line
from channels.email.tokens import Access, Held, SharedTokens, Sign
from gateway.core.errors import BadCredentials, ChannelError, NotLetIn, Unreachable
from gateway.ports import Clock

T = TypeVar("T")
_EARLY = 60.0
_WHERE = "an admin signs in on this channel's card in the admin pages"
_TIMEOUT = aiohttp.ClientTimeout(total=15)


class TokenSource:
    """Access tokens of one client registration. Without ``shared`` nothing is stored."""

    def __init__(self, settings: OAuth2, clock: Clock, shared: SharedTokens | None = None) -> None:
        self._settings, self._clock, self._shared = settings, clock, shared
        self._token = ""
        self._until = 0.0
        self._refused = ""
        self._spent = ""
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token that is good for a minute at least.

        Raises ``BadCredentials`` when the provider refuses us, ``NotLetIn`` while nobody has
        consented, ``Unreachable`` otherwise.
        """
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                token, seconds = await self._fetched()
                self._token, self._until = token, self._clock.monotonic() + seconds
            return self._token

    def forget(self) -> None:
        """The server did not take it: fetch another one next time."""
        self._refused, self._token = self._token, ""

    async def _fetched(self) -> tuple[str, float]:
        """A token and for how many seconds it may be used."""
        said, shared = self._settings, self._shared
        if shared is None or not (said.refresh_token or said.consent):
            answer = await self._ask(said.refresh_token)
            return str(answer["access_token"]), _lasts(answer)
        mine = await shared.my_turn(said, said.scope, self._refused)
        if isinstance(mine, Access):
            return mine.token, mine.until - self._clock.now().timestamp()
        # Cancelled in the middle it would have spent the old refresh token and dropped the new one.
        return await _to_its_end(self._in_turn(shared, mine))

    async def _in_turn(self, shared: SharedTokens, mine: Held) -> tuple[str, float]:
        said = self._settings
        try:
            answer = await self._ask_by_consent(mine.sign.refresh)
        except ChannelError:
            with suppress(Unreachable):  # then it lapses
                await shared.give_back(said, mine)
            raise
        token, seconds = str(answer["access_token"]), _lasts(answer)
        fresh = answer.get("refresh_token")
        refresh = fresh if isinstance(fresh, str) and fresh else mine.sign.refresh
        access = Access(token=token, until=self._clock.now().timestamp() + seconds)
        kept = Sign(refresh=refresh, access={**mine.sign.access, said.scope: access})
        await shared.keep(said, mine, kept)
        return token, seconds

    async def _ask_by_consent(self, refresh_token: str) -> dict[str, Any]:
        """A token that the provider has refused is not shown to it again: a new sign-in helps."""
        if not refresh_token:
            raise NotLetIn(f"nobody has signed in at the provider yet: {_WHERE}")
        if refresh_token == self._spent:
            raise NotLetIn(f"the provider takes our sign-in no more: {_WHERE} anew")
        try:
            return await self._ask(refresh_token)
        except BadCredentials as refused:
            if not self._settings.consent:
                raise
            self._spent = refresh_token
            raise NotLetIn(f"{refused}; {_WHERE} anew") from refused

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


def _lasts(answer: dict[str, Any]) -> float:
    """For how many seconds the access token may be used; a short one once, at least."""
    return max(0.0, float(answer.get("expires_in") or 300) - _EARLY)


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.get_running_loop().create_task(work, name="email:token")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # whoever asks next is told
        raise
