"""An admin's sign-in at the provider, from the admin pages: begun, asked about, come back from.

How far it is stands in the channel's memory, so that any node goes on with it: the one that serves
the admin's next request, or the one to which the provider sends the browser back.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from channels.email.consent import (
    PATIENCE_SECONDS,
    Client,
    Granted,
    code_to_type,
    page_of,
    redeemed,
    typed,
)
from channels.email.providers import grant_of
from channels.email.settings import OAuth2
from channels.email.tokens import SharedTokens, key_of
from gateway.core.errors import ChannelError, Refused, Unreachable
from gateway.core.ids import ChannelName
from gateway.ports import ChannelMemory, Clock, Consent, ConsentWay

_KEY = "consent"
_SLOWER_SECONDS = 5.0
"""RFC 8628 section 3.5."""


class Pending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One that was begun. ``state`` and ``verifier`` prove that the page which comes back is ours.

    ``of`` is the registration (``tokens.key_of``): for another one nothing has been begun.
    ``asked`` is when the provider was asked last, in seconds since 1970.
    """

    shown: Consent
    of: str = ""
    state: str = ""
    verifier: str = ""
    device_code: str = ""
    asked: float = 0.0


class LettingIn:
    """Of one channel; ``oauth2`` is the registration that it signs in with."""

    def __init__(
        self,
        oauth2: OAuth2,
        tokens: SharedTokens,
        memory: ChannelMemory,
        channel: ChannelName,
        clock: Clock,
    ) -> None:
        self._oauth2, self._tokens, self._memory = oauth2, tokens, memory
        self._channel, self._clock = channel, clock
        grant = grant_of(oauth2)
        self._client = Client(grant, oauth2.client_id, oauth2.client_secret) if grant else None

    def ways(self) -> tuple[ConsentWay, ...]:
        """A code needs nothing to be registered, so it comes first where there is one."""
        grant = self._client.grant if self._client else None
        by_code: tuple[ConsentWay, ...] = ("code",) if grant and grant.device_url else ()
        by_page: tuple[ConsentWay, ...] = ("page",) if grant and grant.authorize_url else ()
        return by_code + by_page

    async def begin(self, way: ConsentWay, back: str) -> Consent:
        """From the start, whatever was begun before. Raises ``Refused``."""
        if self._client is None or way not in self.ways():
            raise Refused(
                "bad_field",
                "nobody signs in so there; name authorize_url or device_url in oauth2",
                "way",
            )
        fresh = Consent(state="waiting", ways=self.ways())
        try:
            pending = await self._begun(self._client, fresh, way, back)
        except ChannelError as fault:
            pending = Pending(shown=replace(fresh, state="refused", reason=str(fault)))
        pending = replace(pending, of=key_of(self._oauth2))
        while True:
            raw, _ = await self._load()
            if await self._memory.swap(self._channel, _KEY, raw, msgspec.json.encode(pending)):
                return pending.shown

    async def _begun(self, client: Client, fresh: Consent, way: ConsentWay, back: str) -> Pending:
        now = self._clock.now()
        if way == "code":
            begun = await code_to_type(client)
            shown = replace(
                fresh,
                url=begun.url,
                code=begun.code,
                every=begun.every,
                until=now + timedelta(seconds=begun.seconds),
            )
            return Pending(shown=shown, device_code=begun.device_code, asked=now.timestamp())
        state, verifier = f"{self._channel}.{secrets.token_urlsafe(24)}", secrets.token_urlsafe(48)
        url = page_of(client, back, state, verifier)
        until = now + timedelta(seconds=PATIENCE_SECONDS)
        shown = replace(fresh, url=url, back=back, until=until)
        return Pending(shown=shown, state=state, verifier=verifier)

    async def look(self) -> Consent:
        """How far it is; the provider is asked no more often than it wants."""
        raw, pending = await self._load()
        if pending is None:
            try:
                known = (await self._tokens.load(self._oauth2)).sign.refresh
            except Unreachable as away:
                raise Refused("unavailable", str(away)) from away
            return Consent(state="granted" if known else "none", ways=self.ways())
        shown, now = pending.shown, self._clock.now()
        if shown.state != "waiting":
            return shown
        if shown.until is not None and now > shown.until:
            late = replace(shown, state="refused", reason="nobody signed in in time: begin again")
            return await self._now(raw, replace(pending, shown=late))
        if not pending.device_code or now.timestamp() < pending.asked + shown.every:
            return shown
        asking = replace(pending, asked=now.timestamp())
        mine = msgspec.json.encode(asking)
        if self._client is None or not await self._memory.swap(self._channel, _KEY, raw, mine):
            return shown  # another node asks
        return await self._asked(self._client, mine, asking)

    async def _asked(self, client: Client, mine: bytes, asking: Pending) -> Consent:
        shown = asking.shown
        try:
            came = await typed(client, asking.device_code)
        except Unreachable as fault:
            return await self._now(mine, replace(asking, shown=replace(shown, reason=str(fault))))
        except ChannelError as fault:
            refused = replace(shown, state="refused", reason=str(fault))
            return await self._now(mine, replace(asking, shown=refused))
        if isinstance(came, Granted):
            return await self._granted(mine, asking, came)
        every = shown.every + (_SLOWER_SECONDS if came == "slower" else 0.0)
        return await self._now(mine, replace(asking, shown=replace(shown, every=every, reason="")))

    async def came_back(self, query: Mapping[str, str]) -> Consent:
        """With a code, or with the reason why not. Raises ``Refused`` for what is not ours."""
        raw, pending = await self._load()
        ours = (
            pending is not None
            and pending.state
            and secrets.compare_digest(query.get("state", "").encode(), pending.state.encode())
        )
        if pending is None or self._client is None or not ours:
            raise Refused("bad_field", "this is not the answer that is waited for", "state")
        # A code is good once: whoever comes second with it is not waited for.
        taken = replace(pending, state="", verifier="")
        mine = msgspec.json.encode(taken)
        if not await self._memory.swap(self._channel, _KEY, raw, mine):
            raise Refused("conflict", "it has just been answered", "state")
        try:
            came = await redeemed(self._client, query, pending.shown.back, pending.verifier)
        except ChannelError as fault:
            refused = replace(pending.shown, state="refused", reason=str(fault))
            return await self._now(mine, replace(taken, shown=refused))
        return await self._granted(mine, taken, came)

    async def _granted(self, raw: bytes, pending: Pending, came: Granted) -> Consent:
        try:
            await self._tokens.consented(self._oauth2, came.refresh)
        except Unreachable as away:
            raise Refused("unavailable", f"signed in, but {away}: begin again") from away
        shown = Consent(state="granted", ways=pending.shown.ways)
        return await self._now(raw, Pending(shown=shown, of=pending.of))

    async def _now(self, raw: bytes | None, pending: Pending) -> Consent:
        """Unless somebody has begun again meanwhile."""
        await self._memory.swap(self._channel, _KEY, raw, msgspec.json.encode(pending))
        return pending.shown

    async def _load(self) -> tuple[bytes | None, Pending | None]:
        raw = await self._memory.load(self._channel, _KEY)
        pending = msgspec.json.decode(raw, type=Pending) if raw is not None else None
        return raw, pending if pending and pending.of == key_of(self._oauth2) else None
