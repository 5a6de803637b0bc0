"""``Idempotency-Key`` on any POST: the same key again gets the same answer, done once.

For 24 hours, across restarts: the key is taken on disk before anything is done, and the answer is
kept there before it leaves. A crash between the two leaves an attempt whose outcome nobody knows:
its repeat is refused, for a second effect would be worse. Where a repeat must go through even
then, the resource has a key of its own in the journal: tasks use the inbox key, desktops command
ids, and what people do to items, cases and orders is written under the key (``api.once``). An
answer with a secret is kept in this process only.
"""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from gateway.api.needs import Keys
from gateway.core.errors import Refused
from gateway.core.ids import NewId
from gateway.ports import Clock, HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import Unavailable
from gateway.store.views import Begun, KeyName

KEPT_SECONDS = 86_400.0
KEPT = 20_000
MAX_KEY = 255
HEADER = "idempotency-key"

_log = structlog.get_logger("idempotency")


class _Call(Struct):
    """One keyed request: what it said, when, and its answer as soon as there is one."""

    digest: bytes
    at: float
    answer: "asyncio.Future[HttpAnswer]"


class _Kept(Struct):
    """An answer as it is on disk."""

    status: int
    type: str
    headers: dict[str, str]
    body: bytes


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Kept)


class Idempotency:
    """See the module's docstring."""

    def __init__(self, clock: Clock, keys: Keys, new_id: NewId) -> None:
        self._clock = clock
        self._keys = keys
        self._new_id = new_id
        self._calls: OrderedDict[KeyName, _Call] = OrderedDict()
        self._attempts: OrderedDict[KeyName, str] = OrderedDict()

    def wrap(self, route: HttpRoute) -> HttpRoute:
        """The same route, doing each keyed request once. Only POST needs it."""
        if route.method != "POST" or route.access == "public":
            return route

        async def handle(request: HttpRequest) -> HttpAnswer:
            key = request.headers.get(HEADER)
            if key is None:
                return await route.handle(request)
            return await self._once(route, request, key)

        return replace(route, handle=handle)

    async def _once(self, route: HttpRoute, request: HttpRequest, key: str) -> HttpAnswer:
        if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            raise Refused(
                "bad_field", f"a key has 1 to {MAX_KEY} printable characters", "Idempotency-Key"
            )
        asker = request.principal.name if request.principal is not None else ""
        digest = hashlib.sha256(request.body).digest()
        self._forget()
        name = KeyName(principal=asker, route=f"{request.method} {request.path}", key=key)
        call = self._calls.get(name)
        if call is None:
            return await self._first(route, request, name, digest)
        _check(call.digest, digest)
        return await asyncio.shield(call.answer)

    async def _first(
        self, route: HttpRoute, request: HttpRequest, name: KeyName, digest: bytes
    ) -> HttpAnswer:
        answer: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        self._calls[name] = _Call(digest, self._clock.monotonic(), answer)
        try:
            given = await self._durably(route, request, name, digest)
        except BaseException as error:
            # Who waits for the same is told the same; who comes later is looked up on disk.
            self._calls.pop(name, None)
            if isinstance(error, Exception):
                answer.set_exception(error)
                answer.exception()  # retrieved: with nobody waiting that is no fault
            else:
                answer.cancel()
            raise
        answer.set_result(given)
        return given

    async def _durably(
        self, route: HttpRoute, request: HttpRequest, name: KeyName, digest: bytes
    ) -> HttpAnswer:
        attempt = self._attempts.setdefault(name, self._new_id())
        begun = await self._keys.begin(name, digest, attempt)
        if route.once:
            request = replace(request, once=_once(name))
        if begun.attempt != attempt:
            del self._attempts[name]
            if not route.once or begun.answer is not None:
                return _answered(begun, digest)
            return await self._go_on(route, request, name, begun)
        _check(begun.digest, digest)
        try:
            given = await route.handle(request)
        except (Refused, Unavailable) as error:
            if not (route.once and _is_uncertain(error)):
                await self._free(name, attempt)
            raise
        except BaseException:
            # Ended in the middle, by a fault of ours or a client that left: nobody knows how far
            # it came, and a second effect would be worse than a refused repeat.
            del self._attempts[name]
            raise
        del self._attempts[name]
        if not route.secret:
            await self._settle(name, attempt, given)
        return given

    async def _go_on(
        self, route: HttpRoute, request: HttpRequest, name: KeyName, begun: Begun
    ) -> HttpAnswer:
        """What another attempt has begun, perhaps done: whoever does it finds out."""
        _check(begun.digest, hashlib.sha256(request.body).digest())
        given = await route.handle(request)
        await self._settle(name, begun.attempt, given)
        return given

    async def _free(self, name: KeyName, attempt: str) -> None:
        """Nothing was done. While that cannot be written, this process remembers it."""
        try:
            await self._keys.free(name, attempt)
        except Unavailable:
            _log.warning("a key could not be given back", route=name.route)
        else:
            del self._attempts[name]

    async def _settle(self, name: KeyName, attempt: str, given: HttpAnswer) -> None:
        body: Any = given.body
        kept = _Kept(
            status=given.status,
            type=given.type,
            headers=dict(given.headers),
            body=body if isinstance(body, bytes) else _encoder.encode(body),
        )
        try:
            await self._keys.settle(name, attempt, _encoder.encode(kept))
        except Unavailable:
            # It is done, and this process remembers the answer; another one will not repeat it.
            _log.warning("the answer to a keyed request could not be kept", route=name.route)

    def _forget(self) -> None:
        while len(self._attempts) > KEPT:
            self._attempts.popitem(last=False)
        old = self._clock.monotonic() - KEPT_SECONDS
        while self._calls:
            call = next(iter(self._calls.values()))
            if len(self._calls) <= KEPT and call.at > old:
                return
            self._calls.popitem(last=False)


def _is_uncertain(error: Exception) -> bool:
    """It may be done all the same, at another node that did not answer in time."""
    return isinstance(error, Refused) and error.code == "unavailable"


def _once(name: KeyName) -> str:
    """The name of a keyed request, by which its effect knows it."""
    said = f"{name.principal}\0{name.route}\0{name.key}"
    return f"key:{hashlib.sha256(said.encode()).hexdigest()[:40]}"


def _check(first: bytes, digest: bytes) -> None:
    if first != digest:
        raise Refused("key_reused", "this key was used before with another body", "Idempotency-Key")


def _answered(begun: Begun, digest: bytes) -> HttpAnswer:
    """What an earlier attempt, perhaps of an earlier process, was answered."""
    _check(begun.digest, digest)
    if begun.answer is None:
        raise Refused(
            "conflict",
            "the first request with this key was interrupted, or is still being done elsewhere: "
            "look whether it took effect, and if not, use another key",
            "Idempotency-Key",
        )
    kept = _decoder.decode(begun.answer)
    return HttpAnswer(status=kept.status, body=kept.body, type=kept.type, headers=kept.headers)
