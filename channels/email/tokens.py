"""What all nodes know of one sign-in at a provider: the newest refresh token, and access tokens.

Providers end a refresh token with its first use, some even all that came of it when it is used
twice. So one node asks at a time, and the others take the access token that it was given. Whose
turn it is stands beside the tokens, in the channel's memory, and each step is a compare-and-set.
No clocks are compared: a turn that was seen unchanged for ``TURN_SECONDS`` belonged to a node that
is gone.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from channels.email.settings import OAuth2
from gateway.core.errors import Refused, Unreachable
from gateway.core.ids import ChannelName
from gateway.ports import ChannelMemory, Clock

TURN_SECONDS = 30.0
"""Longer than a provider is waited for."""
LOOK_SECONDS = 0.5
_TRIES = 3
_log = structlog.get_logger("channels")
Sleep = Callable[[float], Awaitable[None]]


class Access(Struct, frozen=True, kw_only=True):
    """``until`` is when the token ends, in seconds since 1970."""

    token: str
    until: float


class Sign(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known. ``access`` is by scope; ``turn`` names who asks the provider just now."""

    refresh: str
    access: dict[str, Access] = {}
    turn: str = ""


class Held(Struct, frozen=True):
    """``sign`` as it stands on disk in the bytes ``raw``; ``None``: it does not yet."""

    raw: bytes | None
    sign: Sign


def key_of(oauth2: OAuth2) -> str:
    """Where the sign-in is kept: another registration or a changed token begins anew."""
    said = oauth2.refresh_token
    if oauth2.consent:
        said = f"consent {oauth2.token_url} {oauth2.client_id}"
    return f"sign:{_short(said)}"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


class SharedTokens:
    """The sign-ins of one channel. Raises ``Unreachable`` while the database does not answer."""

    def __init__(
        self,
        memory: ChannelMemory,
        channel: ChannelName,
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._memory, self._channel, self.clock = memory, channel, clock
        self._sleep = sleep
        self._unsaved: dict[str, tuple[Held, Sign]] = {}

    async def load(self, oauth2: OAuth2) -> Held:
        """As it is now."""
        key = key_of(oauth2)
        try:
            raw = await self._memory.load(self._channel, key)
            if raw is not None:
                return Held(raw, msgspec.json.decode(raw, type=Sign))
            # The version before kept the newest refresh token alone.
            former = await self._memory.load(self._channel, f"oauth:{_short(oauth2.refresh_token)}")
            return Held(None, Sign(refresh=former.decode() if former else oauth2.refresh_token))
        except Refused as refused:
            raise Unreachable(f"the newest refresh token is not known: {refused}") from refused

    async def my_turn(self, oauth2: OAuth2, scope: str, refused: str) -> Held | Access:
        """The right to ask the provider, or what another node was given meanwhile.

        ``refused`` is an access token that a server did not take.
        """
        await self._save_late(oauth2)
        seen, since = "", 0.0
        while True:
            held = await self.load(oauth2)
            found = held.sign.access.get(scope)
            if found and found.token != refused and found.until > self.clock.now().timestamp():
                return found
            turn = held.sign.turn
            if turn and turn != seen:
                seen, since = turn, self.clock.monotonic()
            if turn and self.clock.monotonic() - since < TURN_SECONDS:
                await self._sleep(LOOK_SECONDS)  # another node asks: nothing tells when it has done
                continue
            mine = await self._swap(oauth2, held, replace(held.sign, turn=secrets.token_hex(8)))
            if mine is not None:
                return mine

    async def give_back(self, oauth2: OAuth2, mine: Held) -> None:
        """Nothing came of it."""
        await self._swap(oauth2, mine, replace(mine.sign, turn=""))

    async def keep(self, oauth2: OAuth2, mine: Held, fresh: Sign) -> None:
        """On disk when this returns; a database that is away gets it as soon as it is back."""
        for _ in range(_TRIES):
            try:
                await self._put(oauth2, mine, fresh)
            except Unreachable as away:
                _log.warning("new tokens are not yet stored", reason=str(away))
                await self._sleep(LOOK_SECONDS)
            else:
                return
        self._unsaved[key_of(oauth2)] = (mine, fresh)

    async def consented(self, oauth2: OAuth2, refresh: str) -> None:
        """What an admin's sign-in has brought: it takes the place of all that was."""
        while True:
            held = await self.load(oauth2)
            if await self._swap(oauth2, held, Sign(refresh=refresh)) is not None:
                return

    async def _save_late(self, oauth2: OAuth2) -> None:
        late = self._unsaved.get(key_of(oauth2))
        if late is not None:
            await self._put(oauth2, *late)
            self._unsaved.pop(key_of(oauth2), None)

    async def _put(self, oauth2: OAuth2, mine: Held, fresh: Sign) -> None:
        """Over our own turn, or over whoever took it from us and has got nothing newer yet."""
        while True:
            held = await self.load(oauth2)
            if held.sign.turn != mine.sign.turn and held.sign.refresh != mine.sign.refresh:
                return
            if await self._swap(oauth2, held, fresh) is not None:
                return

    async def _swap(self, oauth2: OAuth2, held: Held, sign: Sign) -> Held | None:
        raw = msgspec.json.encode(sign)
        try:
            stored = await self._memory.swap(self._channel, key_of(oauth2), held.raw, raw)
        except Refused as refused:
            raise Unreachable(f"the tokens could not be stored: {refused}") from refused
        return Held(raw, sign) if stored else None
