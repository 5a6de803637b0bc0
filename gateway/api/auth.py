"""Who holds a token, and who may have one.

Tokens are 32 random bytes; the database keeps their SHA-256 alone. A look-up is believed for at
most five seconds, so revocation acts within that on every node, and at once on this one.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from gateway.api.needs import Tokens
from gateway.api.sprays import Sprays
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NewId
from gateway.core.model import AgentProfile
from gateway.flow.tasks import KeyedLocks
from gateway.ports import Clock, Principal, Role
from gateway.store.contract import Unavailable
from gateway.store.views import TokenRow

BELIEVED_SECONDS = 4.0
CACHED = 50_000
ATTEMPTS = 5
"""Failed logins of one name from one address before it has to wait."""
IN_LINE = 50
"""Who would wait behind so many is told to come again."""
FORGIVEN_SECONDS = 300.0
WATCHED = 10_000
HASHING_AT_ONCE = 2
HASHING_WAITS = 1_000
"""Logins that may wait for their turn; more would wait longer than anybody does."""
BOOTSTRAP = AgentName("bootstrap")
_RANK: dict[Role, int] = {"agent": 1, "supervisor": 2, "admin": 3}

ProfileOf = Callable[[AgentName], AgentProfile | None]


class Issued(Struct, frozen=True, kw_only=True):
    """A fresh token; the only time that it can be read."""

    token: str
    row: TokenRow


@contextmanager
def _asked() -> Iterator[None]:
    """Push knows nothing of databases: while there is none it is refused."""
    try:
        yield
    except Unavailable as error:
        raise Refused("unavailable", "the database does not answer; try again") from error


class TokenAuth:
    """Implements ``ports.Auth``. ``profile_of`` is the directory as the node has it."""

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        new_id: NewId,
        profile_of: ProfileOf,
        *,
        bootstrap_token: str = "",
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id
        self._profile_of = profile_of
        self._bootstrap = bootstrap_token.encode()
        self._cache: OrderedDict[bytes, tuple[float, TokenRow | None]] = OrderedDict()

    async def principal(self, token: str) -> Principal | None:
        raw = token.encode(errors="replace")
        if self._bootstrap and hmac.compare_digest(raw, self._bootstrap):
            return Principal(name=BOOTSTRAP, role="admin", token=BOOTSTRAP)
        row = await self._holder(hashlib.sha256(raw).digest())
        if row is None or (row.expires_at is not None and row.expires_at <= self._clock.now()):
            return None
        return self._principal_of(row)

    def _principal_of(self, row: TokenRow) -> Principal:
        """An agent never has more rights than the directory gives; a service has its token's."""
        profile = self._profile_of(row.principal)
        role = row.role
        if profile is not None and _RANK[profile.role] < _RANK[role]:
            role = profile.role
        display = profile.display_name if profile is not None else ""
        return Principal(name=row.principal, role=role, token=row.id, display_name=display)

    async def _holder(self, digest: bytes) -> TokenRow | None:
        now = self._clock.monotonic()
        known = self._cache.get(digest)
        if known is not None and now - known[0] < BELIEVED_SECONDS:
            return known[1]
        with _asked():
            row = await self._tokens.holder(digest)
        self._cache[digest] = (now, row)
        self._cache.move_to_end(digest)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return row

    async def revoked(self, tokens: Collection[str]) -> Collection[str]:
        """Which of these tokens' ids (``Principal.token``) are not valid any more.

        Raises ``Refused`` while the database is away: whoever sweeps asks again later.
        """
        asked = {t for t in tokens if t != BOOTSTRAP}
        with _asked():
            return await self._tokens.dead(asked) if asked else ()

    async def issue(self, name: AgentName, role: Role, *, hours: float | None, note: str) -> Issued:
        """A new token, on disk. ``hours`` ``None``: until it is revoked."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        row = TokenRow(
            id=self._new_id(),
            principal=name,
            role=role,
            note=note,
            created_at=now,
            expires_at=now + timedelta(hours=hours) if hours is not None else None,
        )
        await self._tokens.add(row, hashlib.sha256(token.encode()).digest())
        return Issued(token=token, row=row)

    async def revoke(self, token: str) -> bool:
        """End a token by its id; on this node at once."""
        row = await self._tokens.revoke(token)
        self._forget(lambda known: known.id == token)
        return row is not None

    async def revoke_all_of(self, name: AgentName) -> None:
        """End every token of somebody who must not come in any more."""
        await self._tokens.revoke_all_of(name)
        self._forget(lambda known: known.principal == name)

    def _forget(self, which: Callable[[TokenRow], bool]) -> None:
        gone = [d for d, (_, row) in self._cache.items() if row is not None and which(row)]
        for digest in gone:
            del self._cache[digest]


class Passwords:
    """Logins by name and password (argon2id), with few tries per name and address.

    Many names from one address, or one name from many, are slowed and never shut out: who has
    signed in under this name from this address before does not wait at all.
    """

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        hasher: PasswordHasher,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._sprays = Sprays(clock)
        self._lines = KeyedLocks()
        self._in_line: Counter[str] = Counter()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._tokens = tokens
        self._clock = clock
        self._hasher = hasher
        self._slots = asyncio.Semaphore(HASHING_AT_ONCE)
        self._waiting = 0
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._nobody = ""

    async def role_of(self, name: str, password: str, remote: str) -> Role:
        """The role of who knows the password. Raises ``Refused``.

        An unknown name costs as much time as a wrong password and gets the same answer.
        """
        self._check_pace(name, remote)
        found = await self._tokens.login(name)
        known = found[0] if found else await self._dummy()
        async with self._slowed(name, remote), self._turn():
            # Again: many may have come at once and waited together.
            self._check_pace(name, remote)
            right = await self._verify(known, password)
            if found is None or not right:
                self._note_failure(name, remote)
                raise Refused("unauthorized", "the name or the password is wrong")
        self._failures.pop((name, remote), None)
        self._note_success(name, remote)
        if self._hasher.check_needs_rehash(found[0]):
            await self._tokens.save_login(AgentName(name), await self.hash(password), found[1])
        return found[1]

    async def hash(self, password: str) -> str:
        """For ``Tokens.save_login``."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= HASHING_WAITS:
            raise Refused("too_fast", "too many are signing in just now; try again in a minute")
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1

    async def _verify(self, known: str, password: str) -> bool:
        try:
            return await asyncio.to_thread(self._hasher.verify, known, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _dummy(self) -> str:
        if not self._nobody:
            self._nobody = await self.hash(secrets.token_hex(16))
        return self._nobody

    # -- pace -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _slowed(self, name: str, remote: str) -> AsyncIterator[None]:
        """Wait in line where names or addresses are tried out. Raises ``Refused``."""
        async with AsyncExitStack() as lines:
            for key in _keys(name, remote) if (name, remote) not in self._known else ():
                seconds = self._sprays.delay(key)
                if not seconds:
                    continue
                if self._in_line[key] >= IN_LINE:
                    raise Refused("too_fast", "too many are signing in just now; try again later")
                lines.enter_context(self._waiting_for(key))
                await lines.enter_async_context(self._lines.hold(key))
                await self._sleep(seconds)  # what trying out many is to cost
            yield

    @contextmanager
    def _waiting_for(self, key: str) -> Iterator[None]:
        self._in_line[key] += 1
        try:
            yield
        finally:
            self._in_line[key] -= 1
            if not self._in_line[key]:
                del self._in_line[key]

    def _note_success(self, name: str, remote: str) -> None:
        self._sprays.note(_keys(name, remote), failed=False)
        self._known[name, remote] = None
        self._known.move_to_end((name, remote))
        while len(self._known) > CACHED:
            self._known.popitem(last=False)

    def _check_pace(self, name: str, remote: str) -> None:
        count, since = self._failures.get((name, remote), (0, 0.0))
        left = FORGIVEN_SECONDS - (self._clock.monotonic() - since)
        if count >= ATTEMPTS and left > 0:
            raise Refused("too_fast", f"too many wrong passwords; try again in {left:.0f} s")

    def _note_failure(self, name: str, remote: str) -> None:
        self._sprays.note(_keys(name, remote), failed=True)
        now = self._clock.monotonic()
        count, since = self._failures.get((name, remote), (0, now))
        if now - since >= FORGIVEN_SECONDS:
            count, since = 0, now
        self._failures[name, remote] = (count + 1, since)
        self._failures.move_to_end((name, remote))
        while len(self._failures) > WATCHED:
            self._failures.popitem(last=False)


def _keys(name: str, remote: str) -> tuple[str, str]:
    """By what sprays are counted; always in this order, so that nobody waits in a circle."""
    return f"of {name}", f"from {remote}"
